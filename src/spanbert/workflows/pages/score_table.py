"""Scores of parts of the data as a table, with the intervals drawn."""

from __future__ import annotations

from spanbert.scoring.analysis import Score, Slice, SliceTable
from spanbert.workflows.pages.markup import Html, element

MOST_METRICS_ABREAST = 3
"""Up to so many metrics have room for their intervals beside the values."""


def score_table(table: SliceTable) -> Html:
    """A table with a row for each slice; the last metric, the one to look at first, is drawn too."""
    head = element(
        "tr",
        element("th", "Part", scope="col"),
        element("th", table.counted.capitalize(), scope="col", class_="number"),
        *(element("th", metric, scope="col", class_="number") for metric in table.metrics),
        element("td", class_="plot"),
    )
    looks = "scores" if len(table.metrics) <= MOST_METRICS_ABREAST else "scores narrow"
    shown = element("table", element("thead", head), element("tbody", *map(_row, table.slices)), class_=looks)
    note = [element("p", table.note, class_="note")] if table.note else []
    return element("section", element("h3", table.title), in_scroller(shown, table.title), *note)


def in_scroller(table: Html, name: str) -> Html:
    """A table that can be scrolled sideways, by keyboard too, where the page is too narrow for it."""
    return element("div", table, class_="scroller", role="region", aria_label=name, tabindex=0)


def share_bar(share: float) -> Html:
    """A bar for a share in percent; decoration for those who see it, the number stands beside it."""
    return element("span", class_="bar", style=f"--share: {share:.2f}", aria_hidden="true")


def _row(part: Slice) -> Html:
    return element(
        "tr",
        element("th", element("bdi", part.name), scope="row"),
        element("td", f"{part.count:,}", class_="number"),
        *(element("td", _value(score), class_="number") for score in part.scores),
        element("td", *map(_drawn, part.scores[-1:]), class_="plot"),
    )


def _value(score: Score) -> Html:
    if score.value is None:
        return element("span", "–", title="nothing to score")
    if score.interval is None:
        return element("span", f"{score.value:.1f}")
    low, high = score.interval
    return element("span", f"{score.value:.1f} ", element("small", f"({low:.1f} to {high:.1f})"))


def _drawn(score: Score) -> Html:
    if score.value is None:
        return element("span")
    low, high = score.interval or (score.value, score.value)
    style = f"--low: {low:.2f}; --high: {high:.2f}; --value: {score.value:.2f}"
    return element("span", class_="interval", style=style, aria_hidden="true")
