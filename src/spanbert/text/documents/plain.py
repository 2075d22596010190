"""Plain text, and text with headings marked in it (.md, .rst), read as it is."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path

from spanbert.errors import DataError
from spanbert.text.documents.document import Document

HASH_HEADING = re.compile(r"^#{1,6}[ \t]+\S", re.MULTILINE)
UNDERLINE = re.compile(r"^([=\-~^*+\"])\1{2,}[ \t]*\r?$", re.MULTILINE)


def read(raw: bytes, path: Path) -> Document:
    """Plain text. Raises DataError as `decode`."""
    return Document(path, decode(raw, path))


def read_marked(raw: bytes, path: Path) -> Document:
    """Markdown or reStructuredText, markup left in place. Raises DataError as `decode`."""
    text = decode(raw, path)
    return Document(path, text, headings=sorted({*_hash_headings(text), *_underlined_headings(text)}))


def decode(raw: bytes, path: Path, encoding: str = "utf-8") -> str:
    """Bytes as text: by their byte order mark (UTF-8 or UTF-16, the mark is dropped), else in `encoding`.

    Raises:
        DataError: with the line of the first byte that is wrong in the encoding, or of the first NUL.
    """
    if raw.startswith(codecs.BOM_UTF8):
        encoding = "utf-8-sig"
    elif raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"not {encoding.upper()} text (byte 0x{raw[error.start]:02x}); save the file as UTF-8", path, line
        ) from None
    nul = text.find("\0")
    if nul >= 0:
        raise DataError("a NUL byte: this is a binary file, not text", path, text.count("\n", 0, nul) + 1)
    return text


def _hash_headings(text: str) -> Iterator[int]:
    return (found.start() for found in HASH_HEADING.finditer(text))


def _underlined_headings(text: str) -> Iterator[int]:
    for found in UNDERLINE.finditer(text):
        title_end = found.start() - 1
        title_start = text.rfind("\n", 0, max(title_end, 0)) + 1
        if text[title_start : max(title_end, 0)].strip():
            yield title_start
