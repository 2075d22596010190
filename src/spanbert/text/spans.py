"""A span of text in any one unit: characters, words or pieces; and one that a model found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Half-open interval `[start, end)`; the unit is said by the name of the variable that holds it."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(f"not a span: [{self.start}, {self.end})")

    def __len__(self) -> int:
        return self.end - self.start

    def overlaps(self, other: Span) -> bool:
        """Whether the two share at least one unit."""
        return self.start < other.end and other.start < self.end

    def contains(self, other: Span) -> bool:
        """Whether `other` lies wholly inside."""
        return self.start <= other.start and other.end <= self.end

    def shift(self, offset: int) -> Span:
        """The same span `offset` units further on."""
        return Span(self.start + offset, self.end + offset)


@dataclass(frozen=True, slots=True)
class FoundSpan:
    """What a model found in a text.

    Args:
        text: its words, the text's own: `whole[chars.start:chars.end] == text`.
        chars: where it stands.
        score: log odds, in nats, that it is what it was taken for.
        probability: the calibrated chance of that.
    """

    text: str
    chars: Span
    score: float
    probability: float

    def to_json(self) -> dict[str, Any]:
        """Plain types."""
        return {
            "text": self.text,
            "char_start": self.chars.start,
            "char_end": self.chars.end,
            "probability": round(self.probability, 6),
        }
