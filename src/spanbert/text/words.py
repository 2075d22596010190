"""Texts that come as lists of words: one string, and the characters of each word in it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from spanbert.text.spans import Span

UNSPACED = re.compile("[\u2e80-\u303f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef]")
"""Scripts and punctuation that are written without spaces between words."""


def joined(words: Sequence[str]) -> tuple[str, list[Span]]:
    """Words as one text, a space between two of them unless both sides are written without (Chinese, kana).

    A word without characters stands behind the one before it and takes no space.

    Returns:
        The text, and the characters of each word: `text[span.start:span.end] == word`.
    """
    parts: list[str] = []
    spans: list[Span] = []
    length = 0
    for word in words:
        last = parts[-1] if parts else ""
        if parts and word and not (UNSPACED.match(last[-1:]) and UNSPACED.match(word[:1])):
            parts.append(" ")
            length += 1
        spans.append(Span(length, length + len(word)))
        if word:
            parts.append(word)
        length += len(word)
    return "".join(parts), spans


def word_count(text: str) -> int:
    """Words between spaces, each character of a script without spaces a word of its own."""
    return len(UNSPACED.sub(" _ ", text).split())
