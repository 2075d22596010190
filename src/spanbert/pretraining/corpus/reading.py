"""Files as stretches of text: lines of documents, streamed, with their place in the file."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from spanbert.errors import DataError
from spanbert.pretraining.corpus.settings import WHICH_TEXT, CorpusSettings
from spanbert.pretraining.corpus.unpacking import unpacked
from spanbert.text.files import UNREADABLE, json_objects

LONGEST_STRETCH = 1 << 18
"""Characters that are tokenized as one text."""
LONGEST_OBJECT = 1 << 26
"""Bytes of a JSONL line, which is parsed as a whole."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
LAST_SPACE = re.compile(r".*\s", re.DOTALL)
CharSpan = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A line of a document, or a part of a line that is too long to be tokenized at once."""

    text: str
    row: int
    """Line of the file, or row of the table, from 1."""
    opens_document: bool = False
    is_part: bool = False
    """One of several stretches that make a line."""
    continues: bool = False
    """Not the first of them."""
    char_spans: tuple[CharSpan, ...] = ()
    """Given spans that lie in this stretch, in its own characters."""
    named_spans: int = 0
    """How many spans were given for the document that opens here."""
    bytes_read: int = 0
    """How far the file has been read."""


def read_text(path: Path, settings: CorpusSettings) -> Iterator[Stretch]:
    """A text file: one paragraph a line. A line of any length is read in bounded memory.

    Raises:
        DataError: the file cannot be read, or is not UTF-8 (with the line).
    """
    opens = True
    with unpacked(path) as (stream, raw):
        for row, text, is_part, continues in _lines(stream, path):
            if is_part or text.strip():
                opens = opens and not continues
                yield Stretch(text, row, opens, is_part, continues, bytes_read=raw.tell())
                opens = settings.document_end == "line"
            elif settings.document_end == "empty-line":
                opens = True


def read_jsonl(path: Path, settings: CorpusSettings) -> Iterator[Stretch]:
    """A JSONL file: one document a line, its paragraphs separated by line ends inside the text.

    Raises:
        DataError: the file cannot be read; or a line is no JSON object, too long, without the text field, or
            its spans are none (with the line).
    """
    with unpacked(path) as (stream, raw):
        for row, found in json_objects(_object_lines(stream, path), path):
            if settings.text_field not in found:
                there = ", ".join(found) or "none"
                raise DataError(
                    f"no field {settings.text_field!r} (there are: {there}); {WHICH_TEXT}", path, row
                )
            yield from document_stretches(
                found[settings.text_field], found.get(settings.spans_field), path, row, raw.tell()
            )


def document_stretches(text: Any, spans: Any, path: Path, row: int, bytes_read: int) -> Iterator[Stretch]:
    """A document of its own as stretches; one that has no text gives one empty stretch, so that it counts.

    Args:
        text: the document, or None.
        spans: pairs of characters of `text` as a list, or None.
        path: names the file in errors.
        row: line or row of the file.
        bytes_read: how far the file has been read.

    Raises:
        DataError: the text is no string, or the spans are not pairs within it.
    """
    if not isinstance(text, str | None):
        raise DataError(f"the text is {type(text).__name__}, a string is needed", path, row)
    text = text or ""
    char_spans = deque(sorted(_checked_spans(spans, len(text), path, row)))
    named = len(char_spans)
    opens, line_start = True, 0
    for line in text.split("\n"):
        start = line_start
        line_start += len(line) + 1
        for part, is_part, continues in _parts([line] if line.strip() else []):
            inside = _taken(char_spans, start, start + len(part))
            yield Stretch(
                part, row, opens, is_part, continues, inside, named if opens else 0, bytes_read=bytes_read
            )
            opens = False
            start += len(part)
    if opens:
        yield Stretch("", row, opens_document=True, named_spans=named, bytes_read=bytes_read)


def _taken(char_spans: deque[CharSpan], start: int, end: int) -> tuple[CharSpan, ...]:
    """Remove the spans that begin before `end`; those that lie wholly in [start, end) are given back."""
    inside = []
    while char_spans and char_spans[0][0] < end:
        char_start, char_end = char_spans.popleft()
        if char_start >= start and char_end <= end:
            inside.append((char_start - start, char_end - start))
    return tuple(inside)


def _checked_spans(spans: Any, chars: int, path: Path, row: int) -> Iterator[CharSpan]:
    if not isinstance(spans, list | None):
        raise DataError(f"spans must be a list of [char_start, char_end], found {spans!r:.80}", path, row)
    for span in spans or ():
        if (
            not isinstance(span, list | tuple)
            or len(span) != 2
            or not all(type(char) is int for char in span)
            or not 0 <= span[0] < span[1] <= chars
        ):
            raise DataError(
                f"{span!r:.80} is no [char_start, char_end] within a text of {chars} characters", path, row
            )
        yield span[0], span[1]


def _lines(stream: IO[bytes], path: Path) -> Iterator[tuple[int, str, bool, bool]]:
    """Lines, long ones in parts: line number, text, whether it is a part, whether it continues a line."""
    row = 0
    try:
        while raw := stream.readline(LONGEST_STRETCH):
            row += 1
            whole = raw.endswith(b"\n") or len(raw) < LONGEST_STRETCH
            if row == 1:
                raw = raw.removeprefix(BYTE_ORDER_MARK)
            if whole:
                yield row, raw.rstrip(b"\r\n").decode("utf-8"), False, False
            else:
                for part, is_part, continues in _parts(_decoded(raw, stream)):
                    yield row, part, is_part, continues
    except UnicodeDecodeError as error:
        raise _not_utf8(error, path, row) from None
    except UNREADABLE as error:
        raise DataError(f"cannot be read ({error})", path, row + 1) from None


def _decoded(raw: bytes, stream: IO[bytes]) -> Iterator[str]:
    """The text of the line that begins with `raw`, read on from the stream."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    while raw and not raw.endswith(b"\n"):
        yield decoder.decode(raw)
        raw = stream.readline(LONGEST_STRETCH)
    yield decoder.decode(raw.rstrip(b"\r\n"), final=True)


def _object_lines(stream: IO[bytes], path: Path) -> Iterator[tuple[int, str]]:
    row = 0
    try:
        while raw := stream.readline(LONGEST_OBJECT + 1):
            row += 1
            if len(raw) > LONGEST_OBJECT:
                raise DataError(
                    f"a JSONL line of more than {LONGEST_OBJECT >> 20} MiB; divide the document, or give it "
                    "as a text file, whose lines may have any length",
                    path,
                    row,
                )
            yield row, (raw.removeprefix(BYTE_ORDER_MARK) if row == 1 else raw).decode("utf-8")
    except UnicodeDecodeError as error:
        raise _not_utf8(error, path, row) from None
    except UNREADABLE as error:
        raise DataError(f"cannot be read ({error})", path, row + 1) from None


def _not_utf8(error: UnicodeDecodeError, path: Path, row: int) -> DataError:
    return DataError(
        f"not UTF-8 text (byte 0x{error.object[error.start]:02x}); save the file as UTF-8", path, row
    )


def _parts(texts: Iterable[str]) -> Iterator[tuple[str, bool, bool]]:
    """One line, which comes in pieces of any length, in parts of at most `LONGEST_STRETCH` characters."""
    held, is_part = "", False
    for text in _short(texts):
        held += text
        while len(held) > LONGEST_STRETCH:
            cut = _cut(held[:LONGEST_STRETCH])
            yield held[:cut], True, is_part
            held, is_part = held[cut:], True
    if held:
        yield held, is_part, is_part


def _short(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        for start in range(0, len(text), LONGEST_STRETCH):
            yield text[start : start + LONGEST_STRETCH]


def _cut(text: str) -> int:
    """Where a long line is divided: behind the last white space, else behind the last punctuation mark, which
    is a word of its own to BERT, else at the end."""
    if found := LAST_SPACE.match(text):
        return found.end()
    for end in range(len(text), 0, -1):
        if unicodedata.category(text[end - 1]).startswith("P"):
            return end
    return len(text)
