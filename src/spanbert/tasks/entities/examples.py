"""Records of entities: texts with gold, and what a model finds in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spanbert.errors import DataError
from spanbert.tasks.entities.evidence import Evidence
from spanbert.text.fields import is_integer, kind, shown
from spanbert.text.spans import FoundSpan, Span
from spanbert.text.words import joined

DATA_FORMATS = """JSONL (.jsonl), one text a line:
{"id": "1", "text": "Ada lives in Paris.", "entities": [{"type": "PER", "char_start": 0, "char_end": 3}]}
{"tokens": ["Ada", "lives", "in", "Paris"], "entities": [[0, 0, "PER"], [3, 3, "LOC"]]}
(token numbers are inclusive; entities may overlap); CoNLL columns (.conll), a word and its tag a line, a
blank line between sentences, in BIO, IOB1, BIOES or BILOU; brat folders (.txt and .ann); spaCy .spacy files;
JSONL of spaCy and Prodigy; exports of doccano (JSONL) and Label Studio (JSON); for prediction also .txt, one
text a line."""

Notes = Counter[str]
"""What was repaired in reading, by kind; told as one warning a file."""


@dataclass(frozen=True, slots=True, order=True)
class Entity:
    """A typed stretch of a text."""

    chars: Span
    type: str


@dataclass(frozen=True, slots=True)
class EntityExample:
    """A text.

    Args:
        id: the caller's name for it.
        text: as it was given; words given as a list are joined.
        entities: gold, by place; None when nobody said.
        words: characters of the data's own words, ascending; None where the tokenizer is to find words.
        document: what the text is a part of, if known.
    """

    id: str | int
    text: str
    entities: tuple[Entity, ...] | None = None
    words: tuple[Span, ...] | None = None
    document: str | None = None


@dataclass(frozen=True, slots=True)
class FoundEntity(FoundSpan):
    """An entity that a model found; score and probability are of these ends and this type."""

    type: str

    def to_json(self) -> dict[str, Any]:
        """Plain types."""
        return {"text": self.text, "type": self.type, **FoundSpan.to_json(self)}


@dataclass(frozen=True, slots=True)
class EntityPrediction:
    """What the model finds in one text.

    Args:
        example: the text, its gold left out.
        entities: by place, the longer first where several start together.
        windows: how many windows of the text were read.
        covered_chars: characters of the text that were read.
        evidence: scores from which the entities can be decided anew.
    """

    example: EntityExample
    entities: tuple[FoundEntity, ...]
    windows: int
    covered_chars: int
    evidence: Evidence = field(compare=False, repr=False)

    @property
    def id(self) -> str | int:
        """The example's id."""
        return self.example.id

    def to_json(self) -> dict[str, Any]:
        """Plain types; one line of `predictions.jsonl`, which is itself a data file of this task."""
        return {
            "id": self.id,
            "text": self.example.text,
            "entities": [entity.to_json() for entity in self.entities],
            "windows": self.windows,
            "covered_chars": self.covered_chars,
        }

    def as_example(self) -> EntityExample:
        """The text with what was found as its gold, for the writers of data files."""
        found = tuple(Entity(entity.chars, entity.type) for entity in self.entities)
        example = self.example
        return EntityExample(example.id, example.text, found, example.words, example.document)


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file something is read, and what was repaired there so far."""

    path: Path | str
    line: int | None = None
    notes: Notes = field(default_factory=Counter)

    def error(self, message: str) -> DataError:
        """The error that names this place."""
        return DataError(message, self.path, self.line)


def example_of_words(
    words: Sequence[str],
    spans: Sequence[tuple[int, int, str]] | None,
    name: str | int,
    place: Place,
    document: str | None = None,
) -> EntityExample:
    """An example of words and spans of them (half-open); the text is the words, joined.

    Raises:
        DataError: a word is empty, or a span lies outside of the words.
    """
    if any(not word.strip() for word in words):
        number = next(number for number, word in enumerate(words) if not word.strip())
        raise place.error(f"word {number} is empty; leave it out")
    text, chars = joined(words)
    entities = None
    if spans is not None:
        for start, end, _ in spans:
            if not 0 <= start < end <= len(words):
                raise place.error(
                    f"an entity of words {start} to {end - 1} (both included) does not fit {len(words)} words"
                )
        found = [Entity(Span(chars[start].start, chars[end - 1].end), kind) for start, end, kind in spans]
        entities = distinct(found, place)
    return EntityExample(name, text, entities, tuple(chars), document)


def entity_of_chars(
    text: str, offsets: tuple[Any, Any], name: Any, place: Place, stated: Any = None
) -> Entity | None:
    """An entity by its characters; spaces at its ends are left off, and noted.

    Args:
        text: in which it stands.
        offsets: of its characters, half-open.
        name: its type.
        place: where this was read.
        stated: the entity's text as the file says it, if it does; spaces are all alike.

    Returns:
        The entity, or None where it has nothing but spaces.

    Raises:
        DataError: the type is no name, or the characters are not in the text or not those stated.
    """
    if not isinstance(name, str) or not name:
        raise place.error(f"an entity's type must be a string that is not empty, found {shown(name)}")
    if not all(is_integer(offset) for offset in offsets):
        raise place.error(f"an entity needs integers as its first character and its end, {shown(offsets)}")
    start, end = offsets
    if not 0 <= start < end <= len(text):
        raise place.error(
            f"the entity {name} of characters {start} to {end} is empty or outside of the text, which has "
            f"{len(text)}; offsets count code points, and the end is not included"
        )
    inside = text[start:end]
    if isinstance(stated, str) and stated.split() != inside.split():
        raise place.error(
            f"the entity {shown(stated)} does not stand at characters {start} to {end}, which are "
            f"{shown(inside)}; offsets count code points"
        )
    first = start + len(inside) - len(inside.lstrip())
    last = end - len(inside) + len(inside.rstrip())
    if first >= last:
        place.notes["entities of spaces alone, left out"] += 1
        return None
    if (first, last) != (start, end):
        place.notes["entities with spaces at their ends, which were left off"] += 1
    return Entity(Span(first, last), name)


FIELD_NAMES = {
    "start": ("char_start", "start", "start_offset", "startOffset"),
    "end": ("char_end", "end", "end_offset", "endOffset"),
    "type": ("type", "label", "labels"),
}
"""What annotation tools call the parts of an entity."""


def entities_of_chars(text: str, given: Any, place: Place) -> tuple[Entity, ...]:
    """Entities given as objects with offsets and a type, or as lists [start, end, type].

    Raises:
        DataError: an entity has another form, or its characters are not in the text.
    """
    if not isinstance(given, list):
        raise place.error(f"entities must be a list, found {kind(given)}")
    found = []
    for item in given:
        if isinstance(item, Mapping):
            start, end, name = (
                next((item[alias] for alias in names if alias in item), None)
                for names in FIELD_NAMES.values()
            )
            name = name[0] if isinstance(name, list) and len(name) == 1 else name
        elif isinstance(item, list) and len(item) == 3:
            start, end, name = item
        else:
            raise place.error(
                "an entity must be an object with char_start, char_end, type, or a list [start, end, type]; "
                f"found {shown(item)}"
            )
        stated = item.get("text") if isinstance(item, Mapping) else None
        entity = entity_of_chars(text, (start, end), name, place, stated)
        found += [entity] if entity is not None else []
    return distinct(found, place)


def distinct(entities: Sequence[Entity], place: Place) -> tuple[Entity, ...]:
    """Entities by place, the longer first, each once."""
    once = sorted(set(entities), key=lambda entity: (entity.chars.start, -entity.chars.end, entity.type))
    if len(once) < len(entities):
        place.notes["entities that stand twice, kept once"] += len(entities) - len(once)
    return tuple(once)


def overlapping(entities: Sequence[Entity]) -> int:
    """How many of the entities, in order of place, overlap one before."""
    count, end = 0, 0
    for entity in entities:
        count += entity.chars.start < end
        end = max(end, entity.chars.end)
    return count
