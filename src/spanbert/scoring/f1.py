"""Precision, recall and F1 from counts, with intervals: of spans, relations, links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Prf:
    """Percentages; 0.0 where nothing was predicted or nothing is gold."""

    precision: float
    recall: float
    f1: float

    def to_json(self) -> dict[str, float]:
        """Plain types."""
        return {
            "precision": round(self.precision, 4),
            "recall": round(self.recall, 4),
            "f1": round(self.f1, 4),
        }


def prf(right: float, predicted: float, gold: float) -> Prf:
    """Of counts: how many of the predicted are right, how many of the gold were found.

    Args:
        right: predicted items that are gold.
        predicted: all that were predicted.
        gold: all that should have been.
    """
    return Prf(
        100 * right / predicted if predicted else 0.0,
        100 * right / gold if gold else 0.0,
        200 * right / (predicted + gold) if predicted + gold else 0.0,
    )


def f1_interval(
    right: Sequence[float] | NDArray[np.float64],
    predicted: Sequence[float] | NDArray[np.float64],
    gold: Sequence[float] | NDArray[np.float64],
    *,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile interval of the micro F1 when the texts are drawn anew with replacement.

    Args:
        right: for each text, predicted items that are gold.
        predicted: for each text, all that were predicted.
        gold: for each text, all that should have been.
        level: share of the resampled values inside the interval.
        seed: same seed, same interval.

    Returns:
        Lower and upper end in percent; zeros without texts.
    """
    counts = np.stack([np.asarray(column, dtype=np.float64) for column in (right, predicted, gold)], axis=1)
    distinct, copies = np.unique(counts, axis=0, return_counts=True)
    if not len(distinct):
        return 0.0, 0.0
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(copies.sum(), copies / copies.sum(), size=RESAMPLES)
    sums: NDArray[np.float64] = drawn @ distinct
    total = sums[:, 1] + sums[:, 2]
    values = np.divide(200 * sums[:, 0], total, out=np.zeros(RESAMPLES), where=total > 0)
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
