"""Records of similarity and the readers of its files: CSV, TSV and JSONL with two texts and a score."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spanbert.errors import DataError
from spanbert.tasks.similarity.settings import SimilaritySettings
from spanbert.text.fields import identity, shown, text_field
from spanbert.text.tables import read_rows

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


@dataclass(frozen=True, slots=True)
class SimilarityExample:
    """Two texts and how alike they are, on the data's scale; None when nobody said."""

    id: str | int
    text1: str
    text2: str
    score: float | None = None


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


def read_examples(path: Path, settings: SimilaritySettings) -> Iterator[SimilarityExample]:
    """Pairs of a CSV, TSV or JSONL file.

    Raises:
        DataError: the file breaks its format; the message names file, line and remedy.
    """
    empty = True
    for line, row in read_rows(path):
        empty = False
        yield parse_example(row, settings, path, line)
    if empty:
        raise DataError("the file holds no pairs", path)


def parse_example(
    item: Mapping[str, Any], settings: SimilaritySettings, place: Path | str, line: int | None
) -> SimilarityExample:
    """One row or JSON object as an example; the score may be absent.

    Raises:
        DataError: a text is missing, empty or no string, or the score is no number.
    """
    known = {name.lower(): name for name in item}
    names = _text_names(known, settings)
    if missing := [name for name in names if name.lower() not in known]:
        raise DataError(
            f"no column {missing[0]!r}; found {shown(list(item))}, expected sentence1, sentence2 and score "
            "(text1_column, text2_column and score_column say other names)",
            place,
            line,
        )
    first, second = (text_field(item, (known[name.lower()],), place, line) for name in names)
    for name, text in zip(names, (first, second), strict=True):
        if not text.strip():
            raise DataError(f"the text {name!r} is empty", place, line)
    score_names = (settings.score_column.lower(),) if settings.score_column else SCORE_NAMES
    score_name = next((known[name] for name in score_names if name in known), None)
    score = None if score_name is None else _number(item[score_name], score_name, place, line)
    return SimilarityExample(identity(item, place, line), first, second, score)


def _text_names(known: Mapping[str, str], settings: SimilaritySettings) -> tuple[str, str]:
    """Names of the two texts: as settings say, else the first usual pair that is there."""
    usual = next((pair for pair in TEXT_NAMES if all(name in known for name in pair)), TEXT_NAMES[0])
    return settings.text1_column or usual[0], settings.text2_column or usual[1]


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
