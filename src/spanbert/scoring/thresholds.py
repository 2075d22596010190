"""The threshold above which giving labels pays most."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def best_f1_threshold(chances: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    """The probability above which giving labels makes micro F1 best, halfway between two of those seen.

    Args:
        chances: of each label of each item (n, L).
        truth: which of them are right (n, L).

    Returns:
        A value in [0, 1]; 0.5 where nothing is right.
    """
    if not truth.any():
        return 0.5
    order = np.argsort(-chances, axis=None, kind="stable")
    ranked = chances.ravel()[order]
    right = np.cumsum(truth.ravel()[order])
    f1 = 2 * right / (np.arange(1, len(ranked) + 1) + truth.sum())
    f1[ranked == 0] = -1  # above no threshold
    f1[:-1][ranked[:-1] == ranked[1:]] = -1  # equal probabilities cannot be parted
    last = int(np.argmax(f1))
    below = float(ranked[last + 1]) if last + 1 < len(ranked) else 0.0
    return (float(ranked[last]) + below) / 2
