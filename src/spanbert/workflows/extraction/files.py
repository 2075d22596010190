"""Extractions as files: JSON lines, tables, graphs and a page."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from spanbert.text.files import atomic_write, gradual_write, write_json
from spanbert.workflows.extraction.extract import Extraction
from spanbert.workflows.extraction.graph import json_ld, knowledge_graph, write_graphml
from spanbert.workflows.pages.extraction_page import extraction_page

PLACE = ("char_start", "char_end", "line", "page", "probability")
ENTITIES = ("file", "id", "text", "type", *PLACE, "cluster")
MENTIONS = ("file", "cluster", "name", "text", *PLACE)
RELATIONS = ("file", "subject", "subject_text", "relation", "object", "object_text", "probability")
"""Columns of the tables."""


def write_extractions(found: Iterable[Extraction], folder: Path) -> list[Path]:
    """Write everything about some documents into a folder.

    `documents.jsonl` has one object a document, written as soon as it is found (`documents.jsonl.part` until
    all are); `entities.csv`, `mentions.csv` and `relations.csv` the same as tables; `graph.graphml` and
    `graph.jsonld` the things and relations as a graph; `index.html` the texts with all that was found.

    Raises:
        SpanbertError: the folder cannot be written.
    """
    extractions = []
    with gradual_write(folder / "documents.jsonl") as stream:
        for made in found:
            stream.write(json.dumps(made.to_json(), ensure_ascii=False) + "\n")
            stream.flush()
            extractions.append(made)
    _write_table(folder / "entities.csv", ENTITIES, _entities(extractions))
    _write_table(folder / "mentions.csv", MENTIONS, _mentions(extractions))
    _write_table(folder / "relations.csv", RELATIONS, _relations(extractions))
    nodes, edges = knowledge_graph(extractions)
    write_graphml(nodes, edges, folder / "graph.graphml")
    write_json(folder / "graph.jsonld", json_ld(nodes, edges))
    with atomic_write(folder / "index.html") as stream:
        stream.write(extraction_page(extractions))
    return sorted(folder.iterdir())


def _write_table(path: Path, header: Sequence[str], rows: Iterable[dict[str, Any]]) -> None:
    with atomic_write(path) as stream:
        table = csv.DictWriter(stream, header, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def _entities(extractions: Iterable[Extraction]) -> Iterable[dict[str, Any]]:
    for made in extractions:
        found = made.to_json()
        for entity in found["entities"]:
            yield {"file": found["file"], **entity}


def _mentions(extractions: Iterable[Extraction]) -> Iterable[dict[str, Any]]:
    for made in extractions:
        found = made.to_json()
        for cluster in found["clusters"]:
            for mention in cluster["mentions"]:
                yield {"file": found["file"], "cluster": cluster["id"], "name": cluster["name"], **mention}


def _relations(extractions: Iterable[Extraction]) -> Iterable[dict[str, Any]]:
    for made in extractions:
        for one in made.relations:
            yield {
                "file": str(made.document.path),
                "subject": one.subject,
                "subject_text": made.entities[one.subject].text,
                "relation": one.relation,
                "object": one.object,
                "object_text": made.entities[one.object].text,
                "probability": round(one.probability, 6),
            }
