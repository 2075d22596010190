"""Scores of parts of the data: items put into named groups, and each group's mean or F1 with its interval."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from spanbert.scoring.analysis import Score, Slice, SliceTable
from spanbert.scoring.confidence import bootstrap_interval
from spanbert.scoring.f1 import f1_interval, prf

FEWEST_FOR_INTERVAL = 10


def ranged(
    values: Sequence[int | None], starts: Sequence[int], one: str, several: str
) -> tuple[list[str | None], list[str]]:
    """Whole numbers put into ranges: "1 word", "2 to 4 words", "5 or more words".

    Args:
        values: the number of each item; None for those it does not concern.
        starts: the least number of each range, rising; the last range has no end.
        one: the unit in the singular.
        several: the unit in the plural.

    Returns:
        The range of each value, and all ranges in order. Values below the first start are in the first range.
    """
    names = []
    for start, following in pairwise(starts):
        single = f"{start} {one if start == 1 else several}"
        names.append(single if following == start + 1 else f"{start:,} to {following - 1:,} {several}")
    names.append(f"{starts[-1]:,} or more {several}")
    return [
        None if value is None else names[max(0, bisect_right(starts, value) - 1)] for value in values
    ], names


def confidence_ranges(probabilities: Sequence[float]) -> tuple[list[str | None], list[str]]:
    """Probabilities put into five ranges of equal width.

    Returns:
        The range of each, and all ranges in order.
    """
    names = [f"{low} to {low + 20}\N{NO-BREAK SPACE}%" for low in range(0, 100, 20)]
    return [names[min(4, int(5 * probability))] for probability in probabilities], names


def mean_score(values: NDArray[np.float64]) -> Score:
    """The mean of shares (in 0 to 1) in percent, with its interval."""
    interval = None
    if len(values) >= FEWEST_FOR_INTERVAL:
        low, high = bootstrap_interval(values)
        interval = (100 * low, 100 * high)
    return Score(100 * float(values.mean()), interval)


def mean_table(
    title: str,
    counted: str,
    group_of: Sequence[str | None],
    order: Sequence[str],
    metrics: Mapping[str, NDArray[np.float64]],
    *,
    note: str = "",
) -> SliceTable:
    """The mean of each metric in each group that has items.

    Args:
        title: the property that the groups are made by.
        counted: what the items are, in the plural.
        group_of: the group of each item; None for items that the property does not concern.
        order: the groups in the order of the table.
        metrics: for each metric the value of each item, a share in 0 to 1.
        note: for the reader.
    """
    groups = np.asarray([name or "" for name in group_of])
    slices = []
    for name in order:
        inside = groups == name
        if inside.any():
            scores = tuple(mean_score(values[inside]) for values in metrics.values())
            slices.append(Slice(name, int(inside.sum()), scores))
    return SliceTable(title, counted, tuple(metrics), tuple(slices), note)


@dataclass(frozen=True, slots=True)
class Judged:
    """A span, relation or link that is gold, predicted, or both and so right.

    Args:
        text: number of the text that it stands in.
        gold: whether it should have been found.
        predicted: whether it was.
    """

    text: int
    gold: bool
    predicted: bool


def f1_table(
    title: str,
    counted: str,
    judged: Sequence[Judged],
    group_of: Sequence[str | None],
    order: Sequence[str],
    *,
    texts: int,
    note: str = "",
) -> SliceTable:
    """Precision, recall and F1 in each group that has items, with intervals over texts drawn anew.

    Args:
        title: the property that the groups are made by.
        counted: what the gold items are, in the plural; the table counts these.
        judged: all items that are gold or predicted, each once.
        group_of: the group of each; None for items that the property does not concern.
        order: the groups in the order of the table.
        texts: how many texts there are.
        note: for the reader.
    """
    counts = {name: np.zeros((3, texts)) for name in order}
    for item, name in zip(judged, group_of, strict=True):
        if name is not None:
            counts[name][:, item.text] += (item.gold and item.predicted, item.predicted, item.gold)
    slices = [
        Slice(name, int(gold.sum()), _f1_scores(right, predicted, gold))
        for name, (right, predicted, gold) in counts.items()
        if predicted.any() or gold.any()
    ]
    return SliceTable(title, counted, ("precision", "recall", "F1"), tuple(slices), note)


def _f1_scores(
    right: NDArray[np.float64], predicted: NDArray[np.float64], gold: NDArray[np.float64]
) -> tuple[Score, ...]:
    values = prf(right.sum(), predicted.sum(), gold.sum())
    # F1 is right / mean(predicted, gold): with one of them in both places it is precision, or recall.
    columns = (
        (values.precision, predicted, predicted),
        (values.recall, gold, gold),
        (values.f1, predicted, gold),
    )
    return tuple(
        Score(
            value if other.any() else None,
            f1_interval(right, one, other) if min(one.sum(), other.sum()) >= FEWEST_FOR_INTERVAL else None,
        )
        for value, one, other in columns
    )
