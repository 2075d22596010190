"""Web pages: their text in blocks, without scripts, styles and navigation."""

from __future__ import annotations

import codecs
import re
from html.parser import HTMLParser
from pathlib import Path

from spanbert.errors import DataError
from spanbert.text.documents.document import Document
from spanbert.text.documents.plain import decode

CODE = frozenset({"script", "style", "template", "noscript", "svg", "iframe", "object"})
NAVIGATION = frozenset({"nav"})
PARAGRAPHS = frozenset(
    "address article aside blockquote body caption dd details dialog div dl dt fieldset figcaption figure "  # noqa: SIM905
    "footer form h1 h2 h3 h4 h5 h6 header hr html legend main ol p pre section summary table title ul".split()
)
LINES = frozenset({"br", "li", "tr", "option"})
CELLS = frozenset({"td", "th"})
HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
SPACES = re.compile(r"[ \t\r\n\f]+")  # the white space of HTML; a no-break space is a character
CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?([A-Za-z0-9_.:-]+)""", re.IGNORECASE)


def read(raw: bytes, path: Path) -> Document:
    """Visible text; paragraphs are parted by an empty line, rows by a line end, cells by a tab.

    Raises:
        DataError: the bytes are not of the encoding that the page names (UTF-8 when it names none).
    """
    page = decode(raw, path, _encoding(raw, path))
    extractor = _TextExtractor(CODE | NAVIGATION)
    extractor.feed(page)
    extractor.close()
    if extractor.hidden:  # an element that never ends would hide the rest of the page
        extractor = _TextExtractor(frozenset())
        extractor.feed(page)
        extractor.close()
    return Document(
        path, "".join(extractor.parts), headings=extractor.headings, line_marks=extractor.line_marks
    )


def _encoding(raw: bytes, path: Path) -> str:
    named = CHARSET.search(raw[:2048])
    if named is None:
        return "utf-8"
    name = named[1].decode("ascii")
    try:
        b"".decode(name)  # refuses codecs that are no text encoding
        encoding = codecs.lookup(name).name
        # the web's meaning of these names; UTF-16 cannot be named in ASCII letters, so the page is not in it
        return {"iso8859-1": "cp1252", "ascii": "cp1252", "utf-16": "utf-8"}.get(encoding, encoding)
    except LookupError:
        raise DataError(f"unknown character encoding {name!r}; save the file as UTF-8", path) from None


class _TextExtractor(HTMLParser):
    def __init__(self, dropped: frozenset[str]) -> None:
        super().__init__(convert_charrefs=True)
        self.dropped = dropped
        self.parts: list[str] = []
        self.headings: list[int] = []
        self.line_marks: list[tuple[int, int]] = []
        self.hidden = 0  # open dropped elements around this place
        self._length_chars = 0
        self._gap = ""  # what parts the next text from the last
        self._opens_section = False
        self._preformatted = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note where blocks begin."""
        if tag in self.dropped:
            self.hidden += 1
        elif not self.hidden:
            self._part_at(tag)
            self._opens_section |= tag in HEADINGS
            self._preformatted += tag == "pre"

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element without content."""
        if not self.hidden:
            self._part_at(tag)

    def handle_endtag(self, tag: str) -> None:
        """Note where blocks end."""
        if tag in self.dropped:
            self.hidden = max(self.hidden - 1, 0)
        elif not self.hidden:
            if tag not in CELLS:
                self._part_at(tag)
            if tag == "pre":
                self._preformatted = max(self._preformatted - 1, 0)

    def handle_data(self, data: str) -> None:
        """Add text, line by line so that each keeps its line of the file."""
        if self.hidden:
            return
        first_line = self.getpos()[0]
        for number, line in enumerate(data.split("\n")):
            if number:
                self._widen_gap("\n" if self._preformatted else " ")
            text = line.rstrip("\r") if self._preformatted else SPACES.sub(" ", line)
            if text.startswith(" ") and not self._preformatted:
                self._widen_gap(" ")
                text = text[1:]
            if text:
                self._add(text.removesuffix(" "), first_line + number)
                if text.endswith(" "):
                    self._widen_gap(" ")

    def _add(self, text: str, line: int) -> None:
        gap = self._gap if self.parts else ""
        self._gap = ""
        start = self._length_chars + len(gap)
        if self._opens_section:
            self.headings.append(start)
            self._opens_section = False
        if not self.line_marks or self.line_marks[-1][1] != line:
            self.line_marks.append((start, line))
        self.parts += [gap, text]
        self._length_chars = start + len(text)

    def _part_at(self, tag: str) -> None:
        if tag in PARAGRAPHS:
            self._widen_gap("\n\n")
        elif tag in LINES:
            self._widen_gap("\n")
        elif tag in CELLS:
            self._widen_gap("\t")

    def _widen_gap(self, gap: str) -> None:
        strength = ("", " ", "\t", "\n", "\n\n")
        self._gap = max(self._gap, gap, key=strength.index)
