"""JSONL: a text with spans of characters, or tokens with spans of tokens; the project's own form."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from spanbert.errors import DataError
from spanbert.tasks.entities.examples import EntityExample, Place, entities_of_chars, example_of_words
from spanbert.tasks.entities.formats.tokens import in_words
from spanbert.text.fields import identity, is_integer, kind, shown, text_and_words
from spanbert.text.files import atomic_write
from spanbert.text.words import joined


def parse(item: Mapping[str, Any], place: Place) -> EntityExample:
    """One line; without `entities` it has no gold.

    Raises:
        DataError: a field is missing or has the wrong type, or an entity is not in the text.
    """
    name = identity(item, place.path, place.line)
    document = next((str(item[key]) for key in ("document", "doc_key") if item.get(key) is not None), None)
    given = item.get("entities")
    text, words = text_and_words(item, place.path, place.line)
    if words is not None and item.get("text") is None:
        spans = None if given is None else _token_spans(given, place)
        return example_of_words(item["tokens"], spans, name, place, document)
    if words is not None and isinstance(given, list):
        _must_name_characters(given, place)
    entities = None if given is None else entities_of_chars(text, given, place)
    return EntityExample(name, text, entities, None if words is None else tuple(words), document)


def _must_name_characters(given: list[Any], place: Place) -> None:
    """Refuse entities whose offsets could count the tokens or the characters of a line that has both."""
    for item in given:
        if not isinstance(item, Mapping) or not {"char_start", "char_end"} <= item.keys():
            raise place.error(
                f'the entity {shown(item)} could count the "tokens" or the characters of "text"; leave out '
                "one of the two, or give an object with char_start and char_end"
            )


def _token_spans(given: Any, place: Place) -> list[tuple[int, int, str]]:
    """Inclusive spans of tokens as half-open ones."""
    if not isinstance(given, list):
        raise place.error(f'"entities" must be a list, found {kind(given)}')
    spans = []
    for item in given:
        whole = isinstance(item, list) and len(item) == 3 and isinstance(item[2], str) and item[2]
        if not whole or not all(is_integer(number) for number in item[:2]):
            raise place.error(
                f"an entity of tokens must be [first token, last token, type], found {shown(item)}"
            )
        spans.append((item[0], item[1] + 1, item[2]))
    return spans


def write(path: Path, examples: Iterable[EntityExample]) -> None:
    """Write texts with spans of characters; as tokens where that says the same.

    Raises:
        SpanbertError: the file cannot be written.
    """
    with atomic_write(path) as stream:
        for example in examples:
            stream.write(json.dumps(_line(example), ensure_ascii=False) + "\n")


def _line(example: EntityExample) -> dict[str, Any]:
    line: dict[str, Any] = {"id": example.id}
    if example.document is not None:
        line["document"] = example.document
    tokens = _as_tokens(example)
    if tokens is not None:
        words, spans = tokens
        return line | {"tokens": words, "entities": spans} if spans is not None else line | {"tokens": words}
    line["text"] = example.text
    if example.entities is not None:
        line["entities"] = [
            {
                "text": example.text[entity.chars.start : entity.chars.end],
                "type": entity.type,
                "char_start": entity.chars.start,
                "char_end": entity.chars.end,
            }
            for entity in example.entities
        ]
    return line


def _as_tokens(example: EntityExample) -> tuple[list[str], list[list[Any]] | None] | None:
    """Tokens and inclusive spans, where the text is no more than its words and entities are made of them."""
    if example.words is None:
        return None
    try:
        words, spans = in_words(example)
    except DataError:
        return None
    if joined(words) != (example.text, list(example.words)):
        return None
    return words, None if example.entities is None else [[start, end - 1, name] for start, end, name in spans]
