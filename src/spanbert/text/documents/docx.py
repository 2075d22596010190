"""Word files (.docx): paragraphs, table rows and notes in document order."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from spanbert.errors import DataError, MissingExtraError
from spanbert.text.documents.document import Document

WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
REPEATED = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
CELLS = (f"{WORD}tc", f"{WORD}sdt")  # a cell may stand in a content control
NOTES = ("/footnotes", "/endnotes")


def read(raw: bytes, path: Path) -> Document:
    """Text of the body, then of foot- and endnotes; page headers and footers are left out.

    Paragraphs are parted by an empty line; a table row is one line with a tab between cells. The XML is
    walked rather than python-docx's paragraphs, since those leave out content controls, text boxes and
    insertions that are still marked as such.

    Raises:
        DataError: the file is broken.
        MissingExtraError: python-docx is not installed.
    """
    try:
        import docx
        from docx.oxml import parse_xml
    except ImportError:
        raise MissingExtraError("reading .docx files", "documents") from None
    try:
        word = docx.Document(io.BytesIO(raw))
        styles = {style.style_id: style.name or "" for style in word.styles}
        blocks = list(_blocks(word.element.body, styles))
        for relation in word.part.rels.values():
            if relation.reltype.endswith(NOTES):
                blocks += _blocks(parse_xml(relation.target_part.blob), styles)
    except Exception as error:  # zip, XML and package faults come as many types
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"cannot be read as .docx ({reason})", path) from None
    parts: list[str] = []
    headings, length = [], 0
    for text, gap, is_heading in blocks:
        if is_heading:
            headings.append(length)
        parts += [text, gap]
        length += len(text) + len(gap)
    return Document(path, "".join(parts[:-1]), headings=headings, line_marks=())


def _blocks(element: Any, styles: dict[str, str]) -> Iterator[tuple[str, str, bool]]:
    """(text, what parts it from the next, is a heading) of each paragraph and table row under an element."""
    for child in element.iterchildren(tag="{*}*"):
        if child.tag == f"{WORD}p":
            text = "".join(_inline(child)).strip()
            if text:
                style = child.find(f"{WORD}pPr/{WORD}pStyle")
                name = styles.get(style.get(f"{WORD}val"), "") if style is not None else ""
                yield text, "\n\n", name.startswith(("Heading", "heading", "Title"))
        elif child.tag == f"{WORD}tr":
            cells = (" ".join("".join(_inline(cell)).split()) for cell in child.iterchildren(*CELLS))
            text = "\t".join(cells)
            if text.strip():
                yield text, "\n", False
        elif child.tag != REPEATED:
            yield from _blocks(child, styles)
            if child.tag == f"{WORD}tbl":
                yield "", "\n", False


def _inline(element: Any) -> Iterator[str]:
    """Text under an element; deleted text has tags of its own and stays out."""
    for child in element.iterchildren(tag="{*}*"):
        if child.tag == f"{WORD}t":
            yield child.text or ""
        elif child.tag in (f"{WORD}tab", f"{WORD}br", f"{WORD}cr"):
            yield "\t" if child.tag == f"{WORD}tab" else "\n"
        elif child.tag == f"{WORD}noBreakHyphen":
            yield "\u2011"
        elif child.tag == f"{WORD}p":
            yield "\n"
            yield from _inline(child)
            yield "\n"
        elif child.tag not in (REPEATED, f"{WORD}pPr"):
            yield from _inline(child)
