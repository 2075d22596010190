"""Data files of entities: each format has a reader and a writer; names and contents tell formats apart."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from spanbert.errors import DataError, SettingsError
from spanbert.tasks.entities.examples import EntityExample, Notes, Place
from spanbert.tasks.entities.formats import brat, conll, doccano, jsonl, label_studio, spacy
from spanbert.text.fields import with_distinct_ids
from spanbert.text.files import read_jsonl, read_lines

JSONL_ENDINGS = (".jsonl", ".jsonlines", ".ndjson")
COLUMN_ENDINGS = (".conll", ".tsv", ".bio", ".bioes", ".bilou", ".iob", ".iob1", ".iob2")
ENDINGS = (*JSONL_ENDINGS, ".json", ".spacy", ".txt", *COLUMN_ENDINGS)
LINES_LOOKED_AT = 20

WRITERS: dict[str, Callable[[Path, Iterable[EntityExample]], None]] = {
    "jsonl": jsonl.write,
    "conll": conll.write,
    "brat": brat.write,
    "spacy": spacy.write,
    "prodigy": spacy.write_jsonl,
    "doccano": doccano.write,
    "label-studio": label_studio.write,
}


def read_examples(path: Path) -> Iterator[EntityExample]:
    """Examples of a file or brat folder; what had to be repaired is told at its end as one warning.

    Raises:
        DataError: the file breaks its format; the message names file, line and remedy.
    """
    notes = Notes()
    found = ((place.path, place.line, example) for place, example in _read(path, notes))
    yield from with_distinct_ids(found, path, "texts")
    if notes:
        told = ", ".join(f"{count} x {what}" for what, count in sorted(notes.items()))
        logging.getLogger(__name__).warning("%s: %s", path, told)


def parse_item(item: Mapping[str, Any], place: Place) -> EntityExample:
    """One JSON object as an example, in the form of any of the tools; gold may be absent.

    Raises:
        DataError: a field is missing or has the wrong type, or an entity is not in the text.
    """
    if label_studio.is_task(item):
        return label_studio.parse(item, place)
    if "spans" in item:
        return spacy.parse(item, place)
    if doccano.is_line(item):
        return doccano.parse(item, place)
    if "entities" not in item and spacy.has_tokens(item):
        return spacy.parse(item, place)
    return jsonl.parse(item, place)


def write_examples(path: Path, examples: Iterable[EntityExample], form: str) -> None:
    """Write examples in one of the formats of `WRITERS`.

    Raises:
        SettingsError: no such format.
        DataError: an example cannot be said in it, as overlapping entities cannot in CoNLL columns.
        MissingExtraError: the format needs a package that is not installed.
    """
    if form not in WRITERS:
        raise SettingsError(f"unknown format {form!r}: choose one of {', '.join(WRITERS)}")
    WRITERS[form](path, examples)


def _read(path: Path, notes: Notes) -> Iterator[tuple[Place, EntityExample]]:
    name = path.name.removesuffix(".gz").lower()
    if path.is_dir():
        return brat.read(path, notes)
    if name.endswith(JSONL_ENDINGS):
        return _read_jsonl(path, notes)
    if name.endswith(".json"):
        return label_studio.read(path, notes)
    if name.endswith(".spacy"):
        return spacy.read(path, notes)
    if name.endswith(COLUMN_ENDINGS) or _is_conll(path):
        return conll.read(path, notes)
    if name.endswith(".txt"):
        return _read_plain(path, notes)
    raise DataError(
        f"cannot tell its format; the name must end in {', '.join(ENDINGS)} (or these with .gz), or its "
        "lines in tags",
        path,
    )


def _read_jsonl(path: Path, notes: Notes) -> Iterator[tuple[Place, EntityExample]]:
    for line, item in read_jsonl(path):
        place = Place(path, line, notes)
        yield place, parse_item(item, place)


def _read_plain(path: Path, notes: Notes) -> Iterator[tuple[Place, EntityExample]]:
    """Texts without gold, one a line."""
    for line, text in read_lines(path):
        if text.strip():
            yield Place(path, line, notes), EntityExample(str(line), text)


def _is_conll(path: Path) -> bool:
    """Whether the first lines of a file all end in a tag."""
    looked = 0
    for _, line in read_lines(path):
        if not line.strip() or line.startswith((conll.DOCUMENT_START, "# ")):
            continue
        if not conll.ends_in_tag(line):
            return False
        looked += 1
        if looked == LINES_LOOKED_AT:
            break
    return looked > 0
