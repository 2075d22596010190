"""Where the errors of entities are: by kind, by type, by length, by what training has seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

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
from spanbert.scoring.calibration import softmax
from spanbert.scoring.slices import Judged, confidence_ranges, f1_table, mean_table, ranged
from spanbert.scoring.spans import LabelledSpan, error_kind, paired
from spanbert.tasks.entities.decode import LEAST_SCORE
from spanbert.tasks.entities.evidence import TagScores
from spanbert.tasks.entities.examples import EntityExample, EntityPrediction
from spanbert.tasks.entities.features import words_of_chars
from spanbert.tasks.entities.metrics import found_spans, gold_spans, with_gold
from spanbert.tasks.entities.settings import EntitySettings
from spanbert.tasks.entities.tag_set import TagSet
from spanbert.text.spans import Span
from spanbert.text.words import word_count

KINDS = {
    "missed": "A gold entity that nothing found overlaps.",
    "spurious": "What was found overlaps no gold entity that is left for it.",
    "boundary": "The right type, and it overlaps the gold entity without being the same words.",
    "type": "The right words with another type.",
    "type and boundary": "It overlaps the gold entity, with another type.",
}
"""Errors by kind, each with its meaning."""

ENTITY_WORDS = (1, 2, 3, 4, 6)
TEXT_CHARS = (0, 50, 100, 200, 500, 2000)
TRAINING_COUNTS = (0, 1, 2, 5, 20)
NOTHING = "nothing"


def analyse(
    examples: Sequence[EntityExample],
    predictions: Sequence[EntityPrediction],
    settings: EntitySettings,
    training: Iterable[EntityExample] | None = None,
) -> Analysis:
    """Strict scores of parts of the data and all errors; texts without gold are left out.

    Args:
        examples: at least one with gold.
        predictions: one for each.
        settings: by which they were made.
        training: what the model was trained on, if it can be had.
    """
    pairs = with_gold(examples, predictions)
    errors: list[Case] = []
    for example, made in pairs:
        errors += _cases(example, made, settings)
    ordered = most_confident_first(errors)
    found = _found(pairs)
    usual = [probability for probability, right in found if right]
    return Analysis(
        task="entities",
        counted="gold entities",
        judged=sum(len(gold_spans(example)) for example, _ in pairs),
        tables=(*_tables(pairs, training), _by_confidence(found)),
        kinds=counted_kinds(KINDS, ordered),
        errors=ordered,
        suspects=suspects(
            ordered, {"missed": _usual_nothing(pairs, settings), "spurious": usual, "type": usual}
        ),
    )


@dataclass(frozen=True, slots=True)
class _Span:
    """A gold or found entity with its text."""

    example: EntityExample
    chars: Span
    type: str
    judged: Judged

    @property
    def words(self) -> int:
        """Words of the data, where it has some of its own."""
        if self.example.words is None:
            return word_count(self.text)
        return sum(word.overlaps(self.chars) for word in self.example.words)

    @property
    def text(self) -> str:
        return self.example.text[self.chars.start : self.chars.end]


def _tables(
    pairs: Sequence[tuple[EntityExample, EntityPrediction]], training: Iterable[EntityExample] | None
) -> Iterable[SliceTable]:
    spans = [
        _Span(
            example,
            Span(start, end),
            kind,
            Judged(number, (start, end, kind) in gold, (start, end, kind) in found),
        )
        for number, (example, made) in enumerate(pairs)
        for gold, found in [(gold_spans(example), found_spans(made))]
        for start, end, kind in sorted(gold | found)
    ]
    judged = [span.judged for span in spans]

    def table(title: str, group_of: Sequence[str | None], order: Sequence[str], note: str = "") -> SliceTable:
        return f1_table(title, "gold entities", judged, group_of, order, texts=len(pairs), note=note)

    yield table("All entities", ["all"] * len(spans), ["all"])
    frequency = Counter(span.type for span in spans if span.judged.gold)
    types = sorted({span.type for span in spans}, key=lambda kind: (-frequency[kind], kind))
    yield table("By type", [span.type for span in spans], types, "The most frequent type first.")
    yield table(
        "By length of the entity", *ranged([span.words for span in spans], ENTITY_WORDS, "word", "words")
    )
    if training is not None:
        seen = Counter(
            example.text[entity.chars.start : entity.chars.end].casefold()
            for example in training
            for entity in example.entities or ()
        )
        yield table(
            "By how often the entity stands in the training data",
            *ranged([seen[span.text.casefold()] for span in spans], TRAINING_COUNTS, "time", "times"),
            "The same text, whatever its type and case; 0 times is unseen.",
        )
    lengths = [len(span.example.text) for span in spans]
    yield table("By length of the text", *ranged(lengths, TEXT_CHARS, "character", "characters"))


def _found(pairs: Sequence[tuple[EntityExample, EntityPrediction]]) -> list[tuple[float, bool]]:
    """The probability of each entity found, and whether it is right."""
    return [
        (entity.probability, (entity.chars.start, entity.chars.end, entity.type) in gold)
        for example, made in pairs
        for gold in [gold_spans(example)]
        for entity in made.entities
    ]


def _by_confidence(found: Sequence[tuple[float, bool]]) -> SliceTable:
    return mean_table(
        "By the model's confidence",
        "found entities",
        *confidence_ranges([probability for probability, _ in found]),
        {"precision": np.array([right for _, right in found], dtype=np.float64)},
        note="The probability that the model gave to what it found. Where it means what it says, precision "
        "lies within the range.",
    )


def _cases(example: EntityExample, made: EntityPrediction, settings: EntitySettings) -> list[Case]:
    probability = {(one.chars.start, one.chars.end, one.type): one.probability for one in made.entities}
    cases = []
    for gold, found in paired(gold_spans(example), found_spans(made)):
        kind = error_kind(gold, found)
        if found is not None:
            confidence = probability[found]
        elif gold is not None:
            confidence = nothing_probability(made, Span(gold[0], gold[1]), settings)
        if kind != "right":
            cases.append(_case(example, gold, found, confidence))
    return cases


def _case(
    example: EntityExample, gold: LabelledSpan | None, found: LabelledSpan | None, confidence: float
) -> Case:
    marks = [Mark(Span(gold[0], gold[1]), "gold", gold[2])] if gold else []
    marks += [Mark(Span(found[0], found[1]), "model", found[2])] if found else []
    return Case(
        id=example.id,
        kind=error_kind(gold, found),
        confidence=confidence,
        text=example.text,
        marks=tuple(marks),
        gold=_told(example, gold),
        predicted=_told(example, found),
    )


def _told(example: EntityExample, span: LabelledSpan | None) -> str:
    return f"{example.text[span[0] : span[1]]} [{span[2]}]" if span else NOTHING


def nothing_probability(made: EntityPrediction, chars: Span, settings: EntitySettings) -> float:
    """The chance that the model gives to there being no entity in a stretch of the text.

    Of a flat model it is the chance that all words of the stretch are outside; of a nested one the chance
    that the likeliest entity with these ends is none. Text that was not read has none: 0.0.
    """
    evidence = made.evidence
    words = words_of_chars(evidence.word_chars, chars)
    if words is None:
        return 0.0
    first, end = words
    if isinstance(evidence, TagScores):
        return float(_outside(evidence.scores[first:end], settings).prod())
    same_ends = (evidence.spans[:, 0] == first) & (evidence.spans[:, 1] == end)
    return _no_span(max(evidence.scores[same_ends], default=LEAST_SCORE), settings)


def _usual_nothing(
    pairs: Sequence[tuple[EntityExample, EntityPrediction]], settings: EntitySettings
) -> list[float]:
    """The chance of no entity at words that have none, or of a nested model at spans that it forgets."""
    if settings.nested:
        return [_no_span(LEAST_SCORE, settings)]
    usual: list[float] = []
    for example, made in pairs:
        if isinstance(made.evidence, TagScores):
            free = np.ones(len(made.evidence.scores), dtype=bool)
            for entity in example.entities or ():
                if words := words_of_chars(made.evidence.word_chars, entity.chars):
                    free[slice(*words)] = False
            usual += _outside(made.evidence.scores[free], settings).tolist()
    return usual


def _outside(scores: NDArray[np.float32], settings: EntitySettings) -> NDArray[np.float64]:
    """The chance of each word with scores (W, L) to be outside of entities (W,)."""
    if not len(scores):
        return np.zeros(0)
    biased = scores.astype(np.float64)
    outside = TagSet.of(settings.labels).outside
    biased[:, outside] += settings.no_entity_bias
    return softmax(biased)[:, outside]


def _no_span(score: float, settings: EntitySettings) -> float:
    return float(1 / (1 + np.exp((score - settings.no_entity_bias) / settings.temperature)))
