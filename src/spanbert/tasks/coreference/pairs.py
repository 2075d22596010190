"""What two mentions' places, words and speakers say of the pair, for arrays of numpy and torch alike."""

from __future__ import annotations

from typing import Any

import numpy as np

DISTANCES = 11
"""Kinds of distance in words: 0, 1, 2 to 3, 4 to 7 ... and 512 or more."""
PAIR_KINDS = DISTANCES * 3 * 3
FARTHEST = 1 << (DISTANCES - 2)
DISTANCE_KINDS = np.floor(np.log2(np.maximum(np.arange(FARTHEST + 1), 0.5))).astype(np.int64) + 1
"""The kind of each distance up to the farthest that is told apart."""


def pair_kinds(later: Any, earlier: Any, distance_kinds: Any) -> Any:
    """Which of `PAIR_KINDS` each pair is of: integers (Q, A).

    A kind says how far apart the mentions begin, whether they are of the same words (as far as first word,
    last word and length tell) or end in the same word, and whether one speaker says both.

    Args:
        later: fields `start`, `end`, `first_code`, `last_code` and `speaker`, each (Q,).
        earlier: the same, each (A,); none begins behind a later mention.
        distance_kinds: `DISTANCE_KINDS`, as an array of the library that the fields are of.
    """

    def both(name: str) -> tuple[Any, Any]:
        return later[name][:, None], earlier[name][None, :]

    (start, other_start), (end, other_end) = both("start"), both("end")
    (first, other_first), (last, other_last) = both("first_code"), both("last_code")
    speaker, other_speaker = both("speaker")
    same_end = last == other_last
    same = same_end & (first == other_first) & (end - start == other_end - other_start)
    known = (speaker >= 0) & (other_speaker >= 0)
    one_speaker = known & (speaker == other_speaker)
    distance = distance_kinds[(start - other_start).clip(0, FARTHEST)]
    return (distance * 3 + (1 * same_end + 1 * same)) * 3 + (1 * known + 1 * one_speaker)
