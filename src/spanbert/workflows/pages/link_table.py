"""Relations between spans as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from spanbert.workflows.pages.highlighting import percent
from spanbert.workflows.pages.markup import Html, element
from spanbert.workflows.pages.score_table import in_scroller


@dataclass(frozen=True, slots=True)
class Link:
    """A relation from one span to another, all as they are to be read."""

    subject: str
    relation: str
    object: str
    probability: float | None = None


def link_table(links: Sequence[Link]) -> Html:
    """Links in the order given, a row for each."""
    head = element(
        "tr",
        *(element("th", name, scope="col") for name in ("Subject", "Relation", "Object")),
        element("th", "Probability", scope="col", class_="number"),
    )
    rows = [
        element(
            "tr",
            *(element("td", element("bdi", name)) for name in (link.subject, link.relation, link.object)),
            element("td", "" if link.probability is None else percent(link.probability), class_="number"),
        )
        for link in links
    ]
    return in_scroller(element("table", element("thead", head), element("tbody", *rows)), "Relations")
