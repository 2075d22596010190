"""Temperature and threshold chosen on held-out predictions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from spanbert.scoring.labels import fit_labels
from spanbert.tasks.classification.examples import ClassificationExample, ClassificationPrediction
from spanbert.tasks.classification.labels import label_names
from spanbert.tasks.classification.settings import ClassificationSettings


def calibrated(
    examples: Sequence[ClassificationExample],
    predictions: Sequence[ClassificationPrediction],
    settings: ClassificationSettings,
) -> ClassificationSettings:
    """Settings under which probabilities are honest, and with several labels micro F1 is best."""
    pairs = [
        (example, made)
        for example, made in zip(examples, predictions, strict=True)
        if example.gold is not None
    ]
    if settings.decided == "number" or not pairs:
        return settings
    scores = np.stack([made.scores for _, made in pairs])
    truth = gold_table([example for example, _ in pairs], settings.labels)
    fitted = fit_labels(scores, truth, several=settings.decided == "several")
    return settings.model_copy(update=fitted)


def gold_table(examples: Sequence[ClassificationExample], labels: Sequence[str]) -> NDArray[np.bool_]:
    """Which labels each text has: booleans (n, L); labels that the model does not know have no column."""
    numbers = {name: number for number, name in enumerate(labels)}
    table = np.zeros((len(examples), len(labels)), dtype=bool)
    for row, example in enumerate(examples):
        assert example.gold is not None
        table[row, [numbers[name] for name in label_names(example.gold) if name in numbers]] = True
    return table
