"""Scores of entities: strict and partial, by type, by kind of error."""

from __future__ import annotations

from collections.abc import Sequence

from spanbert.errors import DataError
from spanbert.scoring.calibration import expected_calibration_error
from spanbert.scoring.report import Report
from spanbert.scoring.spans import LabelledSpan, SpanCounts
from spanbert.tasks.entities.examples import EntityExample, EntityPrediction, overlapping
from spanbert.tasks.entities.features import TOO_LONG, types_of, words_of_chars
from spanbert.tasks.entities.settings import EntitySettings

Pairs = list[tuple[EntityExample, EntityPrediction]]


def gold_spans(example: EntityExample) -> set[LabelledSpan]:
    """Gold in the form of `scoring.spans`."""
    return {(entity.chars.start, entity.chars.end, entity.type) for entity in example.entities or ()}


def found_spans(prediction: EntityPrediction) -> set[LabelledSpan]:
    """What was found, in the same form."""
    return {(entity.chars.start, entity.chars.end, entity.type) for entity in prediction.entities}


def with_gold(examples: Sequence[EntityExample], predictions: Sequence[EntityPrediction]) -> Pairs:
    """The texts that have gold, with their predictions."""
    return [
        (example, made)
        for example, made in zip(examples, predictions, strict=True)
        if example.entities is not None
    ]


def score_entities(
    examples: Sequence[EntityExample], predictions: Sequence[EntityPrediction], settings: EntitySettings
) -> Report:
    """Precision, recall and F1 in percent: strict (`f1`), of ends alone, and with partial credit.

    Lost gold: entities behind what was read of their text, those of types that the model does not know, and
    those of more words than a nested model scores; all count as missed. Which ones reach beyond their window
    is not told here: predictions do not say where their windows lay.

    Raises:
        DataError: no text has gold.
    """
    pairs = with_gold(examples, predictions)
    if not pairs:
        raise DataError('nothing to score: no text of the data has gold (the field "entities")')
    counts = SpanCounts()
    confidence: list[float] = []
    right: list[bool] = []
    for example, made in pairs:
        gold = gold_spans(example)
        counts.add(sorted(gold), sorted(found_spans(made)))
        confidence += [entity.probability for entity in made.entities]
        right += [(one.chars.start, one.chars.end, one.type) in gold for one in made.entities]
    strict, exact, partial = counts.strict, counts.exact, counts.partial
    values = {
        **strict.to_json(),
        **{f"partial_{name}": value for name, value in partial.to_json().items()},
        "ends_f1": exact.to_json()["f1"],
        "macro_f1": round(counts.macro_f1(), 4),
        "calibration_error": round(expected_calibration_error(confidence, right), 4),
    }
    known = set(types_of(settings))
    entities = [entity for example, _ in pairs for entity in example.entities or ()]
    unknown = sorted({entity.type for entity in entities} - known)
    unread = sum(
        entity.chars.end > made.covered_chars for example, made in pairs for entity in example.entities or ()
    )
    lost = {
        "entities behind what was read of their text": unread,
        f"entities of types that the model does not know ({', '.join(unknown)})": sum(
            entity.type in unknown for entity in entities
        ),
        TOO_LONG: _too_long(pairs, settings.longest_entity) if settings.nested else 0,
    }
    low, high = counts.f1_interval()
    return Report(
        "entities",
        values,
        "f1",
        {
            "texts": len(pairs),
            "texts_without_gold": len(examples) - len(pairs),
            "entities": len(entities),
            "entities_that_overlap_another": sum(overlapping(example.entities or ()) for example, _ in pairs),
            "entities_found": sum(counts.predicted),
            "texts_of_several_windows": sum(made.windows > 1 for _, made in pairs),
            "texts_with_text_left_out": sum(
                made.covered_chars < len(example.text) for example, made in pairs
            ),
        },
        {reason: count for reason, count in lost.items() if count},
        {
            "f1_interval_95": [round(low, 4), round(high, 4)],
            "types": counts.of_labels(),
            "errors": dict(counts.errors),
            "confusion": {gold: dict(made) for gold, made in sorted(counts.confusion.items())},
        },
    )


def _too_long(pairs: Pairs, longest: int) -> int:
    """Gold entities of more words than `longest`."""
    return sum(
        words is not None and words[1] - words[0] > longest
        for example, made in pairs
        for entity in example.entities or ()
        for words in [words_of_chars(made.evidence.word_chars, entity.chars)]
    )
