"""Scores of predicted clusters against gold, and of GAP's questions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from spanbert.errors import DataError
from spanbert.scoring.coreference import (
    Clusters,
    Counts,
    conll_f1,
    conll_interval,
    document_counts,
    scores,
    without_singletons,
)
from spanbert.scoring.report import Report
from spanbert.tasks.coreference.decode import CoreferencePrediction
from spanbert.tasks.coreference.examples import CoreferenceExample
from spanbert.tasks.coreference.gap import gap_scores, says

NAME = "coreference"
THRESHOLDS = np.linspace(0.1, 0.9, 17)


def score_clusters(
    examples: Sequence[CoreferenceExample], predictions: Sequence[CoreferencePrediction]
) -> Report:
    """Precision, recall and F1 of each metric, with singletons and without; for GAP's texts its own scores.

    Raises:
        DataError: no document has gold.
    """
    pairs = list(zip(examples, predictions, strict=True))
    clustered = [(example, made) for example, made in pairs if example.clusters is not None]
    asked = [(example, made) for example, made in pairs if example.gap and example.gap.gold]
    if asked and not clustered:
        return _gap_report(asked, len(pairs) - len(asked))
    if not clustered:
        raise DataError('nothing to score: no document of the data has gold clusters (the field "clusters")')
    gold = [_spans(example) for example, _ in clustered]
    found = [predicted_spans(made) for _, made in clustered]
    counts = [document_counts(key, response) for key, response in zip(gold, found, strict=True)]
    linked = [
        document_counts(without_singletons(key), without_singletons(response))
        for key, response in zip(gold, found, strict=True)
    ]
    return Report(
        NAME,
        {
            **_values(counts),
            **{f"{name}_without_singletons": value for name, value in _values(linked).items()},
        },
        "conll_f1",
        {
            "documents": len(clustered),
            "documents_without_gold": len(pairs) - len(clustered),
            "gold_mentions": sum(len(cluster) for key in gold for cluster in key),
            "gold_clusters": sum(map(len, gold)),
            "gold_singletons": sum(len(cluster) == 1 for key in gold for cluster in key),
            "predicted_mentions": sum(len(cluster) for response in found for cluster in response),
            "predicted_clusters": sum(map(len, found)),
            "predicted_singletons": sum(len(cluster) == 1 for response in found for cluster in response),
            "documents_of_several_segments": sum(made.windows > 1 for _, made in clustered),
            "documents_with_text_left_out": sum(
                made.covered_chars < len(example.text) for example, made in clustered
            ),
        },
        _unread(clustered),
        {
            "conll_f1_interval_95": [round(end, 4) for end in conll_interval(counts)],
            "metrics": _table(counts),
            "metrics_without_singletons": _table(linked),
            "documents": {
                str(example.id): {
                    "conll_f1": round(float(conll_f1(one)), 4),
                    "gold_mentions": int(one[0, 1]),
                    "predicted_mentions": int(one[0, 3]),
                }
                for (example, _), one in zip(clustered, counts, strict=True)
            },
        },
    )


def best_mention_threshold(
    examples: Sequence[CoreferenceExample],
    predictions: Sequence[CoreferencePrediction],
    refit: Callable[[CoreferencePrediction, float], CoreferencePrediction],
) -> float:
    """The threshold for singletons that gives the best CoNLL F1; of several the one in their middle.

    Args:
        examples: with gold clusters.
        predictions: of them.
        refit: a prediction under another threshold.
    """
    keys = [_spans(example) for example in examples]
    values = []
    for threshold in THRESHOLDS:
        responses = [predicted_spans(refit(made, float(threshold))) for made in predictions]
        counts = [document_counts(key, response) for key, response in zip(keys, responses, strict=True)]
        values.append(float(conll_f1(np.sum(counts, axis=0))))
    best = np.flatnonzero(np.asarray(values) >= max(values) - 1e-9)
    return float(THRESHOLDS[best[len(best) // 2]])


def predicted_spans(prediction: CoreferencePrediction) -> Clusters:
    """The clusters as characters alone."""
    return [[mention.chars for mention in cluster.mentions] for cluster in prediction.clusters]


def _spans(example: CoreferenceExample) -> Clusters:
    return example.clusters or ()


def _values(counts: Sequence[Counts]) -> dict[str, float]:
    total = np.sum(counts, axis=0)
    values = {"conll_f1": float(conll_f1(total))}
    for name, found in scores(total).items():
        values[f"{name}_f1"] = found.f1
    return {name: round(value, 4) for name, value in values.items()}


def _table(counts: Sequence[Counts]) -> dict[str, dict[str, float]]:
    return {name: found.to_json() for name, found in scores(np.sum(counts, axis=0)).items()}


def _unread(pairs: Sequence[tuple[CoreferenceExample, CoreferencePrediction]]) -> dict[str, int]:
    unread = sum(
        span.end > made.covered_chars
        for example, made in pairs
        for cluster in example.clusters or ()
        for span in cluster
    )
    return {"mentions in text that was not read": unread} if unread else {}


def _gap_report(
    pairs: Sequence[tuple[CoreferenceExample, CoreferencePrediction]], without_gold: int
) -> Report:
    questions = [example.gap for example, _ in pairs if example.gap]
    answers = [
        says(question, [[mention.chars for mention in cluster.mentions] for cluster in made.clusters])
        for question, (_, made) in zip(questions, pairs, strict=True)
    ]
    return Report(
        NAME,
        gap_scores(questions, answers),
        "gap_f1",
        {
            "texts": len(pairs),
            "texts_without_gold": without_gold,
            "masculine": sum(not question.feminine for question in questions),
            "feminine": sum(question.feminine for question in questions),
        },
    )
