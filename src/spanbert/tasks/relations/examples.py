"""Records of relations: a pair of entities in a text with gold, and what a model says of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spanbert.text.spans import Span

DATA_FORMATS = """JSONL (.jsonl), one pair of entities a line, its tokens counted inclusively:
{"id": "1", "tokens": ["Ada", "likes", "Rome"], "subject": [0, 0], "object": [2, 2], "relation": "likes"}
{"text": "Ada likes Rome", "subject": {"char_start": 0, "char_end": 3, "type": "PER"}, "object": [10, 14]}
("relation" may be a list, or the pair stand in several lines; tokens go with "subject_type", "object_type");
or one document a line, of which every pair of entities is read:
 {"text": "Ada likes Rome", "entities": [[0, 3, "PER"], [10, 14, "LOC"]],
  "relations": [{"subject": 0, "object": 1, "relation": "likes"}]}
TACRED JSON: a list of objects with token, subj_start, subj_end, obj_start, obj_end, subj_type, obj_type and
relation."""


@dataclass(frozen=True, slots=True, order=True)
class Argument:
    """One of the two entities: its characters in the text, and its type if known."""

    chars: Span
    type: str | None = None


@dataclass(frozen=True, slots=True)
class RelationExample:
    """An ordered pair of entities in a text.

    Args:
        id: the caller's name for it.
        text: as it was given; tokens are joined.
        subject: the first entity of the relation (e1 in labels such as `Cause-Effect(e1,e2)`).
        object: the second. It may overlap the subject, or be the same words.
        relations: gold; empty when no relation holds; None when nobody said. The negative class stands here
            under its name where the data names it.
        document: id of the document whose pair this is, if it was read from one.
    """

    id: str | int
    text: str
    subject: Argument
    object: Argument
    relations: tuple[str, ...] | None = None
    document: str | int | None = None


@dataclass(frozen=True, slots=True)
class RelationProbability:
    """A relation and the calibrated chance that it holds."""

    relation: str
    probability: float

    def to_json(self) -> dict[str, Any]:
        """Plain types."""
        return {"relation": self.relation, "probability": round(self.probability, 6)}


@dataclass(frozen=True, slots=True)
class RelationPrediction:
    """What the model says of one pair.

    Args:
        example: the pair, its gold left out.
        relations: those that hold, likeliest first; empty where none does.
        no_relation_probability: calibrated chance that none holds.
        top: the likeliest labels, likeliest first, the negative class among them.
        covered_chars: characters of the text that were read; fewer than it has where the entities are far
            apart or the text is long.
        scores: of each label, in nats (L,).
    """

    example: RelationExample
    relations: tuple[RelationProbability, ...]
    no_relation_probability: float
    top: tuple[RelationProbability, ...]
    covered_chars: int
    scores: NDArray[np.float32] = field(compare=False, repr=False)

    @property
    def id(self) -> str | int:
        """The pair's id."""
        return self.example.id

    @property
    def names(self) -> frozenset[str]:
        """Names of the relations that hold."""
        return frozenset(found.relation for found in self.relations)

    def to_json(self) -> dict[str, Any]:
        """Plain types; one line of `predictions.jsonl`."""
        document = {} if self.example.document is None else {"document": self.example.document}
        return {
            "id": self.id,
            **document,
            "subject": _argument(self.example.text, self.example.subject),
            "object": _argument(self.example.text, self.example.object),
            "relations": [found.to_json() for found in self.relations],
            "no_relation_probability": round(self.no_relation_probability, 6),
            "top": [found.to_json() for found in self.top],
            "covered_chars": self.covered_chars,
        }


def _argument(text: str, argument: Argument) -> dict[str, Any]:
    chars = argument.chars
    kind = {} if argument.type is None else {"type": argument.type}
    return {
        "text": text[chars.start : chars.end],
        **kind,
        "char_start": chars.start,
        "char_end": chars.end,
    }
