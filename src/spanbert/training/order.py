"""Which features make up which batch: a pure function of (lengths, budget, seed, epoch), never replayed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


def epoch_batches(
    lengths: Sequence[int] | NDArray[np.int64], batch_pieces: int, seed: int, epoch: int, multiple: int = 1
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
    filled = np.concatenate([[0], np.cumsum(np.asarray(lengths, dtype=np.int64)[order])])
    batches: list[Indices] = []
    start = 0
    while start < len(order):
        within = int(np.searchsorted(filled, filled[start] + batch_pieces, side="right")) - 1
        end = max(within, start + 1)
        batches.append(order[start:end])
        start = end
    rest = len(batches) % multiple
    if rest:
        tail = np.concatenate(batches[-rest:])
        batches[-rest:] = np.array_split(tail, multiple)
    return batches
