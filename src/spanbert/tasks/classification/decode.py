"""Scores of windows to labels: windows pooled, scores calibrated, labels chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from spanbert.scoring.calibration import softmax
from spanbert.scoring.labels import label_chances
from spanbert.tasks.classification.examples import (
    ClassificationExample,
    ClassificationPrediction,
    LabelProbability,
)
from spanbert.tasks.classification.features import ClassificationFeature
from spanbert.tasks.classification.settings import ClassificationSettings


def decode(
    example: ClassificationExample,
    features: Sequence[ClassificationFeature],
    outputs: Sequence[NDArray[np.float32]],
    settings: ClassificationSettings,
) -> ClassificationPrediction:
    """The labels or the number of a text.

    The head is linear, so the mean of the windows' scores is the score of their mean.

    Args:
        example: the text.
        features: all its windows.
        outputs: for each window (L + 1,), scores and the logarithm of the window's weight.
        settings: kind, labels, temperature, threshold.
    """
    table = np.stack(outputs).astype(np.float64)
    scores = softmax(table[:, -1]) @ table[:, :-1]
    found = ClassificationPrediction(
        id=example.id,
        kind=settings.decided,
        labels=(),
        value=None,
        top=(),
        windows=sum(len(feature.windows) for feature in features),
        covered_chars=features[0].covered_chars,
        scores=scores.astype(np.float32),
        probabilities=np.zeros(0),
    )
    return reconsider(found, settings)


def reconsider(
    prediction: ClassificationPrediction, settings: ClassificationSettings
) -> ClassificationPrediction:
    """The same scores with the choice and the probabilities that `settings` make of them."""
    if settings.decided == "number":
        value = float(prediction.scores[0]) * settings.deviation + settings.mean
        return replace(prediction, value=value)
    chances = probabilities(prediction.scores, settings)
    ranked = np.argsort(-chances, kind="stable")
    if settings.decided == "several":
        given = [number for number in ranked if chances[number] > settings.threshold]
    else:
        given = list(ranked[:1])
    return replace(
        prediction,
        labels=tuple(settings.labels[number] for number in given),
        top=tuple(
            LabelProbability(settings.labels[number], float(chances[number]))
            for number in ranked[: settings.top]
        ),
        probabilities=chances,
    )


def probabilities(scores: NDArray[np.float32], settings: ClassificationSettings) -> NDArray[np.float64]:
    """Calibrated chances (..., L) of scores (..., L): of one label among all, or of each by itself."""
    return label_chances(scores, settings.temperature, several=settings.decided == "several")
