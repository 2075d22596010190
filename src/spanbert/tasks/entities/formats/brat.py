"""brat's standoff: a folder with NAME.txt and NAME.ann for each text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from spanbert.errors import DataError
from spanbert.tasks.entities.examples import (
    Entity,
    EntityExample,
    Notes,
    Place,
    distinct,
    entity_of_chars,
)
from spanbert.text.fields import shown
from spanbert.text.files import atomic_write, make_folder, read_lines, read_text

TEXT_BOUND = re.compile(r"(T\S+)\t(\S+) (\d+) (\d+(?:;\d+ \d+)*)(?:\t(.*))?")
SPACES = re.compile(r"\s+")


def read(path: Path, notes: Notes) -> Iterator[tuple[Place, EntityExample]]:
    """The texts of a folder by name; one without an .ann file has no gold.

    Entities of several parts are left out, and noted. Relations, events and attributes are passed over.

    Raises:
        DataError: the folder has no .txt file, or an annotation is malformed or not in its text.
    """
    texts = sorted(path.glob("*.txt"))
    if not texts:
        raise DataError(
            "this folder has no .txt file; a file, or a brat folder of .txt and .ann, is needed", path
        )
    for file in texts:
        text = read_text(file)
        annotations = file.with_suffix(".ann")
        entities = _entities(annotations, text, notes) if annotations.exists() else None
        yield Place(file, None, notes), EntityExample(file.stem, text, entities)


def _entities(path: Path, text: str, notes: Notes) -> tuple[Entity, ...]:
    found = []
    for number, line in read_lines(path):
        if not line.startswith("T"):
            continue
        place = Place(path, number, notes)
        parts = TEXT_BOUND.fullmatch(line)
        if parts is None:
            raise place.error(
                f"{shown(line)} is no annotation; it must be: T1, a tab, TYPE START END, a tab, text"
            )
        _, name, start, ends, stated = parts.groups()
        if ";" in ends:
            notes["entities of several parts, left out"] += 1
            continue
        entity = entity_of_chars(text, (int(start), int(ends)), name, place, stated)
        found += [entity] if entity is not None else []
    return distinct(found, Place(path, None, notes))


def write(path: Path, examples: Iterable[EntityExample]) -> None:
    """Write a folder; files are named by ids. Words are not kept, and an example without gold gets no .ann.

    Raises:
        DataError: the folder holds texts already, an id is no file name, or a type has a space.
        SpanbertError: the folder cannot be written.
    """
    make_folder(path)
    if held := next(chain(path.glob("*.txt"), path.glob("*.ann")), None):
        raise DataError(f"holds {held.name} already, which would be read as one of the new texts", path)
    for example in examples:
        name = str(example.id)
        if not name or name.startswith(".") or set(name) & set('/\\:*?"<>|'):
            raise DataError(f"the id {shown(name)} cannot be a file's name; give each text another")
        with atomic_write(path / f"{name}.txt") as stream:
            stream.write(example.text)
        if example.entities is None:
            continue
        with atomic_write(path / f"{name}.ann") as stream:
            for number, entity in enumerate(example.entities, start=1):
                if SPACES.search(entity.type):
                    raise DataError(f"the type {shown(entity.type)} has a space, which brat does not allow")
                text = SPACES.sub(" ", example.text[entity.chars.start : entity.chars.end])
                stream.write(f"T{number}\t{entity.type} {entity.chars.start} {entity.chars.end}\t{text}\n")
