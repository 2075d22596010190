"""Extractions as one HTML file: texts with their entities and clusters, and the relations as a table."""

from __future__ import annotations

from collections.abc import Sequence

from spanbert.text.spans import Span
from spanbert.workflows.extraction.extract import Extraction
from spanbert.workflows.pages.highlighting import Highlight, highlighted, keys_of, legend
from spanbert.workflows.pages.link_table import Link, link_table
from spanbert.workflows.pages.markup import Html, element, page

MOST_CHARS = 50_000
"""Of a longer document the page shows this much; the other files have all of it."""
MOST_IN_LEGEND = 18


def extraction_page(extractions: Sequence[Extraction]) -> Html:
    """A page that can be read without network and without scripts."""
    types = keys_of([span for made in extractions for span in _entities(made)])  # one colour in all documents
    links = [
        element("li", element("a", made.file, href=f"#document-{number}"))
        for number, made in enumerate(extractions)
    ]
    return page(
        "Extraction",
        element(
            "header",
            element("h1", "Extraction"),
            element("nav", element("ul", *links), aria_label="Documents"),
        ),
        *(_document(number, made, types) for number, made in enumerate(extractions)),
    )


def _document(number: int, made: Extraction, types: Sequence[str]) -> Html:
    text = made.document.text
    shown = [Span(0, min(len(text), MOST_CHARS))]
    found = {"entities": made.entities, "clusters": made.clusters, "relations": made.relations}
    counts = ", ".join(f"{len(several):,} {what}" for what, several in found.items())
    mentions = _mentions(made)
    left_out = len(text) - shown[0].end
    notes = [*made.document.notes]
    if left_out:
        notes.append(
            f"The last {left_out:,} of {len(text):,} characters are left out here; documents.jsonl has all."
        )
    return element(
        "section",
        element("h2", element("bdi", made.file), id=f"document-{number}"),
        element("p", counts),
        *(element("p", element("bdi", note), class_="note") for note in notes),
        *_marked("Entities", text, _entities(made), types, shown),
        *_marked("Clusters", text, mentions, keys_of(mentions), shown),
        *_relations(made),
    )


def _entities(made: Extraction) -> list[Highlight]:
    return [Highlight(one.chars, one.type, one.type, one.probability) for one in made.entities]


def _mentions(made: Extraction) -> list[Highlight]:
    """Mentions that are linked; each bears the number of its cluster."""
    return [
        Highlight(mention.chars, str(number), f"{number} {cluster.name}")
        for number, cluster in enumerate(made.clusters)
        for mention in cluster.mentions
        if len(cluster.mentions) > 1
    ]


def _marked(
    title: str, text: str, spans: Sequence[Highlight], keys: Sequence[str], shown: Sequence[Span]
) -> list[Html]:
    if not spans:
        return []
    more = len(keys) - MOST_IN_LEGEND
    note = [element("p", f"and {more:,} more", class_="note")] if more > 0 else []
    return [
        element("h3", title),
        legend(keys[:MOST_IN_LEGEND]),
        *note,
        highlighted(text, spans, keys, shown),
    ]


def _relations(made: Extraction) -> list[Html]:
    if not made.relations:
        return []
    links = [
        Link(made.entities[one.subject].text, one.relation, made.entities[one.object].text, one.probability)
        for one in made.relations
    ]
    return [element("h3", "Relations"), link_table(links)]
