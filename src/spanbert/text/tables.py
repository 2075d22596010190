"""Tables as streams of rows with named columns: CSV, TSV, JSONL and plain text, each plain or .gz.

CSV is read as RFC 4180 has it: a cell in quotes may hold commas, line breaks and doubled quotes; where the
header has more semicolons than commas, semicolons part the cells. TSV is
written in two ways that contradict each other: either no cell is quoted and a `"` is only itself, or cells
that hold a quote, a tab or a line break are quoted as in CSV (pandas, spreadsheets). A TSV counts as quoted
if its first column name is, or if writing all its rows again with quotes gives the very same file.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from spanbert.errors import DataError
from spanbert.text.fields import shown
from spanbert.text.files import read_jsonl, read_lines

JSONL_ENDINGS = (".jsonl", ".jsonlines", ".ndjson")
CSV_ENDINGS = (".csv",)
TSV_ENDINGS = (".tsv", ".tab")
TEXT_ENDINGS = (".txt",)
ENDINGS = (*CSV_ENDINGS, *TSV_ENDINGS, *JSONL_ENDINGS, *TEXT_ENDINGS)
LONGEST_CELL = 2**31 - 1
MOST_CELL_LINES = 10_000
"""Of a quoted TSV; a quote that stays open longer is taken for a stray one."""

Row = dict[str, Any]
"""Column name -> cell; all cells of CSV and TSV are strings."""


def read_rows(path: Path) -> Iterator[tuple[int, Row]]:
    """Rows with the line (from 1) on which each begins; blank lines are passed over.

    A `.txt` file is a table of one column, `text`, with a row a line.

    Raises:
        DataError: the file cannot be read, has another ending, no column names or a name twice, or a row that
            is no JSON object, is broken CSV or has too many or too few cells.
    """
    name = path.name.removesuffix(".gz").lower()
    if name.endswith(JSONL_ENDINGS):
        return read_jsonl(path)
    if name.endswith(TEXT_ENDINGS):
        return ((line, {"text": text}) for line, text in read_lines(path) if text.strip())
    if name.endswith(CSV_ENDINGS):
        return _named(_quoted_rows(path, _delimiter(path)), path)
    if name.endswith(TSV_ENDINGS):
        return _named(_quoted_rows(path, "\t") if _is_quoted(path) else _plain_rows(path), path)
    if path.is_dir() or not path.exists():
        next(read_lines(path), None)  # it says which of the two
    raise DataError(
        f"cannot tell its format; the name must end in {', '.join(ENDINGS)} (or these with .gz)", path
    )


def _delimiter(path: Path) -> str:
    """A comma, or the semicolon of spreadsheets whose language writes 1,5, if the header has more of it."""
    header = next((text for _, text in read_lines(path) if text), "")
    return ";" if header.count(";") > header.count(",") else ","


def _named(rows: Iterator[tuple[int, list[str]]], path: Path) -> Iterator[tuple[int, Row]]:
    first, header = next(rows, (None, []))
    if not header:
        raise DataError("the file is empty; its first line must name the columns", path)
    header = [name.strip() for name in header]
    for name in header:
        if name and header.count(name) > 1:
            raise DataError(f"two columns are named {shown(name)}; rename or remove one", path, first)
    for line, cells in rows:
        if len(cells) != len(header):
            remedy = (
                "a cell without content needs its separator too"
                if len(cells) < len(header)
                else "a cell that holds the separator, a quote or a line break must be in quotes, as a CSV "
                "writer does it"
            )
            raise DataError(
                f"{len(cells)} cells, but {len(header)} columns are named ({shown(header)}); {remedy}",
                path,
                line,
            )
        yield line, dict(zip(header, cells, strict=True))


def _plain_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    for line, text in read_lines(path):
        if text:
            yield line, text.split("\t")


def _quoted_rows(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(
        LONGEST_CELL
    )  # the module's own bound, for all its readers, is less than a long text
    lines = (text for _, text in read_lines(path, ends=True))  # line ends within a cell are part of its text
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(f"broken CSV: {_remedy(str(error))}", path, line) from None
        if cells:
            yield line, cells


def _remedy(problem: str) -> str:
    """What is wrong in words of the file, not of Python's reader."""
    if "end of data" in problem:
        return "a quote is never closed"
    if "new-line" in problem:
        return "lines must end in LF or CRLF, and a CR within a cell be in quotes"
    return problem


def _is_quoted(path: Path) -> bool:
    """Whether a CSV writer made this TSV (the rule is in the module's docstring)."""
    if next((text for _, text in read_lines(path) if text), "").startswith('"'):
        return True
    raw: list[str] = []

    def lines() -> Iterator[str]:
        for _, text in read_lines(path):
            raw.append(f"{text}\n")
            if len(raw) > MOST_CELL_LINES:
                raise csv.Error("a quote is never closed")
            yield raw[-1]

    csv.field_size_limit(LONGEST_CELL)
    try:
        for cells in csv.reader(lines(), delimiter="\t", strict=True):
            again = io.StringIO()
            csv.writer(again, delimiter="\t", lineterminator="\n").writerow(cells)
            if again.getvalue() != "".join(raw):
                return False
            raw.clear()
    except csv.Error:
        return False
    return True
