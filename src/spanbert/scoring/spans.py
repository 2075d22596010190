"""Labelled spans against gold: strict and partial scores, confusions, and what kind of error each is."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Literal

from spanbert.scoring.f1 import Prf, f1_interval, prf

LabelledSpan = tuple[int, int, str]
"""Start, end (half-open) and label; the unit does not matter."""
ErrorKind = Literal["right", "type", "boundary", "type and boundary", "missed", "spurious"]
Pair = tuple[LabelledSpan | None, LabelledSpan | None]
"""A gold span and the predicted one that stands for it; None where there is no other half."""


def error_kind(gold: LabelledSpan | None, predicted: LabelledSpan | None) -> ErrorKind:
    """What is wrong with a pair of `paired`."""
    if gold is None or predicted is None:
        return "spurious" if gold is None else "missed"
    if gold == predicted:
        return "right"
    if gold[:2] == predicted[:2]:
        return "type"
    return "boundary" if gold[2] == predicted[2] else "type and boundary"


def paired(gold: Collection[LabelledSpan], predicted: Collection[LabelledSpan]) -> list[Pair]:
    """Each gold span with at most one predicted span that overlaps it, and the reverse.

    Equal spans come together first, then spans with the same ends, then those that overlap with the same
    label, then those that overlap, each time from left to right.
    """
    return _assigned(gold, predicted, (_equal, _same_ends, _same_label, _any))


def _equal(gold: LabelledSpan, predicted: LabelledSpan) -> bool:
    return gold == predicted


def _same_ends(gold: LabelledSpan, predicted: LabelledSpan) -> bool:
    return gold[:2] == predicted[:2]


def _same_label(gold: LabelledSpan, predicted: LabelledSpan) -> bool:
    return gold[2] == predicted[2]


def _any(gold: LabelledSpan, predicted: LabelledSpan) -> bool:
    return True


def _assigned(
    gold: Collection[LabelledSpan],
    predicted: Collection[LabelledSpan],
    tests: Iterable[Callable[[LabelledSpan, LabelledSpan], bool]],
) -> list[Pair]:
    """Pairs of overlapping spans: all that pass the first test, then of the rest those that pass the next."""
    free_gold, free_predicted = sorted(set(gold)), sorted(set(predicted))
    pairs: list[Pair] = []
    for test in tests:
        longest = max((end - start for start, end, _ in free_gold), default=0)
        starts = [span[0] for span in free_gold]
        taken: set[int] = set()
        left = []
        for span in free_predicted:
            near = range(bisect_left(starts, span[0] - longest), bisect_left(starts, span[1]))
            fit = (
                number
                for number in near
                if number not in taken and free_gold[number][1] > span[0] and test(free_gold[number], span)
            )
            number = next(fit, None)
            if number is None:
                left.append(span)
            else:
                taken.add(number)
                pairs.append((free_gold[number], span))
        free_gold = [span for number, span in enumerate(free_gold) if number not in taken]
        free_predicted = left
    return [*pairs, *((span, None) for span in free_gold), *((None, span) for span in free_predicted)]


class SpanCounts:
    """Counts over texts.

    `strict` asks for equal ends and label, as the CoNLL-2003 script does; `exact` for equal ends; `partial`
    gives half a point for an overlap whatever the label (SemEval-2013 task 9, Segura-Bedmar et al. 2013).
    """

    def __init__(self) -> None:
        self.right: list[int] = []
        self.predicted: list[int] = []
        self.gold: list[int] = []
        self.by_label: dict[str, Counter[str]] = {}
        self.errors: Counter[ErrorKind] = Counter()
        self.confusion: dict[str, Counter[str]] = {}
        self._same_ends = 0
        self._overlaps = 0

    def add(self, gold: Sequence[LabelledSpan], predicted: Sequence[LabelledSpan]) -> None:
        """Count one text."""
        wanted, made = set(gold), set(predicted)
        self.right.append(len(wanted & made))
        self.predicted.append(len(made))
        self.gold.append(len(wanted))
        for name, spans in (("right", wanted & made), ("predicted", made), ("gold", wanted)):
            for span in spans:
                self.by_label.setdefault(span[2], Counter())[name] += 1
        for pair in paired(wanted, made):
            self.errors[error_kind(*pair)] += 1
            of, as_ = pair[0][2] if pair[0] else "spurious", pair[1][2] if pair[1] else "missed"
            self.confusion.setdefault(of, Counter())[as_] += 1
        for one, other in _assigned(wanted, made, (_same_ends, _any)):
            if one is not None and other is not None:
                self._same_ends += one[:2] == other[:2]
                self._overlaps += one[:2] != other[:2]

    @property
    def strict(self) -> Prf:
        """Equal ends and label."""
        return prf(sum(self.right), sum(self.predicted), sum(self.gold))

    @property
    def exact(self) -> Prf:
        """Equal ends, whatever the label."""
        return prf(self._same_ends, sum(self.predicted), sum(self.gold))

    @property
    def partial(self) -> Prf:
        """Equal ends count 1, overlaps one half, whatever the label."""
        return prf(self._same_ends + self._overlaps / 2, sum(self.predicted), sum(self.gold))

    def of_labels(self) -> dict[str, dict[str, Any]]:
        """Strict scores of each label, and how many gold spans it has."""
        return {
            label: {
                **prf(counts["right"], counts["predicted"], counts["gold"]).to_json(),
                "gold": counts["gold"],
            }
            for label, counts in sorted(self.by_label.items())
        }

    def macro_f1(self) -> float:
        """Mean strict F1 of the labels that gold has; 0.0 without gold."""
        values = [scores["f1"] for scores in self.of_labels().values() if scores["gold"]]
        return sum(values) / len(values) if values else 0.0

    def f1_interval(self) -> tuple[float, float]:
        """95 % bootstrap interval of strict F1 over texts."""
        return f1_interval(self.right, self.predicted, self.gold)
