"""Pearson's and Spearman's correlation of predicted with given scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spanbert.errors import DataError
from spanbert.scoring.correlation import pearson, pearson_interval, spearman, spearman_interval
from spanbert.scoring.report import Report
from spanbert.tasks.similarity.examples import SimilarityExample, SimilarityPrediction, unread_columns
from spanbert.text.fields import shown


def score_pairs(examples: Sequence[SimilarityExample], predictions: Sequence[SimilarityPrediction]) -> Report:
    """Both correlations times 100, with 95 % bootstrap intervals in `details`; Spearman's is primary.

    Raises:
        DataError: as `check_gold`.
    """
    check_gold(examples)
    pairs = [
        (example, made)
        for example, made in zip(examples, predictions, strict=True)
        if example.score is not None
    ]
    gold = np.asarray([example.score for example, _ in pairs], dtype=np.float64)
    made = np.asarray([prediction.similarity for _, prediction in pairs], dtype=np.float64)
    values = {
        "spearman": round(100 * spearman(made, gold), 4),
        "pearson": round(100 * pearson(made, gold), 4),
    }
    details = {
        "spearman_interval_95": [round(100 * end, 4) for end in spearman_interval(made, gold)],
        "pearson_interval_95": [round(100 * end, 4) for end in pearson_interval(made, gold)],
    }
    unread = sum(
        prediction.covered_chars < len(example.text1) + len(example.text2) for example, prediction in pairs
    )
    counts = {
        "pairs": len(pairs),
        "pairs_without_score": len(examples) - len(pairs),
        "pairs_of_several_windows": sum(prediction.windows > 2 for _, prediction in pairs),
    }
    lost = {"pairs not read to the end": unread} if unread else {}
    return Report("similarity", values, "spearman", counts, lost, details)


def check_gold(examples: Sequence[SimilarityExample]) -> None:
    """Raises DataError where fewer than two pairs have a score."""
    scored = sum(example.score is not None for example in examples)
    if scored < 2:
        unread = unread_columns(examples)
        hint = f"; is it in one of {shown(unread)}? score_column names it" if unread else ""
        raise DataError(
            f"nothing to score: {scored} of {len(examples)} pairs have a score, at least two are needed{hint}"
        )
