"""Passages ranked by the words that they share with a question (BM25, Robertson and Zaragoza 2009)."""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Iterable, Iterator

import bm25s
import numpy as np

MARKS = "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0900-\u0dff\u1ab0-\u1aff"
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
TOKEN = re.compile(rf"[{UNSPACED}]+|(?:(?![{UNSPACED}_])[\w{MARKS}])+")
IS_UNSPACED = re.compile(f"[{UNSPACED}]")
STOP_WORDS = frozenset(
    "a an and are as at be been by did do does for from had has have how in is it its of on or that the their "
    "there these they this those to was were what when where which who whom whose why will with would".split()
)
ENDINGS = ("ing", "ed", "ies", "es", "ly", "s", "e", "y")
"""Cut from words of five letters and more when three letters stay: "studies" and "study" meet in "stud"."""


def tokens(text: str) -> Iterator[str]:
    """Lower-case word stems without English function words; scripts without spaces by characters and their pairs."""
    for found in TOKEN.finditer(unicodedata.normalize("NFKC", text).casefold()):
        word = found[0]
        if IS_UNSPACED.match(word):
            yield from word
            yield from (word[place : place + 2] for place in range(len(word) - 1))
        elif word not in STOP_WORDS:
            yield _stem(word)


def _stem(word: str) -> str:
    if len(word) >= 5 and not word.endswith("ss"):
        for ending in ENDINGS:
            if word.endswith(ending) and len(word) - len(ending) >= 3:
                return word.removesuffix(ending)
    return word


class PassageIndex:
    """An index of passages by number. It keeps token counts, not the texts.

    Args:
        texts: the passages, read once; their order gives their numbers.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        vocabulary: dict[str, int] = {}
        rows = [
            array("i", [vocabulary.setdefault(token, len(vocabulary)) for token in tokens(text)])
            for text in texts
        ]
        self._passage_count = len(rows)
        self._vocabulary = vocabulary
        self._bm25 = bm25s.BM25(k1=1.2, b=0.75)
        if vocabulary:
            self._bm25.index((rows, dict(vocabulary)), create_empty_token=False, show_progress=False)

    def __len__(self) -> int:
        return self._passage_count

    def rank(self, question: str, top: int) -> list[tuple[int, float]]:
        """The `top` passages for a question, best first, as (number, score).

        Equal scores, zero among them, keep the order of the passages, so a question that shares no word with any
        passage still gets the first ones.
        """
        ids = [
            self._vocabulary[token] for token in dict.fromkeys(tokens(question)) if token in self._vocabulary
        ]
        scores = np.zeros(len(self), dtype=np.float32)
        if ids:
            scores = self._bm25.get_scores_from_ids(ids)
        best = np.argsort(-scores, kind="stable")[:top]
        return [(int(number), float(scores[number])) for number in best]
