"""`spanbert inspect`."""

from __future__ import annotations

import json as json_format
import sys
from collections import Counter
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

if TYPE_CHECKING:
    from spanbert.workflows.inspect_model import ModelDescription

STYLES = {
    "loaded": "green",
    "renamed": "cyan",
    "missing": "bold red",
    "random": "yellow",
    "redundant": "dim",
    "unused": "magenta",
}
"""Of what may become of a tensor."""
LEGEND = (
    "loaded: taken as it is; renamed: taken from an older name; missing: should be there and is not; "
    "random: not there, starts at random when a task asks for it; redundant: said by another tensor; "
    "unused: of no known kind"
)


def inspect(model: str, /, *, tensors: bool = False, json: bool = False, offline: bool = False) -> None:
    """Say what a checkpoint holds and what it can do.

    Args:
        model: a shipped name, a folder, an archive, a weights file or a hub id.
        tensors: list every tensor: loaded, renamed, missing, random, redundant or unused.
        json: print one JSON object and nothing else.
        offline: never go to the network.
    """
    from spanbert.workflows.inspect_model import inspect_model

    found = inspect_model(model, offline=offline)
    if json:
        values = found.to_json()
        if not tensors:
            values.pop("tensors")
        sys.stdout.write(json_format.dumps(values, ensure_ascii=False, indent=2) + "\n")
        return
    console = Console(soft_wrap=True, highlight=False)
    _summary(console, found)
    if tensors:
        _tensors(console, found)


def _summary(console: Console, found: ModelDescription) -> None:
    precision = ", ".join(f"{dtype} ({count})" for dtype, count in found.precision.items())
    rows = [
        (
            "encoder",
            f"{found.layers} layers x {found.width}, {found.heads} heads, "
            f"feed-forward {found.feed_forward_width}, {found.vocabulary:,} word vectors, "
            f"{found.positions} positions",
        ),
        ("parameters", f"{found.parameters:,}"),
        ("weights", f"{found.weights_file}: {precision}"),
        ("tokenizer", found.tokenizer),
        ("heads", ", ".join(found.model_heads) or "none"),
        ("trained for", found.trained_for or "not said (no task.json)"),
        ("can do now", ", ".join(found.ready_for) or "nothing; it is to be fine-tuned first"),
        ("can be tuned for", ", ".join(found.can_be_tuned_for) or "nothing as it is"),
    ]
    console.print(f"[bold]{escape(found.path)}[/bold]")
    for name, value in rows:
        console.print(f"  [dim]{name:<17}[/dim]{escape(value)}")
    for note in found.notes:
        console.print(f"  [cyan]note[/cyan]             {escape(note)}")
    for warning in found.warnings:
        console.print(f"  [bold red]warning[/bold red]          {escape(warning)}")


def _tensors(console: Console, found: ModelDescription) -> None:
    rows = [
        (
            line.name,
            line.fate.value,
            "?" if line.shape is None else " x ".join(map(str, line.shape)) or "scalar",
            line.dtype or "-",
            "" if line.stored_as in (None, line.name) else f"from {line.stored_as}",
        )
        for line in found.tensors
    ]
    # Columns by hand: a table of the library would cut names to the width of the terminal.
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row, line in zip(rows, found.tensors, strict=True):
        cells = [escape(cell.ljust(width)) for cell, width in zip(row, widths, strict=True)]
        cells[1] = f"[{STYLES[line.fate.value]}]{cells[1]}[/]"
        console.print("  ".join(cells).rstrip())
    counts = Counter(line.fate.value for line in found.tensors)
    console.print(", ".join(f"{counts[fate]} {fate}" for fate in STYLES if counts[fate]))
    console.print(f"[dim]{LEGEND}[/dim]")
