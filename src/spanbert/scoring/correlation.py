"""How well predicted numbers follow gold ones: Pearson's and Spearman's correlation, with an interval."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

COUNTS_AT_ONCE = 1 << 22


def pearson(first: Floats, second: Floats) -> float:
    """Linear correlation of two columns (n,), in [-1, 1]; 0.0 where one of them is constant."""
    return float(_weighted(first, second, np.ones((1, len(first))))[0])


def spearman(first: Floats, second: Floats) -> float:
    """Correlation of the ranks (equal values share their mean rank), in [-1, 1]; 0.0 as `pearson`."""
    return pearson(_ranks(first), _ranks(second))


def pearson_interval(
    first: Floats, second: Floats, *, level: float = 0.95, resamples: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """Percentile interval of `pearson` when the pairs are drawn anew with replacement."""
    count = len(first)
    rng = np.random.default_rng(seed)
    block = max(1, COUNTS_AT_ONCE // count)
    found = [
        _weighted(
            first,
            second,
            rng.multinomial(count, np.full(count, 1 / count), size=min(block, resamples - begin)),
        )
        for begin in range(0, resamples, block)
    ]
    low, high = np.quantile(np.concatenate(found), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def spearman_interval(
    first: Floats, second: Floats, *, level: float = 0.95, resamples: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """Percentile interval of `spearman` when the pairs are drawn anew, and ranked anew, with replacement."""
    rng = np.random.default_rng(seed)
    drawn = (rng.integers(len(first), size=len(first)) for _ in range(resamples))
    found = [spearman(first[some], second[some]) for some in drawn]
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _weighted(first: Floats, second: Floats, copies: NDArray[np.generic]) -> Floats:
    """Pearson's correlation for each row of `copies` (m, n), which says how often each pair is drawn."""
    x, y = (np.asarray(column, dtype=np.float64) for column in (first, second))
    x, y = x - x.mean(), y - y.mean()
    weights: Floats = copies / copies.sum(axis=1, keepdims=True)
    mean_x, mean_y = weights @ x, weights @ y
    spread_x, spread_y = weights @ x**2 - mean_x**2, weights @ y**2 - mean_y**2
    scale = np.sqrt(np.clip(spread_x, 0, None) * np.clip(spread_y, 0, None))
    joint = weights @ (x * y) - mean_x * mean_y
    # What is left of a constant column's spread is rounding.
    real = scale > 1e-12 * max(float(np.abs(x).max() * np.abs(y).max()), 1e-300)
    return np.asarray(np.divide(joint, scale, out=np.zeros_like(joint), where=real)).clip(-1, 1)


def _ranks(values: Floats) -> Floats:
    _, place, copies = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(copies)
    return np.asarray((last - (copies - 1) / 2)[place], dtype=np.float64)
