"""Scores of a pair to its relations, and the temperature and threshold that make them honest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from spanbert.scoring.labels import fit_labels, label_chances
from spanbert.tasks.relations.examples import RelationExample, RelationPrediction, RelationProbability
from spanbert.tasks.relations.labels import merged, pair_of, positives
from spanbert.tasks.relations.settings import RelationSettings


def decode(
    example: RelationExample,
    covered_chars: int,
    scores: NDArray[np.float32],
    settings: RelationSettings,
) -> RelationPrediction:
    """The relations of a pair.

    Args:
        example: the pair.
        covered_chars: characters of its text that were read.
        scores: of each label (L,).
        settings: labels, temperature, threshold.
    """
    plain = replace(example, relations=None)
    return reconsider(RelationPrediction(plain, (), 0.0, (), covered_chars, scores), settings)


def reconsider(prediction: RelationPrediction, settings: RelationSettings) -> RelationPrediction:
    """The same scores with the choice and the probabilities that `settings` make of them."""
    chances = probabilities(prediction.scores, settings)
    ranked = [
        RelationProbability(settings.labels[number], float(chances[number]))
        for number in np.argsort(-chances, kind="stable")
    ]
    if settings.decided == "several":
        given = [found for found in ranked if found.probability > settings.threshold]
        none = float(np.prod(1 - chances))
    else:
        given = [found for found in ranked[:1] if found.relation != settings.negative]
        none = sum(found.probability for found in ranked if found.relation == settings.negative)
    return replace(
        prediction,
        relations=tuple(given),
        no_relation_probability=none,
        top=tuple(ranked[: settings.top]),
    )


def probabilities(scores: NDArray[np.float32], settings: RelationSettings) -> NDArray[np.float64]:
    """Calibrated chances (..., L) of scores (..., L): of one label among all, or of each by itself."""
    return label_chances(scores, settings.temperature, several=settings.decided == "several")


def calibrated(
    examples: Sequence[RelationExample],
    predictions: Sequence[RelationPrediction],
    settings: RelationSettings,
) -> RelationSettings:
    """Settings under which probabilities are honest, and with several relations micro F1 is best."""
    pairs = scored_pairs(examples, predictions, settings)
    if not pairs:
        return settings
    numbers = {name: number for number, name in enumerate(settings.labels)}
    scores = np.stack([made.scores for _, made in pairs])
    truth = np.zeros(scores.shape, dtype=bool)
    for row, (example, _) in enumerate(pairs):
        held = positives(example.relations, settings)
        if settings.decided == "one" and not held and settings.negative in numbers:
            held = frozenset({settings.negative})
        truth[row, [numbers[name] for name in held if name in numbers]] = True
    return settings.model_copy(update=fit_labels(scores, truth, several=settings.decided == "several"))


def scored_pairs(
    examples: Sequence[RelationExample],
    predictions: Sequence[RelationPrediction],
    settings: RelationSettings,
) -> list[tuple[RelationExample, RelationPrediction]]:
    """Examples with gold and their predictions; where pairs have several relations, each pair once."""
    both = [
        (example, made)
        for example, made in zip(examples, predictions, strict=True)
        if example.relations is not None
    ]
    if settings.decided == "one":
        return both
    first = {pair_of(example): made for example, made in reversed(both)}
    together = merged([example for example, _ in both])
    return [(example, first[pair]) for pair, example in together.items()]
