"""What an error analysis holds: scores of parts of the data, errors by kind and in context, doubtful gold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from spanbert.text.spans import Span

Side = Literal["gold", "model", "subject", "object"]


@dataclass(frozen=True, slots=True)
class Score:
    """A value in percent and its 95 % bootstrap interval, None where there is too little to draw from.

    The value is None where nothing could be scored, as precision without predictions and F1 without gold.
    """

    value: float | None
    interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the data.

    Args:
        name: what its items have in common.
        count: how many there are.
        scores: one for each metric of the table.
    """

    name: str
    count: int
    scores: tuple[Score, ...]


@dataclass(frozen=True, slots=True)
class SliceTable:
    """The scores of parts of the data, made by one property.

    Args:
        title: the property.
        counted: what the items are, in the plural.
        metrics: names of the scores of each slice.
        slices: in an order that means something.
        note: what a reader must know to read it right.
    """

    title: str
    counted: str
    metrics: tuple[str, ...]
    slices: tuple[Slice, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """A kind of error, what it means in a sentence, and how many there are."""

    name: str
    meaning: str
    count: int


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of a text that is gold or that the model gave, or one of two that the task asks about."""

    chars: Span
    side: Side
    label: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One error in its text.

    Args:
        id: of the example.
        kind: name of the error's kind.
        confidence: the probability that the model gave to what it said; None where it gives none.
        text: the whole text; who shows it cuts it down to the surroundings of the marks.
        marks: where gold and prediction, or what was asked about, stand in it.
        gold: what is right, in short.
        predicted: what the model said, in short.
        question: what was asked of the text, if anything was.
        note: what else helps to understand the error.
    """

    id: str | int
    kind: str
    confidence: float | None
    text: str
    marks: tuple[Mark, ...]
    gold: str
    predicted: str
    question: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Suspects:
    """Errors behind which a wrong label may stand, most suspicious first, and how they were chosen."""

    cases: tuple[Case, ...]
    chosen: str


@dataclass(frozen=True, slots=True)
class Analysis:
    """Where a model's errors are.

    Args:
        task: name of the task.
        counted: what was judged one by one, in the plural.
        judged: how many of these.
        tables: scores of the whole data and of its parts.
        kinds: every kind of error that can occur, the most frequent first.
        errors: all errors, most confident first.
        suspects: those that may be the label's fault.
    """

    task: str
    counted: str
    judged: int
    tables: tuple[SliceTable, ...]
    kinds: tuple[ErrorKind, ...]
    errors: tuple[Case, ...]
    suspects: Suspects


def most_confident_first(cases: Sequence[Case]) -> tuple[Case, ...]:
    """Cases by falling confidence, those without one last, equals in the order given."""
    return tuple(
        sorted(cases, key=lambda case: -1.0 if case.confidence is None else case.confidence, reverse=True)
    )


def counted_kinds(meanings: Mapping[str, str], cases: Sequence[Case]) -> tuple[ErrorKind, ...]:
    """How often each kind of error occurs, the most frequent first, equals in the order given.

    Args:
        meanings: a sentence for each kind.
        cases: the errors.
    """
    counts = Counter(case.kind for case in cases)
    kinds = (ErrorKind(name, meaning, counts[name]) for name, meaning in meanings.items())
    return tuple(sorted(kinds, key=lambda kind: -kind.count))


def suspects(errors: Sequence[Case], usual: Mapping[str, Sequence[float]]) -> Suspects:
    """The errors of which the model is at least as sure as it usually is when it is right.

    A model often contradicts a wrong label with confidence. Confident learning (Northcutt et al. 2021), from
    which the idea is, compares with the mean confidence in a class.

    Args:
        errors: most confident first.
        usual: for each kind of error that a wrong label can explain, the confidence of right decisions of
            that sort; kinds without any are left out.
    """
    median = {kind: float(np.median(values)) for kind, values in usual.items() if len(values)}
    if not median:
        return Suspects(
            (), "None can be named, since the model got nothing right to compare its confidence with."
        )
    chosen = tuple(
        case
        for case in errors
        if case.confidence is not None and case.kind in median and case.confidence >= median[case.kind]
    )
    bounds = ", ".join(f"{kind}: {100 * value:.1f} %" for kind, value in median.items())
    return Suspects(
        chosen,
        "Chosen are errors in which the model was at least as sure of itself as in half of its right "
        f"decisions of that sort ({bounds}); the surest stand first.",
    )
