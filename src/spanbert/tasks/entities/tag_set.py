"""The tags that a flat model scores, and the best legal sequence of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spanbert.errors import SettingsError
from spanbert.text.tags import FIRST, INSIDE, LAST, OUTSIDE, SINGLE, tag_parts

Booleans = NDArray[np.bool_]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class TagSet:
    """Tags by number: BIO as this task trains them, or any scheme that a loaded model has (L tags).

    Args:
        types: names of the types.
        kinds: integers (L,), the type of each tag, -1 for O.
        goes_on: booleans (L, L), whether the second tag goes on with the entity of the first.
        legal: booleans (L, L), which tag may follow which.
        begins: booleans (L,), tags with which a text may begin.
        closed: booleans (L,), tags with which a text may end.
        outside: the number of O.
        first: integers (types,), the tag of the first word of each type's entities of several words.
        inside: integers (types,), the tag of the words between the first and the last.
        last: integers (types,), the tag of the last word.
        single: integers (types,), the tag of an only word.
    """

    types: tuple[str, ...]
    kinds: Integers
    goes_on: Booleans
    legal: Booleans
    begins: Booleans
    closed: Booleans
    outside: int
    first: Integers
    inside: Integers
    last: Integers
    single: Integers

    @classmethod
    def bio(cls, types: tuple[str, ...]) -> tuple[str, ...]:
        """The labels that this task trains for types of entities."""
        return (OUTSIDE, *(f"{letter}-{name}" for name in types for letter in (FIRST, INSIDE)))

    @classmethod
    @lru_cache(maxsize=8)
    def of(cls, labels: tuple[str, ...]) -> TagSet:
        """The tags of a model's labels; a label that is no tag is a type by itself, as in `PER` for I-PER.

        Raises:
            SettingsError: the labels have no O.
        """
        if OUTSIDE not in labels:
            raise SettingsError(
                f"the labels {', '.join(labels[:8])} have no {OUTSIDE}: they are no tags of entities"
            )
        parts = [tag_parts(label) or (INSIDE, label) for label in labels]
        number = {part: tag for tag, part in enumerate(parts)}
        types = tuple(sorted({name for role, name in parts if role != OUTSIDE}))

        def numbers(*roles: str) -> Integers:
            """For each type its tag of the first of the roles that it has."""
            return np.asarray(
                [next(number[role, name] for role in roles if (role, name) in number) for name in types],
                dtype=np.int64,
            )

        outside = number[OUTSIDE, ""]
        first, inside = numbers(FIRST, INSIDE, SINGLE, LAST), numbers(INSIDE, FIRST, LAST, SINGLE)
        last, single = numbers(LAST, INSIDE, FIRST, SINGLE), numbers(SINGLE, FIRST, LAST, INSIDE)
        begins = np.isin(np.arange(len(labels)), [outside, *first, *single])
        closed = np.isin(np.arange(len(labels)), [outside, *last, *single])
        roles = np.asarray([role for role, _ in parts])
        kinds = np.asarray([types.index(name) if role != OUTSIDE else -1 for role, name in parts])
        goes_on = (
            (kinds[:, None] == kinds[None, :])
            & np.isin(roles, (FIRST, INSIDE))[:, None]
            & np.isin(roles, (INSIDE, LAST))[None, :]
        )
        legal = goes_on | (closed[:, None] & begins[None, :])
        return cls(types, kinds, goes_on, legal, begins, closed, outside, first, inside, last, single)

    def of_entity(self, words: int, kind: int) -> Integers:
        """The tags of an entity of so many words and a type: integers (words,)."""
        if words == 1:
            return self.single[[kind]]
        return np.asarray([self.first[kind], *[self.inside[kind]] * (words - 2), self.last[kind]])

    def best(self, scores: NDArray[np.floating[Any]]) -> Integers:
        """The legal sequence of tags with the highest sum of scores (Viterbi 1967).

        Args:
            scores: (W, L) in nats.

        Returns:
            Integers (W,).
        """
        return self.best_of_texts(scores, [len(scores)])

    def best_of_texts(self, scores: NDArray[np.floating[Any]], words: Sequence[int]) -> Integers:
        """As `best`, for texts of so many words one after another."""
        best: Integers = scores.argmax(axis=1)
        counts = np.asarray(words, dtype=np.int64)
        ends = np.cumsum(counts)
        starts = ends - counts
        # Where the highest tags of all words are legal, nothing is higher.
        for text in self._illegal_texts(best, starts, ends):
            place = slice(starts[text], ends[text])
            best[place] = self._viterbi(scores[place])
        return best

    def _illegal_texts(self, tags: Integers, starts: Integers, ends: Integers) -> list[int]:
        """Which of the texts, from and to these words, have tags that may not be as they are."""
        filled = starts < ends
        wrong = np.zeros(len(tags), dtype=bool)
        wrong[1:] = ~self.legal[tags[:-1], tags[1:]]
        wrong[starts[filled]] = ~self.begins[tags[starts[filled]]]
        wrong[ends[filled] - 1] |= ~self.closed[tags[ends[filled] - 1]]
        texts: list[int] = np.unique(np.searchsorted(ends, np.flatnonzero(wrong), side="right")).tolist()
        return texts

    def _viterbi(self, scores: NDArray[np.floating[Any]]) -> Integers:
        barred = np.where(self.legal, 0.0, -np.inf)
        total = np.where(self.begins, scores[0], -np.inf)
        before = np.zeros(scores.shape, dtype=np.int64)
        for word in range(1, len(scores)):
            paths = total[:, None] + barred
            before[word] = paths.argmax(axis=0)
            total = paths.max(axis=0) + scores[word]
        best = np.zeros(len(scores), dtype=np.int64)
        best[-1] = np.where(self.closed, total, -np.inf).argmax()
        for word in range(len(scores) - 1, 0, -1):
            best[word - 1] = before[word, best[word]]
        return best

    def spans(self, tags: Integers, starts: Sequence[int] = ()) -> tuple[Integers, Integers, Integers]:
        """First words, ends (half-open) and types of the entities that tags mean, each (N,).

        Args:
            tags: integers (W,).
            starts: the first words of further texts among them.
        """
        inside = self.kinds[tags] >= 0
        goes_on = np.zeros(len(tags) + 1, dtype=bool)
        goes_on[1:-1] = self.goes_on[tags[:-1], tags[1:]]
        goes_on[list(starts)] = False
        firsts = np.flatnonzero(inside & ~goes_on[:-1])
        ends = np.flatnonzero(inside & ~goes_on[1:]) + 1
        return firsts, ends, self.kinds[tags[firsts]]
