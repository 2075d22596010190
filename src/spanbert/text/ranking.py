"""Passages ranked by the words that they share with a question (BM25, Robertson and Zaragoza 2009)."""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Callable, Iterable
from itertools import chain, pairwise

import bm25s
import numpy as np

MARKS = "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0900-\u0dff\u1ab0-\u1aff"
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
WORD = re.compile(rf"[\w{MARKS}]+")
UNSPACED_RUN = re.compile(f"[{UNSPACED}]+")
STOP_WORDS = frozenset(
    "a an and are as at be been by did do does for from had has have how in is it its of on or that the "  # noqa: SIM905
    "their there these they this those to was were what when where which who whom whose why will with "
    "would".split()
)
ENDINGS = ("ing", "ed", "ies", "es", "ly", "s", "e", "y")
"""Cut from words of five letters and more when three letters stay: "studies" and "study" meet in "stud"."""

OTHER = " "
"""Stands for all words that an index does not tell apart; no stem is a blank."""


def words(text: str) -> list[str]:
    """Lower-case words; scripts without spaces come as single characters and pairs of neighbours."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("_", " ")
    if UNSPACED_RUN.search(plain) is None:
        return WORD.findall(plain)
    runs = UNSPACED_RUN.findall(plain)
    spaced = WORD.findall(UNSPACED_RUN.sub(" ", plain))
    return [
        *spaced,
        *chain.from_iterable(runs),
        *(pair for run in runs for pair in map("".join, pairwise(run))),
    ]


def stem(word: str) -> str:
    """A word without its English ending; empty for English function words."""
    if word in STOP_WORDS:
        return ""
    if len(word) >= 5 and not word.endswith("ss"):
        for ending in ENDINGS:
            if word.endswith(ending) and len(word) - len(ending) >= 3:
                return word.removesuffix(ending)
    return word


class _Memo(dict[str, int]):
    """The number of each word, worked out when it is first met."""

    def __init__(self, number: Callable[[str], int]) -> None:
        self._number = number

    def __missing__(self, word: str) -> int:
        self[word] = number = self._number(word)
        return number


class PassageIndex:
    """An index of passages by number. It keeps how often words occur, not the texts.

    Args:
        texts: the passages, read once; their order gives their numbers.
        question: the only question that will be asked; other words are then counted but not told apart, which
            takes a fraction of the memory and gives the same ranking.
    """

    def __init__(self, texts: Iterable[str], question: str | None = None) -> None:
        self._wanted = None if question is None else frozenset(map(stem, words(question)))
        self._number_of_stem = {OTHER: 0}
        number_of = _Memo(self._number)
        rows = [
            array("i", [number for number in map(number_of.__getitem__, words(text)) if number >= 0])
            for text in texts
        ]
        self._passage_count = len(rows)
        self._bm25 = bm25s.BM25(k1=1.2, b=0.75) if any(rows) else None
        if self._bm25 is not None:
            self._bm25.index((rows, self._number_of_stem), create_empty_token=False, show_progress=False)

    def _number(self, word: str) -> int:
        stemmed = stem(word)
        if not stemmed:
            return -1
        if self._wanted is not None and stemmed not in self._wanted:
            return self._number_of_stem[OTHER]
        return self._number_of_stem.setdefault(stemmed, len(self._number_of_stem))

    def __len__(self) -> int:
        return self._passage_count

    def rank(self, question: str, top: int) -> list[tuple[int, float]]:
        """The `top` passages for a question, best first, as (number, score).

        Equal scores, zero among them, keep the order of the passages, so a question that shares no word with
        any passage still gets the first ones.

        Raises:
            ValueError: the index was made for another question.
        """
        stems = dict.fromkeys(map(stem, words(question)))
        if self._wanted is not None and not self._wanted.issuperset(stems):
            raise ValueError(f"the index was made for another question than {question!r}")
        numbers = [self._number_of_stem[found] for found in stems if found in self._number_of_stem]
        scores = np.zeros(len(self), dtype=np.float32)
        if numbers and self._bm25 is not None:
            scores = self._bm25.get_scores_from_ids(numbers)
        best = np.argsort(-scores, kind="stable")[:top]
        return [(int(number), float(scores[number])) for number in best]
