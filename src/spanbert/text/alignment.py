"""Character, word and piece spans into one another: the only place of the package where units convert."""

from __future__ import annotations

import unicodedata

import numpy as np

from spanbert.text.spans import Span
from spanbert.text.tokenizer import Pieces


def pieces_of_chars(pieces: Pieces, char_span: Span) -> Span | None:
    """The smallest run of pieces that covers every visible character of `char_span`.

    Returns:
        A piece span, or None where no piece stands for any character of the span (it is empty, or holds only
        spaces or characters that the tokenizer drops).
    """
    # Starts and ends both never decrease: what the tokenizer reorders, it reorders within one piece.
    start = int(np.searchsorted(pieces.char_ends, char_span.start, side="right"))
    end = int(np.searchsorted(pieces.char_starts, char_span.end, side="left"))
    return Span(start, end) if start < end and len(char_span) else None


def chars_of_pieces(pieces: Pieces, piece_span: Span) -> Span:
    """The characters from the first piece's start to the last piece's end.

    Raises:
        ValueError: the span is empty or reaches behind the last piece.
    """
    if not 0 <= piece_span.start < piece_span.end <= len(pieces):
        raise ValueError(f"piece span {piece_span} is empty or outside {len(pieces)} pieces")
    return Span(int(pieces.char_starts[piece_span.start]), int(pieces.char_ends[piece_span.end - 1]))


def with_marks(text: str, char_span: Span) -> Span:
    """Grow a span of `text` over the combining marks that belong to its last character.

    An uncased tokenizer drops accents, so that no piece stands for those which are characters of their own.
    """
    end = char_span.end
    while end < len(text) and unicodedata.category(text[end]).startswith("M"):
        end += 1
    return Span(char_span.start, end)


def whole_words(pieces: Pieces, piece_span: Span) -> Span:
    """Grow a piece span to both ends of the words that it touches.

    Raises:
        ValueError: the span is empty or reaches behind the last piece.
    """
    if not 0 <= piece_span.start < piece_span.end <= len(pieces):
        raise ValueError(f"piece span {piece_span} is empty or outside {len(pieces)} pieces")
    start, end = piece_span.start, piece_span.end
    words = pieces.words
    while start > 0 and words[start - 1] == words[start]:
        start -= 1
    while end < len(words) and words[end] == words[end - 1]:
        end += 1
    return Span(start, end)
