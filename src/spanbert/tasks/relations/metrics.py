"""Scores of relations: micro F1 without the negative class, and macro F1 as SemEval-2010 task 8 defines it.

Where labels say the direction, as `Cause-Effect(e1,e2)` and `Cause-Effect(e2,e1)`, the macro F1 is the
official score of that task (Hendrickx et al. 2010): the mean over relation names, without direction and
without `Other`, of F1 in which a prediction is right only with its direction. The right name in the wrong
direction so counts against both precision and recall of its name. Names without gold are not in the mean.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spanbert.errors import DataError
from spanbert.scoring.calibration import expected_calibration_error
from spanbert.scoring.f1 import RESAMPLES, f1_interval, prf
from spanbert.scoring.report import Report
from spanbert.tasks.relations.decode import scored_pairs
from spanbert.tasks.relations.examples import RelationExample, RelationPrediction
from spanbert.tasks.relations.labels import NEGATIVE_NAMES, positives
from spanbert.tasks.relations.markers import ROLES, argument_of
from spanbert.tasks.relations.settings import RelationSettings

DIRECTION = re.compile(r"\((e1,e2|e2,e1)\)$")
"""At the end of a label: which entity of the pair is the relation's subject, and which its object."""

Names = frozenset[str]
Outcome = tuple[Names, Names]
"""Gold and predicted relations of one pair, the negative class left out."""


def score(
    examples: Sequence[RelationExample], predictions: Sequence[RelationPrediction], settings: RelationSettings
) -> Report:
    """Precision, recall and F1 in percent, with intervals, by relation, and what was taken for what.

    Lost gold: relations of names that the model was not trained for. They count as missed.

    Raises:
        DataError: no pair has gold.
    """
    pairs = scored_pairs(examples, predictions, settings)
    if not pairs:
        raise DataError('nothing to score: no pair of the data has gold (the field "relation")')
    outcomes = [(positives(example.relations, settings), made.names) for example, made in pairs]
    right = [len(gold & found) for gold, found in outcomes]
    predicted, wanted = ([len(outcome[side]) for outcome in outcomes] for side in (1, 0))
    micro = prf(sum(right), sum(predicted), sum(wanted))
    directed = says_direction(settings)
    table = RelationTable(outcomes, ignore_direction=directed)
    confidence, confirmed = _confidences(pairs, outcomes, settings)
    values = {
        "micro_precision": round(micro.precision, 4),
        "micro_recall": round(micro.recall, 4),
        "micro_f1": round(micro.f1, 4),
        "macro_f1": round(table.macro_f1(), 4),
        "accuracy": round(100 * float(np.mean([gold == found for gold, found in outcomes])), 4),
        "calibration_error": round(expected_calibration_error(confidence, confirmed), 4),
    }
    counts = {
        "pairs": len(pairs),
        "examples_without_gold": sum(example.relations is None for example in examples),
        "gold_relations": sum(wanted),
        "predicted_relations": sum(predicted),
        "pairs_with_text_left_out": sum(made.covered_chars < len(example.text) for example, made in pairs),
        "pairs_with_an_unknown_type": sum(_has_unknown_type(example, settings) for example, _ in pairs),
    }
    unknown = Counter(name for gold, _ in outcomes for name in gold if name not in settings.labels)
    details: dict[str, Any] = {
        "micro_f1_interval_95": [round(end, 4) for end in f1_interval(right, predicted, wanted)],
        "macro_f1_interval_95": [round(end, 4) for end in table.macro_f1_interval()],
        "relations": table.to_json(),
        "confusion": confusion(outcomes, settings.negative or NEGATIVE_NAMES[0]),
    }
    if directed:
        details["relations_with_direction"] = RelationTable(outcomes, ignore_direction=False).to_json()
        details["macro_f1_rule"] = "SemEval-2010 task 8: (9+1)-way, directionality taken into account"
    return Report(
        "relations",
        values,
        "macro_f1" if directed else "micro_f1",
        counts,
        {f"relations that the model does not know: {name}": count for name, count in sorted(unknown.items())},
        details,
    )


def says_direction(settings: RelationSettings) -> bool:
    """Whether every label but the negative one ends in `(e1,e2)` or `(e2,e1)`."""
    labels = set(settings.labels) - {settings.negative}
    return bool(labels) and all(map(DIRECTION.search, labels))


class RelationTable:
    """Right, predicted and gold relations by name.

    Args:
        outcomes: of all pairs.
        ignore_direction: whether the two directions of a relation share a name; a prediction is right only
            with its direction in any case.
    """

    def __init__(self, outcomes: Sequence[Outcome], *, ignore_direction: bool) -> None:
        def name_of(label: str) -> str:
            return DIRECTION.sub("", label) if ignore_direction else label

        distinct = Counter(outcomes)
        self.names = sorted({name_of(label) for gold, found in distinct for label in gold | found})
        self._copies = np.asarray(list(distinct.values()))
        numbers = {name: number for number, name in enumerate(self.names)}
        # For each distinct outcome and name: right, predicted, gold.
        self._table = np.zeros((len(distinct), len(self.names), 3))
        for row, (gold, found) in enumerate(distinct):
            for column, labels in enumerate((gold & found, found, gold)):
                for label in labels:
                    self._table[row, numbers[name_of(label)], column] += 1

    def macro_f1(self) -> float:
        """Mean F1 in percent over the names that have gold; 0.0 where none has."""
        return float(_macro_f1(self._sums(self._copies[None]))[0])

    def macro_f1_interval(self, *, level: float = 0.95, seed: int = 0) -> tuple[float, float]:
        """Percentile interval of the macro F1 when the pairs are drawn anew with replacement."""
        rng = np.random.default_rng(seed)
        total = self._copies.sum()
        drawn = rng.multinomial(total, self._copies / total, size=RESAMPLES)
        low, high = np.quantile(_macro_f1(self._sums(drawn)), [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)

    def to_json(self) -> dict[str, dict[str, float]]:
        """For each name precision, recall, F1 and the counts behind them."""
        sums = self._sums(self._copies[None])[0]
        return {
            name: {**prf(*row).to_json(), "right": int(row[0]), "predicted": int(row[1]), "gold": int(row[2])}
            for name, row in zip(self.names, sums, strict=True)
        }

    def _sums(self, copies: NDArray[np.int64]) -> NDArray[np.float64]:
        """Counts (R, names, 3) for R ways (R, distinct outcomes) of how often each outcome is there."""
        return np.asarray(np.tensordot(copies, self._table, axes=1))


def _macro_f1(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Percent (R,) of counts (R, names, 3)."""
    right, predicted, gold = np.moveaxis(sums, -1, 0)
    there = gold > 0
    f1 = np.divide(200 * right, predicted + gold, out=np.zeros_like(right), where=there)
    return np.asarray(f1.sum(axis=1) / np.maximum(there.sum(axis=1), 1))


def confusion(outcomes: Sequence[Outcome], none: str) -> dict[str, dict[str, int]]:
    """How often each gold relation was predicted as each other.

    Where a pair has several relations, those both missed and falsely given are matched in alphabetical order;
    what is left over stands against `none`.
    """
    table: dict[str, Counter[str]] = {}
    for gold, found in outcomes:
        cells = [(name, name) for name in gold & found]
        cells += zip_longest(sorted(gold - found), sorted(found - gold), fillvalue=none)
        for right, given in cells or [(none, none)]:
            table.setdefault(right, Counter())[given] += 1
    return {right: dict(sorted(row.items())) for right, row in sorted(table.items())}


def _confidences(
    pairs: Sequence[tuple[RelationExample, RelationPrediction]],
    outcomes: Sequence[Outcome],
    settings: RelationSettings,
) -> tuple[list[float], list[bool]]:
    """Probability of each choice and whether it is right: of the one label, or of each relation given."""
    confidence: list[float] = []
    right: list[bool] = []
    for (_, made), (gold, _) in zip(pairs, outcomes, strict=True):
        for choice in made.relations if settings.decided == "several" else made.top[:1]:
            confidence.append(choice.probability)
            right.append(choice.relation in (gold or {settings.negative}))
    return confidence, right


def _has_unknown_type(example: RelationExample, settings: RelationSettings) -> bool:
    types = (argument_of(example, role).type for role in range(len(ROLES)))
    return any(
        kind is not None and f"[{name}-{kind}]" not in settings.markers
        for name, kind in zip(ROLES, types, strict=True)
    )
