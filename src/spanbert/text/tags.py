"""Tags of words and the spans they mean: BIO, IOB1, BIOES and BILOU (Ratinov and Roth 2009, section 2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

Scheme = Literal["BIO", "IOB1", "BIOES", "BILOU"]
OUTSIDE = "O"
INSIDE, FIRST, LAST, SINGLE = "I", "B", "E", "S"
ROLES = {"B": FIRST, "I": INSIDE, "M": INSIDE, "E": LAST, "L": LAST, "S": SINGLE, "U": SINGLE}
"""Letters of all schemes and what they say of a word: E and L mean the same, S and U, I and M."""
END_LETTERS: dict[str, tuple[str, str]] = {"BIOES": ("E", "S"), "BILOU": ("L", "U")}
"""Letters for the last word of an entity and for an only one, of the schemes that have them."""

WordSpan = tuple[int, int, str]
"""First word, end (half-open) and type of an entity."""


def tag_parts(tag: str) -> tuple[str, str] | None:
    """Role (B, I, E, S or O) and type of a tag; None for what is no tag."""
    if tag == OUTSIDE:
        return OUTSIDE, ""
    letter, dash, kind = tag.partition("-")
    if letter not in ROLES or not dash or not kind:
        return None
    return ROLES[letter], kind


def spans_of_tags(tags: Iterable[tuple[str, str]]) -> list[WordSpan]:
    """The entities of a sentence, found as the shared-task script `conlleval` finds them.

    Args:
        tags: role and type of each word (`tag_parts`). A tag that continues nothing begins an entity.
    """
    found: list[WordSpan] = []
    start, open_kind = 0, ""
    number = -1
    for number, (role, kind) in enumerate(tags):
        if open_kind and not (role in (INSIDE, LAST) and kind == open_kind):
            found.append((start, number, open_kind))
            open_kind = ""
        if role == OUTSIDE:
            continue
        if not open_kind:
            start, open_kind = number, kind
        if role in (LAST, SINGLE):
            found.append((start, number + 1, kind))
            open_kind = ""
    if open_kind:
        found.append((start, number + 1, open_kind))
    return found


def tags_of_spans(words: int, spans: Sequence[WordSpan], scheme: Scheme = "BIO") -> list[str]:
    """Tags of a sentence of so many words.

    Raises:
        ValueError: two spans share a word, or one reaches beyond the sentence.
    """
    tags = [OUTSIDE] * words
    last, single = END_LETTERS.get(scheme, ("I", "B"))
    for start, end, kind in sorted(spans):
        if not 0 <= start < end <= words or any(tag != OUTSIDE for tag in tags[start:end]):
            raise ValueError(f"span ({start}, {end}) overlaps another or lies outside of {words} words")
        follows = start > 0 and tags[start - 1].partition("-")[2] == kind
        first = "I" if scheme == "IOB1" and not follows else "B"
        letters = [first, *"I" * (end - start - 2), last] if end - start > 1 else [single]
        if scheme == "IOB1":
            letters[0] = first
        tags[start:end] = [f"{letter}-{kind}" for letter in letters]
    return tags


class TagFaults:
    """Counts, over a file, tags that do not follow the file's scheme.

    `I-X` may begin an entity in IOB1, where `B-X` stands only right behind another X. A file whose every B is
    of that kind is taken for IOB1 and has no fault in it.
    """

    def __init__(self) -> None:
        self.begun_inside = 0
        """Entities that begin with I, E or L."""
        self.unclosed = 0
        """Entities of several words, or of one, that do not end as BIOES and BILOU end them."""
        self._needless_first = 0
        self._closes = False

    def add(self, tags: Sequence[tuple[str, str]]) -> None:
        """Take note of a sentence."""
        for start, end, kind in spans_of_tags(tags):
            first, last = tags[start][0], tags[end - 1][0]
            after_its_like = start > 0 and tags[start - 1][1] == kind
            self.begun_inside += first in (INSIDE, LAST)
            self._needless_first += first in (FIRST, SINGLE) and not after_its_like
            self._closes |= last in (LAST, SINGLE)
            self.unclosed += last not in (LAST, SINGLE)

    def counts(self) -> dict[str, int]:
        """What was repaired, by kind; empty for a file without faults."""
        found = {}
        if self.begun_inside and self._needless_first:
            found["tags that continue nothing, read as the beginning of an entity"] = self.begun_inside
        if self.unclosed and self._closes:
            found["entities without their closing tag, read as far as they go"] = self.unclosed
        return found
