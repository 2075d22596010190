"""Temperature and threshold chosen on held-out predictions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from spanbert.scoring.calibration import fit_temperature
from spanbert.scoring.thresholds import best_f1_threshold
from spanbert.tasks.classification.decode import probabilities
from spanbert.tasks.classification.examples import ClassificationExample, ClassificationPrediction
from spanbert.tasks.classification.labels import label_names
from spanbert.tasks.classification.settings import ClassificationSettings


def calibrated(
    examples: Sequence[ClassificationExample],
    predictions: Sequence[ClassificationPrediction],
    settings: ClassificationSettings,
) -> ClassificationSettings:
    """Settings under which probabilities are honest, and with several labels micro F1 is best.

    There is one threshold for all labels: one for each would be fitted on the few texts that have it.
    """
    pairs = [
        (example, made)
        for example, made in zip(examples, predictions, strict=True)
        if example.gold is not None
    ]
    if settings.decided == "number" or not pairs:
        return settings
    scores = np.stack([made.scores for _, made in pairs])
    truth = gold_table([example for example, _ in pairs], settings.labels)
    if settings.decided == "one":
        right = truth[np.arange(len(truth)), scores.argmax(axis=1)]
        temperature = fit_temperature(list(scores.astype(np.float64)), list(right))
        return settings.model_copy(update={"temperature": round(temperature, 4)})
    choices = np.stack([np.zeros(scores.size), scores.ravel().astype(np.float64)], axis=1)
    temperature = fit_temperature(list(choices), list((scores > 0).ravel() == truth.ravel()))
    settings = settings.model_copy(update={"temperature": round(temperature, 4)})
    threshold = best_f1_threshold(probabilities(scores, settings), truth)
    return settings.model_copy(update={"threshold": threshold})


def gold_table(examples: Sequence[ClassificationExample], labels: Sequence[str]) -> NDArray[np.bool_]:
    """Which labels each text has: booleans (n, L); labels that the model does not know have no column."""
    numbers = {name: number for number, name in enumerate(labels)}
    table = np.zeros((len(examples), len(labels)), dtype=bool)
    for row, example in enumerate(examples):
        assert example.gold is not None
        table[row, [numbers[name] for name in label_names(example.gold) if name in numbers]] = True
    return table
