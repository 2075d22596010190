"""Scores of classification: accuracy, F1, calibration, confusion; for numbers correlations and errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spanbert.errors import DataError
from spanbert.scoring.calibration import expected_calibration_error
from spanbert.scoring.confidence import bootstrap_interval
from spanbert.scoring.correlation import pearson, pearson_interval, spearman
from spanbert.scoring.f1 import f1_interval, prf
from spanbert.scoring.report import Report
from spanbert.tasks.classification.calibrate import gold_table
from spanbert.tasks.classification.examples import (
    ClassificationExample,
    ClassificationPrediction,
    as_number,
)
from spanbert.tasks.classification.labels import check_pair, label_names
from spanbert.tasks.classification.settings import ClassificationSettings
from spanbert.text.fields import shown

TASK = "classification"
ERRORS_SHOWN = 20
UNKNOWN = "texts with a label that the model does not know, counted as wrong"

Pairs = Sequence[tuple[ClassificationExample, ClassificationPrediction]]
Floats = NDArray[np.float64]


def score(
    examples: Sequence[ClassificationExample],
    predictions: Sequence[ClassificationPrediction],
    settings: ClassificationSettings,
) -> Report:
    """Metrics of the texts that have gold. Raises DataError as `check_gold`."""
    check_gold(examples, settings)
    pairs = [
        (example, made)
        for example, made in zip(examples, predictions, strict=True)
        if example.gold is not None
    ]
    counts = {
        "texts": len(pairs),
        "texts_without_label": len(examples) - len(pairs),
        "texts_of_several_windows": sum(made.windows > 1 for _, made in pairs),
        "texts_with_text_left_out": sum(
            made.covered_chars < len(example.text) + len(example.pair or "") for example, made in pairs
        ),
    }
    if settings.decided == "number":
        return _of_numbers(pairs, counts, settings)
    golds = [_names(example, settings) for example, _ in pairs]
    unknown = sum(not set(settings.labels).issuperset(gold) for gold in golds)
    report = (
        _of_one(pairs, golds, settings) if settings.decided == "one" else _of_several(pairs, golds, settings)
    )
    return Report(TASK, *report[:2], counts, {UNKNOWN: unknown} if unknown else {}, report[2])


def check_gold(examples: Sequence[ClassificationExample], settings: ClassificationSettings) -> None:
    """Whether texts can be scored.

    Raises:
        DataError: no text has gold, one has gold of another kind than the model gives, none has a label that
            the model knows, or pairs stand where the model reads single texts (or the other way round).
    """
    gold = [example for example in examples if example.gold is not None]
    if not gold:
        raise DataError('nothing to score: no text of the data has a label (the column "label")')
    for example in examples:
        check_pair(example, settings)
    if settings.decided == "number":
        for example in gold:
            _number(example)
        return
    found = {name for example in gold for name in _names(example, settings)}
    if found and found.isdisjoint(settings.labels):
        raise DataError(
            f"the data has the labels {shown(sorted(found))}, "
            f"the model knows {shown(list(settings.labels))}; is label_column the right one?"
        )


def _number(example: ClassificationExample) -> float:
    number = as_number(example.gold)
    if number is None:
        raise DataError(f"text {example.id!r} has the label {shown(example.gold)}; the model gives numbers")
    return number


def _names(example: ClassificationExample, settings: ClassificationSettings) -> tuple[str, ...]:
    assert example.gold is not None
    names = label_names(example.gold)
    if settings.decided == "one" and len(names) != 1:
        raise DataError(
            f"text {example.id!r} has {len(names)} labels; the model was trained to give exactly one"
        )
    return names


Scored = tuple[dict[str, float], str, dict[str, Any]]
"""Values, the name of the primary one, details."""


def _of_one(pairs: Pairs, golds: Sequence[tuple[str, ...]], settings: ClassificationSettings) -> Scored:
    right = np.array([made.labels == gold for (_, made), gold in zip(pairs, golds, strict=True)])
    per_label = _per_label(pairs, golds, settings)
    chances = [made.top[0].probability for _, made in pairs]
    numbers = {name: number for number, name in enumerate(settings.labels)}
    of_gold = np.array(
        [
            made.probabilities[numbers[gold[0]]] if gold[0] in numbers else 0.0
            for (_, made), gold in zip(pairs, golds, strict=True)
        ]
    )
    values = {
        "accuracy": _percent(right),
        "macro_f1": _macro_f1(per_label),
        "micro_f1": _percent(right),
        "calibration_error": round(expected_calibration_error(chances, list(right)), 4),
        "loss": _log_loss(of_gold),
    }
    details = {
        "accuracy_interval_95": _percents(bootstrap_interval(right.astype(np.float64))),
        "per_label": per_label,
        "confusion": _confusion(pairs, golds, settings.labels),
        "most_confident_errors": _errors(pairs, golds, chances),
    }
    return values, "accuracy", details


def _of_several(pairs: Pairs, golds: Sequence[tuple[str, ...]], settings: ClassificationSettings) -> Scored:
    given = [set(made.labels) for _, made in pairs]
    hits = [len(labels.intersection(gold)) for labels, gold in zip(given, golds, strict=True)]
    counted = hits, list(map(len, given)), list(map(len, golds))
    micro = prf(*map(sum, counted))
    per_label = _per_label(pairs, golds, settings)
    exact = np.array([labels == set(gold) for labels, gold in zip(given, golds, strict=True)])
    chances = np.stack([made.probabilities for _, made in pairs])
    truth = gold_table([example for example, _ in pairs], settings.labels)
    of_truth = np.where(truth, chances, 1 - chances)
    values = {
        "micro_f1": round(micro.f1, 4),
        "macro_f1": _macro_f1(per_label),
        "precision": round(micro.precision, 4),
        "recall": round(micro.recall, 4),
        "accuracy": _percent(exact),
        "calibration_error": round(expected_calibration_error(list(chances.ravel()), list(truth.ravel())), 4),
        "loss": _log_loss(of_truth),
    }
    wrong = [float(max(1 - row.min(), 0.5)) for row in of_truth]
    details = {
        "micro_f1_interval_95": [round(end, 4) for end in f1_interval(*counted)],
        "accuracy_interval_95": _percents(bootstrap_interval(exact.astype(np.float64))),
        "per_label": per_label,
        "most_confident_errors": _errors(pairs, golds, wrong),
    }
    return values, "micro_f1", details


def _of_numbers(pairs: Pairs, counts: dict[str, int], settings: ClassificationSettings) -> Report:
    gold = np.array([_number(example) for example, _ in pairs])
    made = np.array([prediction.value for _, prediction in pairs], dtype=np.float64)
    errors = np.abs(made - gold)
    values = {
        "pearson": round(100 * pearson(made, gold), 4),
        "spearman": round(100 * spearman(made, gold), 4),
        "mean_absolute_error": round(float(errors.mean()), 6),
        "loss": round(float((errors**2).mean()) / settings.deviation**2, 6),
    }
    worst = [
        _told(*pairs[row]) | {"gold": gold[row], "predicted": round(made[row], 6)}
        for row in np.argsort(-errors, kind="stable")[:ERRORS_SHOWN]
    ]
    details = {
        "pearson_interval_95": _percents(pearson_interval(made, gold)),
        "mean_absolute_error_interval_95": [round(end, 6) for end in bootstrap_interval(errors)],
        "largest_errors": worst,
    }
    return Report(TASK, values, "pearson", counts, {}, details)


def _per_label(
    pairs: Pairs, golds: Sequence[tuple[str, ...]], settings: ClassificationSettings
) -> dict[str, dict[str, float]]:
    """Precision, recall, F1, gold and predicted texts of each label, unknown ones of the data included."""
    unknown = {name for gold in golds for name in gold}.difference(settings.labels)
    counts = {name: [0, 0, 0] for name in (*settings.labels, *sorted(unknown))}
    for (_, made), gold in zip(pairs, golds, strict=True):
        for name in made.labels:
            counts[name][0] += name in gold
            counts[name][1] += 1
        for name in gold:
            counts[name][2] += 1
    return {
        name: {**prf(right, predicted, total).to_json(), "gold": total, "predicted": predicted}
        for name, (right, predicted, total) in counts.items()
    }


def _macro_f1(per_label: dict[str, dict[str, float]]) -> float:
    """Mean F1 of the labels that the data has or the model gave."""
    seen = [row["f1"] for row in per_label.values() if row["gold"] or row["predicted"]]
    return round(float(np.mean(seen)), 4) if seen else 0.0


def _confusion(pairs: Pairs, golds: Sequence[tuple[str, ...]], labels: Sequence[str]) -> dict[str, Any]:
    """How often each gold label (rows) was predicted as each label (columns)."""
    names = [*labels, *sorted({gold[0] for gold in golds}.difference(labels))]
    numbers = {name: number for number, name in enumerate(names)}
    table = np.zeros((len(names), len(names)), dtype=np.int64)
    for (_, made), gold in zip(pairs, golds, strict=True):
        table[numbers[gold[0]], numbers[made.labels[0]]] += 1
    return {"labels": names, "counts": table.tolist()}


def _errors(
    pairs: Pairs, golds: Sequence[tuple[str, ...]], confidence: Sequence[float]
) -> list[dict[str, Any]]:
    wrong = [row for row, (_, made) in enumerate(pairs) if set(made.labels) != set(golds[row])]
    return [
        _told(*pairs[row])
        | {
            "gold": list(golds[row]),
            "predicted": list(pairs[row][1].labels),
            "probability": round(confidence[row], 6),
        }
        for row in sorted(wrong, key=lambda row: -confidence[row])[:ERRORS_SHOWN]
    ]


def _told(example: ClassificationExample, made: ClassificationPrediction) -> dict[str, Any]:
    both = example.text if example.pair is None else f"{example.text} | {example.pair}"
    return {"id": made.id, "text": both if len(both) <= 160 else f"{both[:157]}..."}


def _log_loss(chances: Floats) -> float:
    """Mean of minus the logarithm of the probability of what is right, in nats."""
    return round(float(-np.log(np.clip(chances, 1e-12, 1)).mean()), 6)


def _percent(values: NDArray[np.bool_]) -> float:
    return round(100 * float(values.mean()), 4)


def _percents(ends: tuple[float, float]) -> list[float]:
    return [round(100 * end, 4) for end in ends]
