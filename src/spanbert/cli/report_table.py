"""A report as a table on the screen."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from spanbert.scoring.report import Report


def report_table(report: Report) -> RenderableType:
    """Values with the primary one marked, counts, and what was lost on the way."""
    values = Table("metric", "value", title=report.task, title_justify="left")
    values.columns[1].justify = "right"
    for name, value in report.values.items():
        style = "bold" if name == report.primary else ""
        values.add_row(name, f"{value:.2f}", style=style)
    lines = [Text(", ".join(f"{count} {name.replace('_', ' ')}" for name, count in report.counts.items()))]
    if report.lost_gold:
        lost = ", ".join(f"{count} x {reason}" for reason, count in report.lost_gold.items())
        lines.append(Text(f"gold that could not be used: {lost}", style="yellow"))
    return Group(values, *lines)
