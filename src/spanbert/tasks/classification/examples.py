"""Records of classification and the reader of its files: tables with a text, or a pair, and a label."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spanbert.errors import DataError
from spanbert.tasks.classification.settings import ClassificationSettings, Kind
from spanbert.text.columns import FIRST_LINE, TEXT_COLUMNS, by_lower_name, read_named_rows, say_guesses
from spanbert.text.fields import identity, kind, shown, text_field

DATA_FORMATS = """CSV or TSV whose first line names the columns, or JSONL (each also .gz), one text a row:
{"id": "1", "text": "A warm and funny film.", "label": "positive"}
{"id": "2", "text": "A man sleeps.", "text2": "A man is awake.", "label": "contradiction"}
{"id": "3", "text": "New phone, new film about it.", "labels": ["technology", "entertainment"]}
{"id": "4", "text": "Not bad.", "score": 3.5}
"label" holds one label, a list of labels or a number. Columns of other common names ("sentence", "review",
"sentence2", "category", "sentiment" ...) are found too; text_column, pair_column and label_column name them.
Several labels in one cell need label_separator. For prediction the label is left out, and a .txt file has a
text in each line."""

PAIR_COLUMNS = ("text_pair", "pair", "text2", "text_b", "sentence2", "question2", "hypothesis")
LABEL_COLUMNS = (
    *(
        "label",
        "labels",
        "gold_label",
        "score",
        "class",
        "category",
        "intent",
        "topic",
        "sentiment",
        "target",
        "rating",
    ),
    *("stars", "polarity", "y"),
)
PLAIN_NAMES = ("text", "text2", "label", "labels", "score")
"""Columns whose names leave nothing to guess."""

Gold = str | float | tuple[str, ...]
"""A label as the data has it: a string (also of an integer), a number with a decimal point, or a list."""


@dataclass(frozen=True, slots=True)
class ClassificationExample:
    """A text, or a pair of texts.

    Args:
        id: the caller's name for it, a string or an integer as it was given.
        text: what is classified.
        pair: the second text of a pair.
        gold: its label, labels or number; None when nobody said.
    """

    id: str | int
    text: str
    pair: str | None = None
    gold: Gold | None = None


@dataclass(frozen=True, slots=True)
class LabelProbability:
    """A label and the calibrated chance that it is right."""

    label: str
    probability: float

    def to_json(self) -> dict[str, Any]:
        """Plain types."""
        return {"label": self.label, "probability": round(self.probability, 6)}


@dataclass(frozen=True, slots=True)
class ClassificationPrediction:
    """What the model says of one text.

    Args:
        id: the example's id.
        kind: whether one label, several or a number is given.
        labels: the labels given: exactly one, any number, or none for a number.
        value: the number; None for labels.
        top: the likeliest labels, likeliest first, whether given or not.
        windows: how many windows of the text were read.
        covered_chars: characters of the text (of both texts of a pair) that were read.
        scores: of each label in the order of the settings, (L,), in nats.
        probabilities: calibrated, (L,); they sum to 1 where one label is right.
    """

    id: str | int
    kind: Kind
    labels: tuple[str, ...]
    value: float | None
    top: tuple[LabelProbability, ...]
    windows: int
    covered_chars: int
    scores: NDArray[np.float32] = field(compare=False, repr=False)
    probabilities: NDArray[np.float64] = field(compare=False, repr=False)

    @property
    def label(self) -> str | None:
        """The label, or the likeliest of those given; None where none is."""
        return self.labels[0] if self.labels else None

    @property
    def probability(self) -> float | None:
        """Calibrated chance of the likeliest label; None for a number."""
        return self.top[0].probability if self.top else None

    def to_json(self) -> dict[str, Any]:
        """Plain types; one line of `predictions.jsonl`."""
        read = {"windows": self.windows, "covered_chars": self.covered_chars}
        if self.value is not None:
            return {"id": self.id, "score": round(self.value, 6), **read}
        top = [one.to_json() for one in self.top]
        if self.kind == "several":
            return {"id": self.id, "labels": list(self.labels), "top": top, **read}
        return {"id": self.id, **top[0], "top": top, **read}


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of a table hold what; None where there is none."""

    text: str
    pair: str | None
    label: str | None

    @classmethod
    def among(
        cls, names: Iterable[str], settings: ClassificationSettings, place: Path | str, line: int | None
    ) -> Columns:
        """Columns as settings say, else by common names, whatever their case.

        A table of the one column `text`, such as a .txt file, has no names of its own, so settings cannot
        mean another.

        Raises:
            DataError: there is no column for the text, or not the one that settings name; or two columns have
                names that differ in case alone, or one is named for two things.
        """
        found = by_lower_name(names, place, line)
        said = [settings.text_column, settings.pair_column, settings.label_column]
        named = [name.lower() for name in said if name]
        if len(set(named)) < len(named):
            raise DataError(f"one column is named for two things: {shown(said)}", place, line)
        if list(found.values()) == ["text"]:
            return cls("text", None, None)
        free = {lower: name for lower, name in found.items() if lower not in named}
        text = _chosen(found, free, settings.text_column, TEXT_COLUMNS)
        pair = _chosen(found, free, settings.pair_column, PAIR_COLUMNS)
        wanted = settings.pair_column if text is not None else settings.text_column
        if text is None or (settings.pair_column and pair is None):
            expected = shown(wanted) if wanted else f"one of {', '.join(TEXT_COLUMNS[:5])} ... or text_column"
            raise DataError(
                f"no column of the text: found {shown(list(found.values()))}, expected {expected}"
                + (" (the first line of a CSV or TSV names the columns)" if isinstance(place, Path) else ""),
                place,
                line,
            )
        return cls(text, pair, _chosen(found, free, settings.label_column, LABEL_COLUMNS))

    def say(self, settings: ClassificationSettings, place: Path | str) -> None:
        """Tell which columns were guessed."""
        chosen = {"text_column": self.text, "pair_column": self.pair, "label_column": self.label}
        say_guesses(chosen, {name: getattr(settings, name) for name in chosen}, PLAIN_NAMES, place)


def _chosen(
    found: Mapping[str, str], free: Mapping[str, str], wanted: str, common: tuple[str, ...]
) -> str | None:
    """The column that was wanted, else the first of common name that was not named for something else."""
    if wanted:
        return found.get(wanted.lower())
    return next((free[name] for name in common if name in free), None)


def read_examples(path: Path, settings: ClassificationSettings) -> Iterator[ClassificationExample]:
    """Examples of a file, as a stream.

    Raises:
        DataError: the file breaks its format; the message names file, line, and what was found and expected.
    """
    names, rows = read_named_rows(path)
    if not names:
        raise DataError("the file holds no texts", path)
    yield from read_table(rows, names, settings, path)


def read_table(
    rows: Iterable[tuple[int, Mapping[str, Any]]],
    names: Iterable[str],
    settings: ClassificationSettings,
    place: Path | str,
) -> Iterator[ClassificationExample]:
    """Examples of rows, as a stream; which columns are meant is decided once for all rows, and said.

    Args:
        rows: each with its line or number.
        names: of all columns.
        settings: of the task.
        place: the file, or what to call the table.

    Raises:
        DataError: a column is missing, or a row is not of a form that can be read; its line is named.
    """
    columns = Columns.among(names, settings, place, FIRST_LINE)
    columns.say(settings, place)
    return (parse_example(row, settings, place, line, columns) for line, row in rows)


def parse_example(
    item: Mapping[str, Any],
    settings: ClassificationSettings,
    place: Path | str,
    line: int | None,
    columns: Columns | None = None,
) -> ClassificationExample:
    """One row or JSON object as an example; pair and label may be absent or null.

    Args:
        item: column name -> value.
        settings: of the task.
        place: the file, or what to call it.
        line: of the item.
        columns: of its table; found among its own names when left out.

    Raises:
        DataError: there is no text, or text or label are not of a form that can be read.
    """
    columns = columns or Columns.among(item, settings, place, line)
    text = text_field(item, (columns.text,), place, line)
    paired = columns.pair is not None and item.get(columns.pair) is not None
    pair = text_field(item, (str(columns.pair),), place, line) if paired else None
    if not text.strip() or (pair is not None and not pair.strip()):
        name = columns.text if not text.strip() else columns.pair
        raise DataError(f"the text in {shown(name)} is empty; write one or remove the row", place, line)
    gold = None if columns.label is None else _gold(item.get(columns.label), settings, place, line)
    return ClassificationExample(identity(item, place, line), text, pair, gold)


def _gold(value: Any, settings: ClassificationSettings, place: Path | str, line: int | None) -> Gold | None:
    """A label of any form; None where there is none (null, an empty cell, not-a-number in a frame)."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if settings.kind == "number":
        return _number(value, place, line)
    if isinstance(value, list | tuple):
        return tuple(name for name in dict.fromkeys(_name(one, place, line) for one in value) if name)
    if isinstance(value, str) and settings.label_separator:
        parts = (part.strip() for part in value.split(settings.label_separator))
        return tuple(dict.fromkeys(part for part in parts if part))
    if isinstance(value, float):
        return _number(value, place, line)
    return _name(value, place, line) or None


def _number(value: Any, place: Path | str, line: int | None) -> float | None:
    if isinstance(value, str) and not value.strip():
        return None
    number = as_number(value)
    if number is None or isinstance(value, bool):
        raise DataError(f"a number is needed as the label, found {shown(value)}", place, line)
    return number


def _name(value: Any, place: Path | str, line: int | None) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int):
        raise DataError(f"a label must be a string or an integer, found {kind(value)}", place, line)
    return str(value).strip()


def as_number(value: Any) -> float | None:
    """A finite number, also one that is written as a string; None for anything else."""
    if isinstance(value, str) and "_" in value:  # Python reads 1_5 as 15, nobody else does
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
