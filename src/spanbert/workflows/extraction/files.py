"""Extractions as files: JSON lines, tables, graphs and a page."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
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
    extractions: list[Extraction] = []
    listed: list[dict[str, Any]] = []
    with gradual_write(folder / "documents.jsonl") as stream:
        for made in found:
            extractions.append(made)
            listed.append(made.to_json())
            stream.write(json.dumps(listed[-1], ensure_ascii=False) + "\n")
            stream.flush()
    _write_table(folder / "entities.csv", ENTITIES, _entities(listed))
    _write_table(folder / "mentions.csv", MENTIONS, _mentions(listed))
    _write_table(folder / "relations.csv", RELATIONS, _relations(listed))
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


def _entities(listed: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for found in listed:
        for entity in found["entities"]:
            yield {"file": found["file"], **entity}


def _mentions(listed: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for found in listed:
        for cluster in found["clusters"]:
            for mention in cluster["mentions"]:
                yield {"file": found["file"], "cluster": cluster["id"], "name": cluster["name"], **mention}


def _relations(listed: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for found in listed:
        texts = [entity["text"] for entity in found["entities"]]
        for one in found["relations"]:
            ends = {"subject_text": texts[one["subject"]], "object_text": texts[one["object"]]}
            yield {"file": found["file"], **one, **ends}
