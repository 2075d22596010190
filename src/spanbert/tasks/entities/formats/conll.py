"""CoNLL columns: a word a line, its tag in the last column, a blank line between sentences.

Columns are parted by tabs, or by spaces where the line has no tab. Lines of one column are words without
tags, for prediction. `-DOCSTART-` lines begin a document.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from spanbert.errors import DataError
from spanbert.tasks.entities.examples import EntityExample, Notes, Place, example_of_words
from spanbert.tasks.entities.formats.tokens import in_words
from spanbert.text.fields import shown
from spanbert.text.files import atomic_write, read_lines
from spanbert.text.tags import Scheme, TagFaults, spans_of_tags, tag_parts, tags_of_spans

DOCUMENT_START = "-DOCSTART-"
BYTE_ORDER_MARK = "\ufeff"
SCHEMES_SHOWN = "O, B-TYPE, I-TYPE, or E-, S-, L-, U- of BIOES and BILOU"

Row = tuple[int, list[str]]
"""Line number and columns."""


def ends_in_tag(line: str) -> bool:
    """Whether a line has the form of a word and its tag."""
    columns = _columns(line)
    return len(columns) > 1 and tag_parts(columns[-1]) is not None


def read(path: Path, notes: Notes) -> Iterator[tuple[Place, EntityExample]]:
    """The sentences of a file; each is called by the number of its first line.

    Raises:
        DataError: a tag is malformed, or lines differ in their number of columns.
    """
    faults = TagFaults()
    document, documents, width = None, 0, None
    for blank, rows in groupby(_rows(path), key=lambda row: not row[1]):
        if blank:
            continue
        sentence: list[Row] = []
        for row in rows:
            if row[1][0].startswith(DOCUMENT_START):
                documents += 1
                yield from _sentence(sentence, path, document, faults, notes)
                document, sentence = str(documents), []
                continue
            width = width or len(row[1])
            if len(row[1]) != width:
                raise DataError(
                    f"{len(row[1])} columns where lines before have {width}; a word and its tag are needed, "
                    "parted by a tab or by spaces",
                    path,
                    row[0],
                )
            sentence.append(row)
        yield from _sentence(sentence, path, document, faults, notes)
    notes.update(faults.counts())


def _rows(path: Path) -> Iterator[Row]:
    """Rows, an empty one for each blank line; comments (`# ...` without a tag) are passed over."""
    for number, line in read_lines(path):
        if "\r" in line:
            raise DataError("a carriage return within the line; end lines with \\n or \\r\\n", path, number)
        if not line.strip():
            yield number, []
        elif line[0] == " " and tag_parts(line.strip(" ")) not in (None, ("O", "")):
            raise DataError("a tag without a word", path, number)
        elif not line.startswith("# ") or ends_in_tag(line):
            yield number, _columns(line)


def _columns(line: str) -> list[str]:
    if "\t" in line:
        return [column.strip(" ") for column in line.split("\t")]
    return [column for column in line.split(" ") if column]  # other spaces are characters of words


def _sentence(
    rows: list[Row], path: Path, document: str | None, faults: TagFaults, notes: Notes
) -> Iterator[tuple[Place, EntityExample]]:
    if not rows:
        return
    place = Place(path, rows[0][0], notes)
    spans = None
    if len(rows[0][1]) > 1:
        tags = []
        for number, columns in rows:
            parts = tag_parts(columns[-1])
            if parts is None:
                raise DataError(f"{columns[-1]!r} is no tag; tags are {SCHEMES_SHOWN}", path, number)
            tags.append(parts)
        faults.add(tags)
        spans = spans_of_tags(tags)
    for number, columns in rows:
        if not columns[0].strip():
            raise DataError(
                "the word is empty; leave the line out, or a blank one between sentences", path, number
            )
    yield (
        place,
        example_of_words([columns[0] for _, columns in rows], spans, str(place.line), place, document),
    )


def write(path: Path, examples: Iterable[EntityExample], scheme: Scheme = "BIO") -> None:
    """Write sentences with a tab between word and tag; texts without words of their own are cut at spaces and
    punctuation.

    Raises:
        DataError: entities overlap, or one does not begin and end with words; only some texts have gold; or a
            text would be read otherwise, as one without words or with a tab in one; nothing is written.
    """
    with atomic_write(path) as stream:
        document, gold = None, None
        for example in examples:
            gold = example.entities is not None if gold is None else gold
            if gold != (example.entities is not None):
                raise DataError(
                    f"text {example.id!r} has {'no gold' if gold else 'gold'}, unlike those before, but all "
                    "lines need the same columns; write two files, or jsonl"
                )
            if example.document != document:
                document = example.document
                stream.write(f"{DOCUMENT_START}\tO\n\n")
            words, spans = in_words(example)
            if not words:
                raise DataError(
                    f"text {example.id!r} has no words, which columns cannot say; leave it out or write jsonl"
                )
            try:
                tags = tags_of_spans(len(words), spans, scheme)
            except ValueError:
                raise DataError(
                    f"text {example.id!r} has entities that overlap, which columns cannot say; write jsonl"
                ) from None
            for word, tag in zip(words, tags, strict=True):
                columns = [word, tag] if gold else [word]
                line = "\t".join(columns)
                if not _is_read_as(line, columns):
                    raise DataError(
                        f"text {example.id!r}: the line {shown(line)} would be read otherwise (tabs and line "
                        f"breaks part columns and lines, {DOCUMENT_START} documents); write jsonl"
                    )
                stream.write(f"{line}\n")
            stream.write("\n")


def _is_read_as(line: str, columns: list[str]) -> bool:
    """Whether the reader finds these columns in a line."""
    word, *tags = columns
    return (
        _columns(line) == columns
        and not set("\n\r") & set(line)
        and word.strip() != ""
        and not word.startswith((DOCUMENT_START, BYTE_ORDER_MARK))
        and all(tag_parts(tag) is not None for tag in tags)
    )
