"""Where the errors of relations are: by kind, by relation, by distance, by what training has seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from spanbert.scoring.analysis import (
    Analysis,
    Case,
    Mark,
    SliceTable,
    counted_kinds,
    most_confident_first,
    suspects,
)
from spanbert.scoring.slices import Judged, confidence_ranges, f1_table, mean_table, ranged
from spanbert.tasks.relations.decode import scored_pairs
from spanbert.tasks.relations.examples import Argument, RelationExample, RelationPrediction
from spanbert.tasks.relations.labels import positives
from spanbert.tasks.relations.metrics import DIRECTION, Names
from spanbert.tasks.relations.settings import RelationSettings

MISSED = "missed"
SPURIOUS = "spurious"
DIRECTED = "direction"
CONFUSED = "confused"
PARTLY = "partly right"
KINDS = {
    CONFUSED: "A relation was given where another holds.",
    DIRECTED: "The right relation, in the wrong direction.",
    MISSED: "No relation was given where one holds.",
    SPURIOUS: "A relation was given where none holds.",
    PARTLY: "Of several relations some are right, and some are missing or too many.",
}
"""Errors by kind, each with its meaning."""

BETWEEN_CHARS = (0, 10, 20, 40, 80, 160)
TEXT_CHARS = (0, 50, 100, 200, 500, 2000)
TRAINING_COUNTS = (0, 1, 10, 50, 200, 1000)
ENTITIES_SEEN = ("neither", "one", "both")
NOTHING = "no relation"


def analyse(
    examples: Sequence[RelationExample],
    predictions: Sequence[RelationPrediction],
    settings: RelationSettings,
    training: Iterable[RelationExample] | None = None,
) -> Analysis:
    """Scores of parts of the data and all pairs with an error; pairs without gold are left out.

    Args:
        examples: at least one with gold.
        predictions: one for each.
        settings: by which they were made.
        training: what the model was trained on, if it can be had.
    """
    pairs = [
        _Pair(example, made, positives(example.relations, settings))
        for example, made in scored_pairs(examples, predictions, settings)
    ]
    errors = most_confident_first([_case(pair) for pair in pairs if pair.gold != pair.made.names])
    given = [
        (found.probability, found.relation in pair.gold) for pair in pairs for found in pair.made.relations
    ]
    right = [probability for probability, is_right in given if is_right]
    nothing = [pair.made.no_relation_probability for pair in pairs if not pair.gold and not pair.made.names]
    return Analysis(
        task="relations",
        counted="pairs",
        judged=len(pairs),
        tables=(*_tables(pairs, training), _by_confidence(given)),
        kinds=counted_kinds(KINDS, errors),
        errors=errors,
        suspects=suspects(errors, {CONFUSED: right, DIRECTED: right, SPURIOUS: right, MISSED: nothing}),
    )


@dataclass(frozen=True, slots=True)
class _Pair:
    """A pair with gold, and what the model said of it."""

    example: RelationExample
    made: RelationPrediction
    gold: Names

    def words(self, argument: Argument) -> str:
        return self.example.text[argument.chars.start : argument.chars.end]

    @property
    def chars_between(self) -> int:
        subject, object_ = self.example.subject.chars, self.example.object.chars
        return max(0, max(subject.start, object_.start) - min(subject.end, object_.end))


def _tables(pairs: Sequence[_Pair], training: Iterable[RelationExample] | None) -> Iterable[SliceTable]:
    said = [
        (pair, name, Judged(number, name in pair.gold, name in pair.made.names))
        for number, pair in enumerate(pairs)
        for name in sorted(pair.gold | pair.made.names)
    ]
    judged = [one for _, _, one in said]

    def table(title: str, group_of: Sequence[str | None], order: Sequence[str], note: str = "") -> SliceTable:
        return f1_table(title, "gold relations", judged, group_of, order, texts=len(pairs), note=note)

    yield table(
        "All relations", ["all"] * len(said), ["all"], "Micro scores; the negative class is left out."
    )
    frequency = Counter(name for _, name, one in said if one.gold)
    names = sorted({name for _, name, _ in said}, key=lambda name: (-frequency[name], name))
    yield table("By relation", [name for _, name, _ in said], names, "The most frequent relation first.")
    yield table(
        "By distance of the entities",
        *ranged([pair.chars_between for pair, _, _ in said], BETWEEN_CHARS, "character", "characters"),
        "Characters between the two; 0 where they touch or overlap.",
    )
    lengths = [len(pair.example.text) for pair, _, _ in said]
    yield table("By length of the text", *ranged(lengths, TEXT_CHARS, "character", "characters"))
    if training is None:
        return
    relations, entities = Counter[str](), set[str]()
    for example in training:
        relations.update(example.relations or ())
        entities |= {
            example.text[one.chars.start : one.chars.end].casefold()
            for one in (example.subject, example.object)
        }
    yield table(
        "By how often the relation stands in the training data",
        *ranged([relations[name] for _, name, _ in said], TRAINING_COUNTS, "time", "times"),
    )
    yield table(
        "By how many of the two entities training has seen",
        [
            ENTITIES_SEEN[
                sum(
                    pair.words(one).casefold() in entities
                    for one in (pair.example.subject, pair.example.object)
                )
            ]
            for pair, _, _ in said
        ],
        ENTITIES_SEEN,
        "The same text as an entity of any training pair, whatever its case.",
    )


def _by_confidence(given: Sequence[tuple[float, bool]]) -> SliceTable:
    return mean_table(
        "By the model's confidence",
        "given relations",
        *confidence_ranges([probability for probability, _ in given]),
        {"precision": np.array([right for _, right in given], dtype=np.float64)},
        note="The probability that the model gave to a relation. Where it means what it says, precision lies "
        "within the range.",
    )


def _case(pair: _Pair) -> Case:
    example = pair.example
    return Case(
        id=example.id,
        kind=_kind(pair.gold, pair.made.names),
        confidence=_confidence(pair),
        text=example.text,
        marks=(Mark(example.subject.chars, "subject"), Mark(example.object.chars, "object")),
        gold=", ".join(sorted(pair.gold)) or NOTHING,
        predicted=", ".join(found.relation for found in pair.made.relations) or NOTHING,
        question=f"{pair.words(example.subject)} → {pair.words(example.object)}",
    )


def _kind(gold: Names, found: Names) -> str:
    if not gold or not found:
        return MISSED if gold else SPURIOUS
    if gold & found:
        return PARTLY
    same = {DIRECTION.sub("", name) for name in gold} & {DIRECTION.sub("", name) for name in found}
    return DIRECTED if same else CONFUSED


def _confidence(pair: _Pair) -> float:
    """Of the surest relation that is wrong; where all given are right, of those missing being absent."""
    wrong = [found.probability for found in pair.made.relations if found.relation not in pair.gold]
    if wrong:
        return max(wrong)
    if not pair.made.relations:
        return pair.made.no_relation_probability
    likely = {found.relation: found.probability for found in pair.made.top}
    return 1 - max(likely.get(name, 0.0) for name in pair.gold - pair.made.names)
