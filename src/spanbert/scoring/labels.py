"""Scores of labels as honest probabilities: of one label among all, or of each by itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spanbert.scoring.calibration import fit_class_temperature, fit_temperature, softmax
from spanbert.scoring.thresholds import best_f1_threshold

Floats = NDArray[np.float32] | NDArray[np.float64]


def label_chances(scores: Floats, temperature: float, *, several: bool) -> NDArray[np.float64]:
    """Calibrated chances (..., L) of scores (..., L) in nats.

    Args:
        scores: log odds of each label where an item may have several, else up to a constant.
        temperature: divides them.
        several: whether an item may have several labels.
    """
    wide = np.asarray(scores, dtype=np.float64)
    if not several:
        return softmax(wide, temperature)
    return np.asarray(softmax(np.stack([np.zeros_like(wide), wide], axis=-1), temperature)[..., 1])


def fit_labels(scores: Floats, truth: NDArray[np.bool_], *, several: bool) -> dict[str, float]:
    """The temperature of honest chances and, with several labels, the threshold of the best micro F1.

    There is one threshold for all labels: one for each would be fitted on the few items that have it.

    Args:
        scores: (n, L), at least one item.
        truth: which labels the items have (n, L); none where it is one that has no score.
        several: whether an item may have several labels.

    Returns:
        `temperature` and, with several labels, `threshold`.
    """
    wide = np.asarray(scores, dtype=np.float64)
    if not several:
        known = truth.any(axis=1)
        return {"temperature": round(fit_class_temperature(wide[known], truth[known].argmax(axis=1)), 4)}
    choices = np.stack([np.zeros(wide.size), wide.ravel()], axis=1)
    temperature = round(fit_temperature(choices, (wide > 0).ravel() == truth.ravel()), 4)
    chances = label_chances(wide, temperature, several=True)
    return {"temperature": temperature, "threshold": best_f1_threshold(chances, truth)}
