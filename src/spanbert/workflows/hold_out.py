"""A share of the training data set aside, with the same mix of classes where there are classes."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TypeVar

import numpy as np

from spanbert.errors import DataError

E = TypeVar("E")


def hold_out(
    examples: Sequence[E], strata: Sequence[Hashable], share: float, seed: int
) -> tuple[list[E], list[E]]:
    """Split examples at random, a pure function of their number, strata and `seed`.

    Each stratum gives its share, rounded up or down so that all together give theirs as nearly as they can,
    but never its last example: what is not trained cannot be predicted.

    Args:
        examples: to be split.
        strata: the class of each.
        share: of the examples that is held out.
        seed: same seed, same split.

    Returns:
        Those that stay and those held out, each in the order given.

    Raises:
        DataError: there are too few examples to hold one out.
    """
    members: dict[Hashable, list[int]] = {}
    for number, stratum in enumerate(strata):
        members.setdefault(stratum, []).append(number)
    rng = np.random.default_rng((seed, len(examples)))
    sizes = np.array([len(numbers) for numbers in members.values()])
    due = np.round(share * sizes, 9)  # 0.1 of 30 is 3, not a little more
    counts = np.minimum(np.floor(due).astype(int), sizes - 1)
    wanting = [place for place in np.argsort(counts - due, kind="stable") if due[place] > counts[place]]
    able = [place for place in wanting if counts[place] < sizes[place] - 1]
    counts[able[: max(0, round(share * len(examples)) - int(counts.sum()))]] += 1
    held: set[int] = set()
    for numbers, count in zip(members.values(), counts, strict=True):
        held.update(rng.permutation(numbers)[:count].tolist())
    if not held:
        raise DataError(f"{len(examples)} training examples are too few to hold a part out; name a dev file")
    kept = [example for number, example in enumerate(examples) if number not in held]
    return kept, [example for number, example in enumerate(examples) if number in held]
