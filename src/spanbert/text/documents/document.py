"""A user's file as text, and the way back from a character to its place in the file."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path


@dataclass(frozen=True)
class Document:
    """The text of one file.

    Args:
        path: the file.
        text: all its text; for .txt, .md and .rst exactly the decoded content, so characters of `text` are
            characters of the file.
        headings: where sections begin, as sorted characters of `text`.
        pages: where each page begins, as sorted characters of `text`; empty where files have no pages.
        line_marks: sorted pairs (character of `text`, line of the file), each saying at which line the text
            from that character on stands; None when `text` is the file's own and its line ends can be
            counted; empty where files have no lines.
        notes: what could not be read, one clause each.
    """

    path: Path
    text: str
    headings: Sequence[int] = ()
    pages: Sequence[int] = ()
    line_marks: Sequence[tuple[int, int]] | None = None
    notes: tuple[str, ...] = ()

    def line(self, char: int) -> int | None:
        """The line of the file (from 1) where a character of `text` stands; None for kinds without lines."""
        if self.line_marks is None:
            return bisect_left(self._line_ends, char) + 1
        mark = bisect_right(self.line_marks, char, key=lambda mark: mark[0])
        return self.line_marks[mark - 1][1] if mark else None

    @cached_property
    def _line_ends(self) -> list[int]:
        return [end.start() for end in re.finditer("\n", self.text)]

    def page(self, char: int) -> int | None:
        """The page (from 1) where a character of `text` stands; None for kinds without pages."""
        return bisect_right(self.pages, char) or None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file of a folder that was not read, and why in one clause."""

    path: Path
    reason: str
