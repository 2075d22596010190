"""Which features make up which batch: a pure function of (lengths, budget, seed, epoch), never replayed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


def epoch_batches(
    lengths: Sequence[int], batch_pieces: int, seed: int, epoch: int, multiple: int = 1
) -> list[Indices]:
    """Shuffle features and cut them into batches of about `batch_pieces` pieces.

    Args:
        lengths: pieces of each feature.
        batch_pieces: a batch is closed when the next feature would take it over this; one feature alone may.
        seed: of the run.
        epoch: counted from 0.
        multiple: the number of batches is a multiple of this (processes x accumulated batches of an update);
            the last batches are split to get there, and nothing is dropped or repeated.

    Returns:
        Feature numbers of each batch. With fewer features than `multiple`, some batches are empty.
    """
    order = np.random.default_rng((seed, epoch)).permutation(len(lengths))
    sizes = np.asarray(lengths, dtype=np.int64)[order]
    batches: list[Indices] = []
    start, filled = 0, 0
    for place, size in enumerate(sizes):
        if place > start and filled + size > batch_pieces:
            batches.append(order[start:place])
            start, filled = place, 0
        filled += int(size)
    batches.append(order[start:])
    rest = len(batches) % multiple
    if rest:
        tail = np.concatenate(batches[-rest:])
        batches[-rest:] = np.array_split(tail, multiple)
    return batches
