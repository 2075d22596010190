"""Records of fill-mask and the reader of its files: JSONL, or plain text with one text a line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spanbert.errors import DataError
from spanbert.text.fields import identity, kind, shown, text_field, with_distinct_ids
from spanbert.text.files import read_jsonl, read_lines
from spanbert.text.spans import Span

DATA_FORMATS = """JSONL (.jsonl, .jsonl.gz), one text a line:
{"id": "1", "text": "Paris is the capital of [MASK...].", "answers": ["France"]}
{"id": "2", "text": "Paris is the capital of [MASK].", "candidates": ["France", "the United States"]}
[MASK] hides one piece, [MASK...] a span of unknown length. "answers" has the right fill of each mask and is
left out for prediction, "candidates" are fills to choose among. A text without masks, or a line of a .txt
file, is for training and evaluation: some of its pieces are hidden."""

MASK = re.compile(r"\[MASK(?P<span>\.\.\.|…)?\]")
LIKE_A_MASK = re.compile(r"<mask>|[\[［【](?:mask|ｍａｓｋ)\b", re.IGNORECASE)

NOT_IN_VOCABULARY = "answers outside the vocabulary"
TOO_LONG = "answers too long for a window"
NOT_READ = "answers behind what is read of the text"
NOTHING_TO_HIDE = "texts without a piece to hide"


@dataclass(frozen=True, slots=True)
class Mask:
    """A hidden place of a text.

    Args:
        chars: where it is written.
        is_span: it stands for a span of unknown length, not for one piece.
    """

    chars: Span
    is_span: bool


@dataclass(frozen=True, slots=True)
class FillMaskExample:
    """A text with masks, or one without, of which pieces will be hidden.

    Args:
        id: the caller's name for it.
        text: as given.
        masks: in the order of the text.
        answers: the right fill of each mask; None when nobody said.
        candidates: fills to choose among, for every mask; empty for the whole vocabulary.
        origin: file and line that it was read from, for messages.
    """

    id: str | int
    text: str
    masks: tuple[Mask, ...]
    answers: tuple[str, ...] | None = None
    candidates: tuple[str, ...] = ()
    origin: str = field(default="", compare=False)

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"{self.origin}: text {self.id!r}" if self.origin else f"text {self.id!r}"

    @property
    def has_gold(self) -> bool:
        """Whether it is known what stands at the hidden places."""
        return not self.masks or self.answers is not None


@dataclass(frozen=True, slots=True)
class Fill:
    """One way to fill a mask.

    Args:
        text: to be put in its place.
        probability: its chance; at `[MASK...]` every length is held equally likely beforehand.
        log_probability: in nats, of its pieces where it is known how many they are: the sum over them, each
            given those before it.
    """

    text: str
    probability: float
    log_probability: float

    def to_json(self) -> dict[str, Any]:
        """Plain types."""
        return {
            "text": self.text,
            "probability": float(f"{self.probability:.6g}"),
            "log_probability": float(f"{self.log_probability:.6g}"),
        }


@dataclass(frozen=True, slots=True)
class FilledMask:
    """A mask with its best fills.

    Args:
        chars: where the mask stands in the given text.
        fills: best first; empty when the text was cut before the mask (`on_long: truncate`).
    """

    chars: Span
    fills: tuple[Fill, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain types."""
        return {
            "char_start": self.chars.start,
            "char_end": self.chars.end,
            "fills": [fill.to_json() for fill in self.fills],
        }


@dataclass(frozen=True, slots=True)
class HiddenPiece:
    """What the model says of a piece that was hidden from it and is known.

    Args:
        log_probability: in nats.
        rank: how many other pieces it holds likelier.
    """

    log_probability: float
    rank: int


@dataclass(frozen=True, slots=True)
class FillMaskPrediction:
    """What the model says to one text.

    Args:
        id: the example's id.
        text: the text with every mask filled.
        masks: each mask with its best fills.
        hidden: known pieces that were hidden, where there is gold.
        windows: how many windows of the text were read.
        covered_chars: characters of the text that stand in them.
        lost_gold: right fills that could not be scored: reason -> how many.
    """

    id: str | int
    text: str
    masks: tuple[FilledMask, ...]
    hidden: tuple[HiddenPiece, ...]
    windows: int
    covered_chars: int
    lost_gold: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain types; one line of `predictions.jsonl`."""
        line: dict[str, Any] = {
            "id": self.id,
            "text": self.text,
            "masks": [mask.to_json() for mask in self.masks],
            "windows": self.windows,
            "covered_chars": self.covered_chars,
        }
        if self.hidden:
            line["hidden_pieces"] = len(self.hidden)
            line["hidden_pieces_right"] = sum(piece.rank == 0 for piece in self.hidden)
        return line


def read_examples(path: Path) -> Iterator[FillMaskExample]:
    """Examples of a JSONL or .txt file, plain or .gz.

    Raises:
        DataError: the file breaks its format; the message names file, line and remedy.
    """
    found = ((path, line, parse_example(item, path, line)) for line, item in _items(path))
    yield from with_distinct_ids(found, path, "texts")


def _items(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    if path.name.removesuffix(".gz").endswith(".txt"):
        return ((line, {"text": text}) for line, text in read_lines(path) if text.strip())
    return read_jsonl(path)


def parse_example(item: Mapping[str, Any], place: Path | str, line: int | None) -> FillMaskExample:
    """One JSON object as an example; `answers` and `candidates` may be absent.

    Raises:
        DataError: a field is missing, has the wrong type, or does not fit the masks of the text.
    """
    text = text_field(item, ("text",), place, line)
    if not text.strip():
        raise DataError("the text is empty", place, line)
    masks = tuple(Mask(Span(*found.span()), found["span"] is not None) for found in MASK.finditer(text))
    starts = {mask.chars.start for mask in masks}
    for found in LIKE_A_MASK.finditer(text):
        if found.start() not in starts:
            raise DataError(
                f"{found[0]!r} is no mask; write [MASK] for one piece, [MASK...] for a span", place, line
            )
    answers = _texts(item, "answers", place, line)
    if answers is not None and len(answers) != len(masks):
        raise DataError(
            f'"answers" has {len(answers)} texts, but the text has {len(masks)} masks; give one for each',
            place,
            line,
        )
    candidates = _texts(item, "candidates", place, line)
    if candidates is not None and not masks:
        raise DataError('"candidates" are given, but the text has no [MASK] to put them in', place, line)
    if candidates == ():
        raise DataError(
            '"candidates" is empty; leave it out to choose from the whole vocabulary', place, line
        )
    return FillMaskExample(
        identity(item, place, line),
        text,
        masks,
        answers if masks else None,
        tuple(dict.fromkeys(candidates or ())),
        f"{place}" if line is None else f"{place}:{line}",
    )


def _texts(item: Mapping[str, Any], name: str, place: Path | str, line: int | None) -> tuple[str, ...] | None:
    value = item.get(name)
    if value is None:
        return None
    if not isinstance(value, list):
        raise DataError(f'"{name}" must be a list of texts, found {kind(value)}', place, line)
    for text in value:
        if not isinstance(text, str) or not text.strip():
            raise DataError(f'"{name}" has {shown(text)}, which is no text', place, line)
        if MASK.search(text):
            raise DataError(f'"{name}" has {shown(text)}, which is a mask itself', place, line)
    return tuple(value)
