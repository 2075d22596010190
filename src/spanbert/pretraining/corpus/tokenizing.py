"""Stretches of text as pieces; the work of the processes of a preparation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tokenizers
from numpy.typing import NDArray

from spanbert.errors import MissingExtraError
from spanbert.pretraining.corpus.reading import CharSpan
from spanbert.text.alignment import pieces_of_chars
from spanbert.text.spans import Span
from spanbert.text.tokenizer import Pieces, Tokenizer

IDEOGRAPHS = (
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2CEAF),
    (0x2F800, 0x2FA1F),
)
"""First and last code points of the characters that BERT sets apart as Chinese."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The pieces of several texts, one text after another.

    Args:
        piece_ids: integers (P,).
        starts_word: booleans (P,), the first piece of a word.
        lengths: integers (N,), pieces of each text.
        given: integers (G, 2), first piece and end of each given span that has a piece, over all texts.
    """

    piece_ids: NDArray[np.int32]
    starts_word: NDArray[np.bool_]
    lengths: NDArray[np.int64]
    given: NDArray[np.int64]


class CorpusTokenizer:
    """Cuts texts as a tokenizer does, save that a special piece written out in a text stays text.

    Args:
        tokenizer_json: a tokenizer in the form of its library.
        segment_chinese: words of Chinese are those of a segmenter.

    Raises:
        MissingExtraError: the extra `chinese` is not installed and asked for.
    """

    def __init__(self, tokenizer_json: str, *, segment_chinese: bool) -> None:
        self.tokenizer = Tokenizer(tokenizers.Tokenizer.from_str(tokenizer_json))
        self.tokenizer.backend.encode_special_tokens = True
        self.segmenter = _segmenter() if segment_chinese else None

    def cut(self, texts: Sequence[str], char_spans: Sequence[Sequence[CharSpan]]) -> Cut:
        """Pieces of texts, and of the given spans of each."""
        found = self.tokenizer.encode_many(texts)
        lengths = np.asarray([len(pieces) for pieces in found], dtype=np.int64)
        given = [
            (span.start + offset, span.end + offset)
            for pieces, spans, offset in zip(found, char_spans, np.cumsum(lengths) - lengths, strict=True)
            for chars in spans
            if (span := pieces_of_chars(pieces, Span(*chars))) is not None
        ]
        return Cut(
            np.concatenate([pieces.ids for pieces in found]),
            np.concatenate(
                [self._starts_word(text, pieces) for text, pieces in zip(texts, found, strict=True)]
            ),
            lengths,
            np.asarray(given, dtype=np.int64).reshape(-1, 2),
        )

    def _starts_word(self, text: str, pieces: Pieces) -> NDArray[np.bool_]:
        starts = np.ones(len(pieces), dtype=np.bool_)
        starts[1:] = pieces.words[1:] != pieces.words[:-1]
        if self.segmenter is not None and len(pieces):
            before, behind = pieces.char_ends[:-1], pieces.char_starts[1:]
            ideograph = _ideographs(text)
            segment_starts = np.zeros(len(text), dtype=np.bool_)
            segment_starts[[start for _, start, _ in self.segmenter.tokenize(text)]] = True
            joined = (before == behind) & ideograph[before - 1] & ideograph[behind] & ~segment_starts[behind]
            starts[1:] &= ~joined
        return starts


def _ideographs(text: str) -> NDArray[np.bool_]:
    codes = np.frombuffer(text.encode("utf-32-le"), dtype="<u4")
    found = np.zeros(len(codes), dtype=np.bool_)
    for first, last in IDEOGRAPHS:
        found |= (codes >= first) & (codes <= last)
    return found


def _segmenter() -> Any:
    try:
        import rjieba
    except ImportError as error:
        raise MissingExtraError("segmenting Chinese", "chinese") from error
    return rjieba
