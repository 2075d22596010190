"""Label Studio's JSON: a list of tasks with their annotations, and the short form JSON-MIN."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from spanbert.errors import DataError
from spanbert.tasks.entities.examples import EntityExample, Notes, Place, entities_of_chars
from spanbert.tasks.entities.formats import doccano
from spanbert.text.fields import identity, kind, shown
from spanbert.text.files import read_json, write_json

LABELS, TEXT = "label", "text"
"""Names of the two tags in a labelling configuration for entities."""


def is_task(item: Mapping[str, Any]) -> bool:
    """Whether a JSON object is a task of the full export."""
    return isinstance(item.get("data"), Mapping)


def read(path: Path, notes: Notes) -> Iterator[tuple[Place, EntityExample]]:
    """Tasks of an export, full or JSON-MIN.

    Raises:
        DataError: the file is no list of tasks; the message says which task is wrong.
    """
    root = read_json(path)
    items = [root] if isinstance(root, dict) else root
    if not isinstance(items, list):
        raise DataError(f"a list of tasks is needed, found {kind(root)}; JSONL files end in .jsonl", path)
    for number, item in enumerate(items):
        place = Place(f"{path} (task {number + 1})", None, notes)
        if not isinstance(item, Mapping):
            raise place.error(f"an object is needed, found {kind(item)}")
        named = item if item.get("id") is not None else {**item, "id": str(number + 1)}
        yield place, parse(named, place) if is_task(item) else doccano.parse(named, place)


def parse(item: Mapping[str, Any], place: Place) -> EntityExample:
    """One task; of several annotations the first that was not cancelled counts, and the others are noted.

    Raises:
        DataError: the task has no text, several texts, or an entity that is malformed or not in it.
    """
    texts = {name: value for name, value in item["data"].items() if isinstance(value, str)}
    annotations = _objects(item.get("annotations") or [], "annotations", place)
    given = [one for one in annotations if not one.get("was_cancelled")]
    results = _objects(given[0].get("result", []), "result", place) if given else []
    # Results of other kinds (choices, relations) are no entities, and may be of another text of the task.
    labelled = [one for one in results if one.get("type", "labels") == "labels"]
    names = (one.get("to_name") for one in [*labelled, *results])
    name = next((name for name in names if isinstance(name, str)), TEXT)
    text = texts.get(name) if name in texts else next(iter(texts.values())) if len(texts) == 1 else None
    if text is None:
        raise place.error(
            f'no text: "data" has the fields {shown(list(item["data"]))}, one "{TEXT}" is needed'
        )
    if len(given) > 1:
        place.notes["further annotations of a task, left out"] += len(given) - 1
    entities = None
    if given:
        entities = entities_of_chars(text, [one.get("value") for one in labelled], place)
    return EntityExample(identity(item, place.path, place.line), text, entities)


def _objects(given: Any, name: str, place: Place) -> list[Mapping[str, Any]]:
    if not isinstance(given, list) or not all(isinstance(one, Mapping) for one in given):
        raise place.error(f'"{name}" must be a list of objects, found {shown(given)}')
    return given


def write(path: Path, examples: Iterable[EntityExample]) -> None:
    """Write tasks as Label Studio imports and exports them; words are not kept.

    Raises:
        SpanbertError: the file cannot be written.
    """
    write_json(path, [_task(example) for example in examples])


def _task(example: EntityExample) -> dict[str, Any]:
    task: dict[str, Any] = {"id": example.id, "data": {TEXT: example.text}}
    if example.entities is not None:
        result = [
            {
                "id": f"{number}",
                "type": "labels",
                "from_name": LABELS,
                "to_name": TEXT,
                "value": {
                    "start": entity.chars.start,
                    "end": entity.chars.end,
                    "text": example.text[entity.chars.start : entity.chars.end],
                    "labels": [entity.type],
                },
            }
            for number, entity in enumerate(example.entities)
        ]
        task["annotations"] = [{"result": result}]
    return task
