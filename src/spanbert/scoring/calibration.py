"""Confidence that means something: one temperature fitted on held-out predictions (Guo et al. 2017).

A temperature t costs (ln t)^2 / 2 nats over all predictions besides: nothing beside hundreds of them, but a
few, all of them right, would else have infinite confidence as their best.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def softmax(scores: Floats, temperature: float = 1.0) -> Floats:
    """Probabilities of scores (in nats) along the last axis; -inf gives 0."""
    scaled = scores / temperature
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def fit_temperature(scores: Sequence[Floats] | Floats, right: Sequence[bool] | NDArray[np.bool_]) -> float:
    """The temperature at which "probability of the best choice" predicts best whether the choice is right.

    Args:
        scores: for each prediction, the scores (n,) of all choices, in nats; a table (N, n) where all have
            as many choices.
        right: for each prediction, whether its best-scored choice is right.

    Returns:
        The value in [0.05, 20] with the least log loss; 1.0 when there is nothing to fit on.
    """
    if not len(scores):
        return 1.0
    table = scores if isinstance(scores, np.ndarray) else _table(scores)
    truth = np.asarray(right, dtype=np.float64)
    if truth.min() == truth.max():
        return 1.0

    def log_loss(temperature: float) -> float:
        best = softmax(table, temperature).max(axis=-1).clip(1e-9, 1 - 1e-9)
        return float(-(truth * np.log(best) + (1 - truth) * np.log1p(-best)).sum())

    return _least(log_loss)


def fit_class_temperature(scores: Floats, gold: NDArray[np.int64]) -> float:
    """The temperature at which the right one of the same few classes is likeliest.

    Args:
        scores: of all classes for each prediction (N, n), in nats.
        gold: the right class of each, (N,).

    Returns:
        The value in [0.05, 20] with the least log loss; 1.0 when there is nothing to fit on.
    """
    if not len(scores):
        return 1.0

    def log_loss(temperature: float) -> float:
        right = softmax(scores, temperature)[np.arange(len(gold)), gold]
        return float(-np.log(right.clip(1e-9)).sum())

    return _least(log_loss)


def _least(log_loss: Callable[[float], float]) -> float:
    """The temperature of least loss."""

    def loss(logarithm: float) -> float:
        return log_loss(float(np.exp(logarithm))) + logarithm**2 / 2

    grid = np.linspace(np.log(0.05), np.log(20.0), 61)
    centre = min(grid, key=loss)
    step = float(grid[1] - grid[0])
    fine = np.clip(np.linspace(centre - step, centre + step, 41), grid[0], grid[-1])
    return float(np.exp(min(fine, key=loss)))


def _table(rows: Sequence[Floats]) -> Floats:
    """Rows of any length, filled up with -inf."""
    table = np.full((len(rows), max(len(row) for row in rows)), -np.inf)
    for number, row in enumerate(rows):
        table[number, : len(row)] = row
    return table


def expected_calibration_error(confidence: Sequence[float], right: Sequence[bool], bins: int = 10) -> float:
    """Mean gap between confidence and accuracy over equally wide bins, in percent points."""
    if not confidence:
        return 0.0
    values, truth = np.asarray(confidence), np.asarray(right, dtype=np.float64)
    place = np.minimum((values * bins).astype(int), bins - 1)
    gaps = [
        abs(values[place == number].mean() - truth[place == number].mean()) * (place == number).mean()
        for number in range(bins)
        if (place == number).any()
    ]
    return float(100 * sum(gaps))
