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
        continues: booleans (L,), tags that go on with an entity (I and E).
        open: booleans (L,), tags behind which an entity may go on (B and I).
        legal: booleans (L, L), which tag may follow which.
        begins: booleans (L,), tags with which a text may begin.
        closed: booleans (L,), tags with which a text may end.
        outside: the number of O.
        first: integers (types,), the tag of the first word of each type's entities.
        inside: integers (types,), the tag of their further words.
    """

    types: tuple[str, ...]
    kinds: Integers
    continues: Booleans
    open: Booleans
    legal: Booleans
    begins: Booleans
    closed: Booleans
    outside: int
    first: Integers
    inside: Integers

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
        roles = np.asarray([role for role, _ in parts])
        types = tuple(sorted({name for role, name in parts if role != OUTSIDE}))
        kinds = np.asarray([types.index(name) if role != OUTSIDE else -1 for role, name in parts])
        continues, opens = np.isin(roles, (INSIDE, LAST)), np.isin(roles, (FIRST, INSIDE))
        same = kinds[:, None] == kinds[None, :]
        # Without B an entity begins with I; without E it may end anywhere.
        has_first = np.isin(kinds, kinds[np.isin(roles, (FIRST, SINGLE))])
        has_last = np.isin(kinds, kinds[roles == LAST])
        closed = ~(opens & has_last)
        goes_on = opens[:, None] & continues[None, :] & same
        begins = ~continues | ~has_first
        by_role = {role: np.full(len(types), -1) for role in (FIRST, INSIDE)}
        for number, (role, name) in enumerate(parts):
            if role in by_role:
                by_role[role][types.index(name)] = number
        inside = np.where(by_role[INSIDE] < 0, by_role[FIRST], by_role[INSIDE])
        first = np.where(by_role[FIRST] < 0, inside, by_role[FIRST])
        legal = goes_on | (closed[:, None] & begins[None, :])
        return cls(
            types, kinds, continues, opens, legal, begins, closed, labels.index(OUTSIDE), first, inside
        )

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
        ends = np.cumsum(words)
        filled = np.asarray(words) > 0
        starts, lasts = (ends - words)[filled], ends[filled] - 1
        wrong = np.zeros(len(best), dtype=bool)
        wrong[1:] = ~self.legal[best[:-1], best[1:]]
        wrong[starts] = ~self.begins[best[starts]]
        wrong[lasts] |= ~self.closed[best[lasts]]
        # Where the highest tags of all words are legal, nothing is higher.
        for text in np.unique(np.searchsorted(ends, np.flatnonzero(wrong), side="right")).tolist():
            place = slice(ends[text] - words[text], ends[text])
            best[place] = self._viterbi(scores[place])
        return best

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
        goes_on[1:-1] = (
            self.continues[tags[1:]] & self.open[tags[:-1]] & (self.kinds[tags[1:]] == self.kinds[tags[:-1]])
        )
        goes_on[list(starts)] = False
        firsts = np.flatnonzero(inside & ~goes_on[:-1])
        ends = np.flatnonzero(inside & ~goes_on[1:]) + 1
        return firsts, ends, self.kinds[tags[firsts]]
