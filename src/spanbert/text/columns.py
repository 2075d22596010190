"""The columns of a table: their names, found once for all rows, and which of them were guessed."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path

from spanbert.errors import DataError
from spanbert.text.fields import shown
from spanbert.text.tables import JSONL_ENDINGS, Row, read_rows

TEXT_COLUMNS = (
    *("text", "sentence", "text_a", "text1", "sentence1", "question1", "premise", "content", "review"),
    *("headline", "title", "question", "query", "utterance", "comment", "message", "tweet", "document"),
    "body",
)
"""Usual names of a column of texts, the likeliest first."""

FIRST_LINE = 1
"""Where the names of columns stand."""


def read_named_rows(path: Path) -> tuple[list[str], Iterator[tuple[int, Row]]]:
    """Names of all columns of a table, and its rows as `read_rows` gives them.

    The lines of a JSONL file may have different names: it is read a first time for them, up to a broken line;
    a pipe can be read but once, and its first line has to have them all.

    Raises:
        DataError: as `read_rows`, for the first row.
    """
    rows = read_rows(path)
    first = next(rows, None)
    if first is None:
        return [], iter(())
    names = dict.fromkeys(first[1])
    if path.name.removesuffix(".gz").lower().endswith(JSONL_ENDINGS) and path.is_file():
        with contextlib.suppress(DataError):  # whoever reads the rows meets it in its place
            for _, row in read_rows(path):
                names |= dict.fromkeys(row)
    return list(names), chain([first], rows)


def by_lower_name(names: Iterable[str], place: Path | str, line: int | None) -> dict[str, str]:
    """Names by their lower-case form, in order. Raises DataError where two differ in case alone."""
    listed = list(map(str, names))
    found = {name.lower(): name for name in listed}
    if len(found) < len(listed):
        raise DataError(f"names of columns differ in case alone: {shown(listed)}", place, line)
    return found


def say_guesses(
    chosen: Mapping[str, str | None], said: Mapping[str, str], plain: Iterable[str], place: Path | str
) -> None:
    """Tell which columns were guessed.

    Args:
        chosen: name of a setting -> the column that was chosen for it, None for none.
        said: name of a setting -> the column that was named by it, empty where none was.
        plain: columns whose names leave nothing to guess.
        place: the file, or what to call the table.
    """
    usual = set(plain)
    guessed = [
        f"{setting} = {name}"
        for setting, name in chosen.items()
        if name is not None and name not in usual and not said[setting]
    ]
    if guessed:
        told = "%s: guessed %s (settings can say otherwise)"
        logging.getLogger(__name__).warning(told, place, ", ".join(guessed))
