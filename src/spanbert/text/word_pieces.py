"""Pieces of texts whose words are given: no piece reaches over the end of a word."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spanbert.text.spans import Span
from spanbert.text.tokenizer import Pieces, Tokenizer


def encode_words(tokenizer: Tokenizer, texts: Sequence[tuple[str, Sequence[Span]]]) -> list[Pieces]:
    """Cut the given words of texts; characters between words have no piece.

    Args:
        tokenizer: cuts each word.
        texts: each text with the characters of its words, ascending and without overlap.

    Returns:
        Pieces whose characters are those of the text and whose `words` are numbers of the given words. A word
        for which the tokenizer has no piece (only spaces or characters that it drops) is nobody's.

    Raises:
        DataError: a text holds half a surrogate pair.
    """
    # Spaces part words for the tokenizer whatever the text has between them.
    spaced = [" ".join(text[span.start : span.end] for span in words) for text, words in texts]
    return [
        _in_text(pieces, words)
        for pieces, (_, words) in zip(tokenizer.encode_many(spaced), texts, strict=True)
    ]


def _in_text(pieces: Pieces, words: Sequence[Span]) -> Pieces:
    if not len(pieces):
        return pieces
    starts = np.asarray([span.start for span in words], dtype=np.int32)
    lengths = np.asarray([len(span) for span in words], dtype=np.int32)
    spaced_starts = np.cumsum(lengths + 1, dtype=np.int32) - lengths - 1
    numbers = (np.searchsorted(spaced_starts, pieces.char_starts, side="right") - 1).astype(np.int32)
    shift = (starts - spaced_starts)[numbers]
    return Pieces(pieces.ids, pieces.char_starts + shift, pieces.char_ends + shift, numbers)
