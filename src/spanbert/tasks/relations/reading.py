"""Readers of relations: JSONL of pairs or of documents, and TACRED JSON."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from spanbert.errors import DataError
from spanbert.tasks.relations.documents import parse_document
from spanbert.tasks.relations.examples import Argument, RelationExample
from spanbert.tasks.relations.fields import Item
from spanbert.text.files import read_json, read_jsonl, read_lines
from spanbert.text.spans import Span
from spanbert.text.words import joined

TREEBANK_BRACKETS = {"-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]", "-LCB-": "{", "-RCB-": "}"}


def read_examples(path: Path) -> Iterator[RelationExample]:
    """Pairs of a file, plain or .gz: JSONL of pairs or documents, or a JSON list as TACRED has it.

    Documents without a pair are counted in a warning at the end of the file.

    Raises:
        DataError: the file breaks its format; the message names file, line (or object) and remedy.
    """
    empty = True
    without_pair = 0
    for item in _items(path):
        empty = False
        if not _is_document(item.fields):
            yield _parse_pair(item)
            continue
        pairs = list(parse_document(item).pairs())
        without_pair += not pairs
        yield from pairs
    if without_pair:
        logging.getLogger(__name__).warning(
            "%s: %d x documents with fewer than two entities, so without a pair", path, without_pair
        )
    if empty:
        raise DataError("the file holds no pairs of entities", path)


def parse_example(fields: Mapping[str, Any], place: Path | str, line: int | None) -> RelationExample:
    """One JSON object as a pair; `relation` may be absent.

    Raises:
        DataError: a field is missing or wrong; or the object is a document, which holds several pairs.
    """
    item = Item(fields, place, line)
    if _is_document(fields):
        raise item.error(
            'one pair is needed ("subject" and "object"), found a document with "entities"; '
            "read documents from a file, or cut them with parse_document(...).pairs()"
        )
    return _parse_pair(item)


def _is_document(fields: Mapping[str, Any]) -> bool:
    return "entities" in fields and not {"subject", "object", "subj_start"} & fields.keys()


def _items(path: Path) -> Iterator[Item]:
    first = next((text.lstrip() for _, text in read_lines(path) if text.strip()), "")
    if not first.startswith("["):
        yield from (Item(fields, path, line) for line, fields in read_jsonl(path))
        return
    listed = read_json(path)
    for number, fields in enumerate(listed, start=1):
        place = f"{path} (object {number})"
        if not isinstance(fields, dict):
            raise DataError(f"a JSON object is needed, found {type(fields).__name__}", place)
        yield Item(fields, place, None, number)


def _parse_pair(item: Item) -> RelationExample:
    if "subj_start" in item.fields or "token" in item.fields:
        return _parse_tacred(item)
    text, words = item.text_and_words()
    subject = item.argument("subject", text, words)
    target = item.argument("object", text, words)
    return RelationExample(item.identity(), text, subject, target, item.relations())


def _parse_tacred(item: Item) -> RelationExample:
    tokens = [TREEBANK_BRACKETS.get(token, token) for token in item.tokens("token")]
    text, words = joined(tokens)
    subject, target = (_tacred_argument(item, role, words) for role in ("subj", "obj"))
    return RelationExample(item.identity(), text, subject, target, item.relations())


def _tacred_argument(item: Item, role: str, words: Sequence[Span]) -> Argument:
    first, last = item.integer(f"{role}_start"), item.integer(f"{role}_end")
    chars = item.chars_of_tokens(first, last, words, f"{role}_start and {role}_end")
    return Argument(chars, item.optional_string(f"{role}_type"))
