"""How far a mean may be off by the luck of which items were measured: bootstrap intervals (Efron 1979)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

COUNTS_AT_ONCE = 1 << 22


def bootstrap_interval(
    values: Sequence[float] | NDArray[np.float64],
    *,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile interval of the mean when the items are drawn anew with replacement.

    Args:
        values: one number for each item, at least one.
        level: share of the resampled means inside the interval.
        resamples: how many data sets of the same size are drawn.
        seed: same seed, same interval.

    Returns:
        Lower and upper end, in the unit of `values`.
    """
    # To draw n items is to draw how often each distinct value comes up: far fewer numbers than n.
    distinct, counts = np.unique(np.asarray(values, dtype=np.float64), return_counts=True)
    total = int(counts.sum())
    rng = np.random.default_rng(seed)
    block = max(1, COUNTS_AT_ONCE // len(distinct))
    means = [
        rng.multinomial(total, counts / total, size=min(block, resamples - begin)) @ distinct / total
        for begin in range(0, resamples, block)
    ]
    low, high = np.quantile(np.concatenate(means), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
