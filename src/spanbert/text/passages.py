"""Documents cut into passages that a question can be asked of."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator
from dataclasses import dataclass

from spanbert.errors import SettingsError
from spanbert.text.documents.document import Document
from spanbert.text.spans import Span

EMPTY_LINES = re.compile(r"\n[^\S\n]*\n\s*|[\f\u2029]\s*")
ABBREVIATION = r"(?<!\b[A-Z].)(?<!\b(?:Dr|Mr|Ms|St|vs).)(?<!\b(?:Mrs|e\.g|i\.e).)"
SENTENCE_END = re.compile(rf"""[.!?…]{ABBREVIATION}["'”’»)\]]*\s+|[。！？]["'”’」』）]*|\n[^\S\n]*\n\s*""")
LINE_END = re.compile(r"\n\s*")
WORD_END = re.compile(r"\s+")
LONE_SHARE = 8
"""A stretch shorter than this part of a passage never stands alone before a longer one (a title, "Note:")."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of a document: `document.text[chars.start:chars.end] == text`."""

    document: Document
    chars: Span

    @property
    def text(self) -> str:
        """The stretch itself, sliced anew each time."""
        return self.document.text[self.chars.start : self.chars.end]


def passages(document: Document, max_chars: int = 1200, overlap_chars: int = 200) -> Iterator[Passage]:
    """Cut a document at empty lines and headings; every visible character is in at least one passage.

    Neighbouring paragraphs of a section are joined up to `max_chars`. A longer paragraph is cut at the end of
    a sentence, else of a line, else of a word, else anywhere, and its parts share up to `overlap_chars`, so
    that an answer at the border stands whole in one of them. Time is linear in the text, memory constant.

    Args:
        document: what to cut.
        max_chars: longest passage.
        overlap_chars: longest stretch that two parts of a long paragraph share.

    Raises:
        SettingsError: `overlap_chars` is negative or more than a quarter of `max_chars`.
    """
    if not 0 <= overlap_chars <= max_chars // 4 or max_chars < 1:
        raise SettingsError(
            f"passages: overlap of {overlap_chars} characters must be between 0 and a quarter of {max_chars}"
        )
    for stretch in _joined(document, max_chars):
        for part in _parts(document.text, stretch, max_chars, overlap_chars):
            yield Passage(document, part)


def sentence_around(passage: Passage, chars: Span) -> Span:
    """The sentence or sentences of a passage that hold a stretch of it, as characters of the document."""
    text = passage.document.text
    start, end = passage.chars.start, passage.chars.end
    for found in SENTENCE_END.finditer(text, start, end):
        if found.end() <= chars.start:
            start = found.end()
        elif found.end() >= chars.end:
            end = found.end()
            break
    sentence = _stripped(text, start, end) or chars
    return Span(min(sentence.start, chars.start), max(sentence.end, chars.end))


def _paragraphs(document: Document) -> Iterator[tuple[Span, bool]]:
    """Paragraphs without surrounding white space, and whether each opens a section."""
    text = document.text
    gaps = ((gap.start(), gap.end(), False) for gap in EMPTY_LINES.finditer(text))
    heads = ((char, char, True) for char in document.headings)
    start, opens = 0, False
    for gap_start, gap_end, is_heading in heapq.merge(gaps, heads):
        if (paragraph := _stripped(text, start, gap_start)) is not None:
            yield paragraph, opens
            opens = False
        start, opens = max(start, gap_end), opens or is_heading
    if (paragraph := _stripped(text, start, len(text))) is not None:
        yield paragraph, opens


def _joined(document: Document, max_chars: int) -> Iterator[Span]:
    held: Span | None = None
    for paragraph, opens_section in _paragraphs(document):
        if held is None:
            held = paragraph
        elif not opens_section and (
            paragraph.end - held.start <= max_chars or len(held) * LONE_SHARE < max_chars
        ):
            held = Span(held.start, paragraph.end)
        else:
            yield held
            held = paragraph
    if held is not None:
        yield held


def _parts(text: str, stretch: Span, max_chars: int, overlap_chars: int) -> Iterator[Span]:
    start = stretch.start
    while stretch.end - start > max_chars:
        cut = _last_break(text, start + max_chars // 2, start + max_chars)
        if (part := _stripped(text, start, cut)) is not None:
            yield part
        start = _first_break(text, cut - overlap_chars, cut)
    if (part := _stripped(text, start, stretch.end)) is not None:
        yield part


def _last_break(text: str, lowest: int, highest: int) -> int:
    """The best place in (lowest, highest] to end a part."""
    for kind in (SENTENCE_END, LINE_END, WORD_END):
        ends = [found.end() for found in kind.finditer(text, lowest, highest) if found.end() > lowest]
        if ends:
            return ends[-1]
    return highest


def _first_break(text: str, lowest: int, highest: int) -> int:
    """The best place in [lowest, highest] to begin a part whose forerunner ends at `highest`."""
    for kind in (SENTENCE_END, WORD_END):
        for found in kind.finditer(text, lowest, highest):
            if found.end() < highest:
                return found.end()
    return lowest


def _stripped(text: str, start: int, end: int) -> Span | None:
    """The span without white space at its ends; None when nothing visible is left."""
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return Span(start, end) if start < end else None
