"""Records of similarity and the readers of its files: CSV, TSV and JSONL with two texts and a score."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spanbert.errors import DataError
from spanbert.tasks.similarity.settings import SimilaritySettings
from spanbert.text.columns import FIRST_LINE, by_lower_name, read_named_rows, say_guesses
from spanbert.text.fields import identity, shown, text_field

DATA_FORMATS = """CSV or TSV with a header (.csv, .tsv, plain or .gz), or JSONL, one pair a line:
{"id": "1", "sentence1": "A dog runs.", "sentence2": "A dog is running.", "score": 4.6}
Other usual names are known too (text1 and text2, anchor and positive, question1 and question2, ...);
text1_column, text2_column and score_column say others. Scores are of any scale; pairs without scores teach by
contrast. For prediction the score is left out."""

TEXT_NAMES = (
    ("sentence1", "sentence2"),
    ("text1", "text2"),
    ("sentence_1", "sentence_2"),
    ("text_1", "text_2"),
    ("sentence_a", "sentence_b"),
    ("text_a", "text_b"),
    ("question1", "question2"),
    ("premise", "hypothesis"),
    ("anchor", "positive"),
    ("query", "passage"),
)
SCORE_NAMES = ("score", "similarity", "similarity_score", "relatedness_score", "label")
PLAIN_NAMES = ("sentence1", "sentence2", "score")
"""Columns whose names leave nothing to guess."""


@dataclass(frozen=True, slots=True)
class SimilarityExample:
    """Two texts and how alike they are.

    Args:
        id: the caller's name for the pair.
        text1: the first text.
        text2: the second one.
        score: on the data's scale; None when nobody said.
        unread_columns: where no column of the data is known to hold scores and none was named, those that
            hold neither a text nor an id.
    """

    id: str | int
    text1: str
    text2: str
    score: float | None = None
    unread_columns: tuple[str, ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class SimilarityPrediction:
    """What the model says of one pair.

    Args:
        id: the example's id.
        similarity: on the scale of the data that the model was trained on, cosine for one without scores.
        windows: how many windows of the two texts were read.
        covered_chars: characters of both texts that were read.
    """

    id: str | int
    similarity: float
    windows: int
    covered_chars: int

    def to_json(self) -> dict[str, Any]:
        """Plain types; one line of `predictions.jsonl`."""
        return {
            "id": self.id,
            "similarity": round(self.similarity, 6),
            "windows": self.windows,
            "covered_chars": self.covered_chars,
        }


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of a table hold what.

    Args:
        text1: the first text.
        text2: the second one.
        score: None where there is none.
        unread: as in `SimilarityExample.unread_columns`.
    """

    text1: str
    text2: str
    score: str | None
    unread: tuple[str, ...]

    @classmethod
    def among(
        cls, names: Iterable[str], settings: SimilaritySettings, place: Path | str, line: int | None
    ) -> Columns:
        """Columns as settings say, else by usual names, whatever their case.

        That the score of settings is missing is no error here: for prediction it is left out.

        Raises:
            DataError: a text is missing, one column is named for two things, or names differ in case alone.
        """
        found = by_lower_name(names, place, line)
        usual = next((pair for pair in TEXT_NAMES if all(name in found for name in pair)), TEXT_NAMES[0])
        texts = settings.text1_column or usual[0], settings.text2_column or usual[1]
        if missing := [name for name in texts if name.lower() not in found]:
            raise DataError(
                f"no column {missing[0]!r}; found {shown(list(found.values()))}, expected sentence1, "
                "sentence2 and score (text1_column, text2_column and score_column say other names)",
                place,
                line,
            )
        scores = (settings.score_column,) if settings.score_column else SCORE_NAMES
        score = next((name.lower() for name in scores if name.lower() in found), None)
        chosen = [name.lower() for name in texts] + ([score] if score else [])
        if len(set(chosen)) < len(chosen):
            raise DataError(f"one column is taken for two things: {shown(chosen)}", place, line)
        known = score is not None or settings.score_column
        unread = () if known else tuple(found[name] for name in found if name not in (*chosen, "id"))
        return cls(found[chosen[0]], found[chosen[1]], found[score] if score else None, unread)

    def say(self, settings: SimilaritySettings, place: Path | str) -> None:
        """Tell which columns were guessed."""
        chosen = {"text1_column": self.text1, "text2_column": self.text2, "score_column": self.score}
        say_guesses(chosen, {name: getattr(settings, name) for name in chosen}, PLAIN_NAMES, place)


def read_examples(path: Path, settings: SimilaritySettings) -> Iterator[SimilarityExample]:
    """Pairs of a CSV, TSV or JSONL file.

    Raises:
        DataError: the file breaks its format; the message names file, line and remedy.
    """
    names, rows = read_named_rows(path)
    if not names:
        raise DataError("the file holds no pairs", path)
    yield from read_table(rows, names, settings, path)


def read_table(
    rows: Iterable[tuple[int, Mapping[str, Any]]],
    names: Iterable[str],
    settings: SimilaritySettings,
    place: Path | str,
) -> Iterator[SimilarityExample]:
    """Pairs of rows, as a stream; which columns are meant is decided once for all rows, and said.

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
    settings: SimilaritySettings,
    place: Path | str,
    line: int | None,
    columns: Columns | None = None,
) -> SimilarityExample:
    """One row or JSON object as an example; the score may be absent.

    Args:
        item: column name -> value.
        settings: of the task.
        place: the file, or what to call it.
        line: of the item.
        columns: of its table; found among its own names when left out.

    Raises:
        DataError: a text is missing, empty or no string, or the score is no number.
    """
    columns = columns or Columns.among(item, settings, place, line)
    names = columns.text1, columns.text2
    first, second = (text_field(item, (name,), place, line) for name in names)
    for name, text in zip(names, (first, second), strict=True):
        if not text.strip():
            raise DataError(f"the text {name!r} is empty; write one or remove the row", place, line)
    score = None if columns.score is None else _number(item.get(columns.score), columns.score, place, line)
    return SimilarityExample(identity(item, place, line), first, second, score, columns.unread)


def unread_columns(examples: Iterable[SimilarityExample]) -> list[str]:
    """Columns of all examples' data that may hold scores and were not read."""
    return list(dict.fromkeys(name for example in examples for name in example.unread_columns))


def _number(value: Any, name: str, place: Path | str, line: int | None) -> float | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    number = math.nan
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        with suppress(ValueError, OverflowError):
            number = float(value)
    if not math.isfinite(number):
        raise DataError(f"{name!r} must be a number, found {shown(value)}", place, line)
    return number
