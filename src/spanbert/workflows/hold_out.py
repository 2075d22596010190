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

    Each stratum gives its share as nearly as whole examples allow, so that all together give theirs, but
    never its last example: what is not trained cannot be predicted.

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
    held: set[int] = set()
    passed = 0
    for numbers in members.values():
        passed += len(numbers)
        due = round(share * passed) - len(held)
        held.update(rng.permutation(numbers)[: min(due, len(numbers) - 1)].tolist())
    if not held:
        raise DataError(f"{len(examples)} training examples are too few to hold a part out; name a dev file")
    kept = [example for number, example in enumerate(examples) if number not in held]
    return kept, [example for number, example in enumerate(examples) if number in held]
