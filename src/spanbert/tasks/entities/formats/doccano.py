"""doccano's JSONL: `label` as lists [start, end, type], or `entities` as objects with offsets."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from spanbert.tasks.entities.examples import EntityExample, Place, entities_of_chars
from spanbert.text.fields import identity, text_field
from spanbert.text.files import atomic_write

FIELDS = ("label", "labels")


def is_line(item: Mapping[str, Any]) -> bool:
    """Whether a JSON object has doccano's fields."""
    return "text" in item and any(name in item for name in FIELDS)


def parse(item: Mapping[str, Any], place: Place) -> EntityExample:
    """One line of an export.

    Raises:
        DataError: as `entities_of_chars`.
    """
    text = text_field(item, ("text",), place.path, place.line)
    given = next((item[name] for name in FIELDS if item.get(name) is not None), None)
    entities = None if given is None else entities_of_chars(text, given, place)
    return EntityExample(identity(item, place.path, place.line), text, entities)


def write(path: Path, examples: Iterable[EntityExample]) -> None:
    """Write lines as doccano imports and exports them for sequence labelling; words are not kept.

    Raises:
        SpanbertError: the file cannot be written.
    """
    with atomic_write(path) as stream:
        for example in examples:
            line: dict[str, Any] = {"id": example.id, "text": example.text}
            if example.entities is not None:
                line["label"] = [
                    [entity.chars.start, entity.chars.end, entity.type] for entity in example.entities
                ]
            stream.write(json.dumps(line, ensure_ascii=False) + "\n")
