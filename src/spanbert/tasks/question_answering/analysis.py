"""Where the errors of question answering are: by kind, by length, by what training has seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spanbert.scoring.analysis import (
    Analysis,
    Case,
    Mark,
    SliceTable,
    counted_kinds,
    most_confident_first,
    suspects,
)
from spanbert.scoring.slices import confidence_ranges, mean_table, ranged
from spanbert.tasks.question_answering.examples import QaExample, QaPrediction
from spanbert.tasks.question_answering.metrics import Scorer, scorer_for

UNANSWERABLE = "answered the unanswerable"
WITHHELD = "withheld"
UNREAD = "not read"
TOO_LONG = "too long"
TOO_SHORT = "too short"
SHIFTED = "shifted"
ELSEWHERE = "elsewhere"
KINDS = {
    ELSEWHERE: "The answer given shares no character with a right one.",
    TOO_LONG: "The answer given contains a right one and more.",
    TOO_SHORT: "The answer given is a part of a right one.",
    SHIFTED: "The answer given overlaps a right one, and both go on where the other does not.",
    UNANSWERABLE: "An answer was given where the passage has none.",
    WITHHELD: "No answer was given, though the passage has one.",
    UNREAD: "Every right answer stands behind what was read of the passage.",
}
"""Errors by kind, each with its meaning."""

ANSWER_WORDS = (1, 2, 3, 5, 9)
PASSAGE_CHARS = (0, 500, 1000, 2000, 4000)
TRAINING_COUNTS = (0, 1, 2, 5)
MOST_GOLD_SHOWN = 4


def analyse(
    examples: Sequence[QaExample],
    predictions: Sequence[QaPrediction],
    training: Iterable[QaExample] | None = None,
) -> Analysis:
    """Scores of parts of the data and all errors; questions without gold are left out.

    An error is a question without an exact match by the scorer of the data.

    Args:
        examples: at least one with gold.
        predictions: one for each.
        training: what the model was trained on, if it can be had.
    """
    judged = [
        _Judged(example, made)
        for example, made in zip(examples, predictions, strict=True)
        if example.answers is not None
    ]
    scorer = scorer_for([one.example for one in judged])
    metrics = {
        "exact match": np.array([scorer.exact_match(one.made.text, one.example) for one in judged]),
        "F1": np.array([scorer.f1(one.made.text, one.example) for one in judged]),
    }
    right = metrics["exact match"] > 0
    errors = most_confident_first(
        [_case(one, scorer) for one, is_right in zip(judged, right, strict=True) if not is_right]
    )
    given, withheld = (
        [
            one.confidence
            for one, is_right in zip(judged, right, strict=True)
            if is_right and (one.made.answer is not None) is answered
        ]
        for answered in (True, False)
    )
    return Analysis(
        task="question-answering",
        counted="questions",
        judged=len(judged),
        tables=tuple(_tables(judged, scorer, metrics, training)),
        kinds=counted_kinds(KINDS, errors),
        errors=errors,
        suspects=suspects(errors, {ELSEWHERE: given, UNANSWERABLE: given, WITHHELD: withheld}),
    )


@dataclass(frozen=True, slots=True)
class _Judged:
    """A question with gold, and what the model said to it."""

    example: QaExample
    made: QaPrediction

    @property
    def confidence(self) -> float:
        return self.made.answer.probability if self.made.answer else self.made.no_answer_probability

    def gold_texts(self) -> list[str]:
        return list(dict.fromkeys(answer.text for answer in self.example.answers or ()))


def _tables(
    judged: Sequence[_Judged],
    scorer: Scorer,
    metrics: Mapping[str, NDArray[np.float64]],
    training: Iterable[QaExample] | None,
) -> Iterable[SliceTable]:
    def table(title: str, group_of: Sequence[str | None], order: Sequence[str], note: str = "") -> SliceTable:
        return mean_table(title, "questions", group_of, order, metrics, note=note)

    answerable = [bool(one.example.answers) for one in judged]
    whole = table("All questions", ["all"] * len(judged), ["all"])
    if any(answerable) and not all(answerable):
        names = ["with an answer", "without an answer"]
        parts = table("", [names[0] if has else names[1] for has in answerable], names)
        whole = replace(whole, slices=(*whole.slices, *parts.slices))
    yield whole

    lengths = [len(scorer.words(one.gold_texts()[0])) if one.gold_texts() else None for one in judged]
    yield table(
        "By length of the answer",
        *ranged(lengths, ANSWER_WORDS, "word", "words"),
        "Words of the first right answer as the scorer counts; without an answer a question is left out.",
    )
    passages = [len(one.example.passage) for one in judged]
    yield table("By length of the passage", *ranged(passages, PASSAGE_CHARS, "character", "characters"))
    if training is not None:
        yield table(
            "By how often training had the answer",
            *ranged(
                _seen(judged, scorer, training), TRAINING_COUNTS, "training question", "training questions"
            ),
            "How many training questions have the same answer, of several right ones the most frequent; "
            "without an answer a question is left out.",
        )
    yield table(
        "By the model's confidence",
        *confidence_ranges([one.confidence for one in judged]),
        "The probability that the model gave to its answer, or to there being none. Where it means what it "
        "says, exact match lies within the range.",
    )


def _seen(judged: Sequence[_Judged], scorer: Scorer, training: Iterable[QaExample]) -> list[int | None]:
    """How many training questions have a right answer of each question; None without an answer."""
    counts = Counter(
        answer
        for example in training
        for answer in {_key(gold.text, scorer) for gold in example.answers or ()}
    )
    return [max((counts[_key(text, scorer)] for text in one.gold_texts()), default=None) for one in judged]


def _key(text: str, scorer: Scorer) -> str:
    """What answers that the scorer takes for the same have in common."""
    return " ".join(scorer.words(text))


def _case(one: _Judged, scorer: Scorer) -> Case:
    example, answer = one.example, one.made.answer
    golds = list(dict.fromkeys(gold.chars for gold in example.answers or ()))
    marks = [Mark(chars, "gold") for chars in golds[:MOST_GOLD_SHOWN]]
    note = ""
    place = next(
        (
            number
            for number, candidate in enumerate(one.made.candidates)
            if golds and scorer.exact_match(candidate.text, example) > 0
        ),
        None,
    )
    if golds and place is None:
        note = f"No right answer is among the model's {len(one.made.candidates)} candidates."
    elif place is not None:
        chance = 100 * one.made.candidates[place].probability
        note = f"A right answer is number {place + 1} of the model's candidates ({chance:.1f} %)."
    if answer is not None:
        marks.append(Mark(answer.chars, "model"))
    return Case(
        id=example.id,
        kind=_kind(one),
        confidence=one.confidence,
        text=example.passage,
        marks=tuple(marks),
        gold=" | ".join(one.gold_texts()) or "no answer",
        predicted=answer.text if answer else "no answer",
        question=example.question,
        note=note,
    )


def _kind(one: _Judged) -> str:
    """The kind of error of a question that was not answered right."""
    golds = [answer.chars for answer in one.example.answers or ()]
    if not golds:
        return UNANSWERABLE
    if all(gold.end > one.made.covered_chars for gold in golds):
        return UNREAD
    if one.made.answer is None:
        return WITHHELD
    chars = one.made.answer.chars
    if any(chars.contains(gold) for gold in golds):
        return TOO_LONG
    if any(gold.contains(chars) for gold in golds):
        return TOO_SHORT
    return SHIFTED if any(chars.overlaps(gold) for gold in golds) else ELSEWHERE
