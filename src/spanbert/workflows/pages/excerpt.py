"""Which part of a long text to show of the spans in it."""

from __future__ import annotations

from collections.abc import Sequence

from spanbert.text.spans import Span

AROUND = 160
LONGEST_WORD = 24
MOST = 1600


def surroundings(text: str, spans: Sequence[Span]) -> list[Span]:
    """The stretches of a text around the ends of spans, in order and disjoint.

    The middle of a very long span is left out like everything else that is far from its ends, and so is what
    follows once more than `MOST` characters are shown. Without spans it is the beginning of the text.

    Args:
        text: what the spans stand in.
        spans: of characters.
    """
    found: list[Span] = []
    for edge in sorted({edge for span in spans for edge in (span.start, span.end)}) or [0]:
        stretch = Span(
            _word_start(text, max(0, edge - AROUND)), _word_end(text, min(len(text), edge + AROUND))
        )
        if sum(map(len, found)) > MOST:
            break
        if found and stretch.start <= found[-1].end:
            last = found.pop()
            stretch = Span(last.start, max(last.end, stretch.end))
        found.append(stretch)
    return found


def _word_start(text: str, char: int) -> int:
    """The start of the word at a place, or the place itself where no space is near (Chinese has none)."""
    near = text[max(0, char - LONGEST_WORD) : char]
    space = next((back for back, letter in enumerate(reversed(near)) if letter.isspace()), None)
    if space is None:
        return 0 if char <= LONGEST_WORD else char
    return char - space


def _word_end(text: str, char: int) -> int:
    near = text[char : char + LONGEST_WORD]
    space = next((on for on, letter in enumerate(near) if letter.isspace()), None)
    if space is None:
        return len(text) if char + LONGEST_WORD >= len(text) else char
    return char + space
