"""Vectors or scores of all windows to the similarity of two texts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from spanbert.tasks.long_text import covered_chars, mean_over_windows
from spanbert.tasks.similarity.examples import SimilarityExample, SimilarityPrediction
from spanbert.tasks.similarity.features import SimilarityFeature
from spanbert.tasks.similarity.settings import SimilaritySettings


def decode(
    example: SimilarityExample,
    features: Sequence[SimilarityFeature],
    outputs: Sequence[NDArray[np.float32]],
    settings: SimilaritySettings,
) -> SimilarityPrediction:
    """The similarity of a pair on the data's scale.

    Windows count in proportion to the pieces they own: their vectors before the cosine is taken, or their
    scores.

    Args:
        example: the pair.
        features: all windows.
        outputs: for each feature its vectors (sequences, D), or its score (1, 1).
        settings: mode and scale.
    """
    read = [[part for feature in features for part in feature.parts if part.side == side] for side in (0, 1)]
    if settings.mode == "cross":
        owned = [sum(len(part.window.owned) for part in feature.parts) for feature in features]
        scores = [float(output[0, 0]) for output in outputs]
        value = float(np.average(scores, weights=owned)) if len(scores) > 1 else scores[0]
    else:
        found: tuple[list[NDArray[np.float32]], ...] = ([], [])
        for feature, output in zip(features, outputs, strict=True):
            for part, vector in zip(feature.parts, output, strict=True):
                found[part.side].append(vector)
        value = cosine(
            *(
                mean_over_windows(vectors, [part.window for part in parts])
                for vectors, parts in zip(found, read, strict=True)
            )
        )
    low, high = settings.scale
    return SimilarityPrediction(
        example.id,
        low + value * (high - low),
        windows=sum(len({part.window for part in parts}) for parts in read),
        covered_chars=sum(
            covered_chars(text, parts[0].pieces, [part.window for part in parts])
            for text, parts in zip((example.text1, example.text2), read, strict=True)
        ),
    )


def cosine(left: NDArray[np.float32], right: NDArray[np.float32]) -> float:
    """Cosine of two vectors (D,), computed in float64; 0.0 where one is zero."""
    a, b = left.astype(np.float64), right.astype(np.float64)
    lengths = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / lengths if lengths else 0.0
