"""How well predicted numbers follow gold ones: Pearson's and Spearman's correlation, with an interval."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Column = NDArray[np.float64] | NDArray[np.int64]

LEAST_RESAMPLES = 200
MOST_PAIRS_DRAWN = 10_000_000
"""In all resamples of an interval: of more than 10,000 pairs fewer than 1,000 resamples are drawn."""


def pearson(first: Column, second: Column) -> float:
    """Linear correlation of two columns (n,), in [-1, 1]; 0.0 where one of them is constant."""
    if np.ptp(first) == 0 or np.ptp(second) == 0:  # less its mean, a constant column is rounding errors
        return 0.0
    x, y = first - first.mean(), second - second.mean()
    scale = np.linalg.norm(x) * np.linalg.norm(y)
    return float(np.clip(x @ y / scale, -1, 1)) if scale else 0.0


def spearman(first: Floats, second: Floats) -> float:
    """Correlation of the ranks (equal values share their mean rank), in [-1, 1]; 0.0 as `pearson`."""
    return _spearman_of_places(_places(first), _places(second))


def pearson_interval(
    first: Floats, second: Floats, *, level: float = 0.95, resamples: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """Percentile interval of `pearson` when the pairs are drawn anew with replacement.

    Args:
        first: one column (n,).
        second: the other one (n,).
        level: share of the resampled correlations inside the interval.
        resamples: how often n pairs are drawn; of very many pairs not so often (`MOST_PAIRS_DRAWN`), but at
            least 200 times if so many are asked for.
        seed: same seed, same interval.
    """
    return _interval(pearson, first, second, level=level, resamples=resamples, seed=seed)


def spearman_interval(
    first: Floats, second: Floats, *, level: float = 0.95, resamples: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """Percentile interval of `spearman` when the pairs are drawn anew, and ranked anew, with replacement.

    Ranks of all pairs that are only drawn, and not ranked, anew give intervals that are too narrow. The
    arguments are those of `pearson_interval`.
    """
    places = _places(first), _places(second)
    return _interval(_spearman_of_places, *places, level=level, resamples=resamples, seed=seed)


def _interval(
    correlation: Callable[[Column, Column], float],
    first: Column,
    second: Column,
    *,
    level: float,
    resamples: int,
    seed: int,
) -> tuple[float, float]:
    count = len(first)
    rng = np.random.default_rng(seed)
    times = min(resamples, max(LEAST_RESAMPLES, MOST_PAIRS_DRAWN // count))
    drawn = (rng.integers(count, size=count) for _ in range(times))
    found = [correlation(first[some], second[some]) for some in drawn]
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _spearman_of_places(first: Column, second: Column) -> float:
    return pearson(_ranks(first), _ranks(second))


def _places(values: Floats) -> NDArray[np.int64]:
    """For each value its number among the distinct values, sorted: what is sorted once need not be again."""
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def _ranks(places: Column) -> Floats:
    """Ranks from 1; equal places share their mean rank. There may be places that no value has."""
    copies = np.bincount(places)
    return np.asarray((np.cumsum(copies) - (copies - 1) / 2)[places], dtype=np.float64)
