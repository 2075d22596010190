"""Scores of words or spans to entities in characters, joined over windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from spanbert.scoring.calibration import softmax
from spanbert.tasks.entities.evidence import Evidence, SpanScores, TagScores
from spanbert.tasks.entities.examples import EntityExample, EntityPrediction, FoundEntity
from spanbert.tasks.entities.features import EntityFeature, Integers
from spanbert.tasks.entities.settings import EntitySettings
from spanbert.tasks.entities.tag_set import TagSet
from spanbert.tasks.long_text import covered_chars
from spanbert.text.spans import Span

LEAST_SCORE = -4.0
"""Log odds below which a span is forgotten: no bias that is fitted makes it an entity."""
SUREST = 30.0
"""Log odds are kept within this: beyond it probabilities are 0 and 1 to any number of digits."""
NOTHING: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
NOTHING.setflags(write=False)

Floats = NDArray[np.float64]
Found = tuple[Integers, Integers, Integers, Floats]
"""First words, ends, types and log odds of entities, each (N,)."""


def decode(
    example: EntityExample,
    features: Sequence[EntityFeature],
    outputs: Sequence[NDArray[np.float32]],
    settings: EntitySettings,
) -> EntityPrediction:
    """The entities of a text.

    Each window speaks for the part it owns. Scores of tags are put in one row for the whole text before the
    best legal sequence is sought, so that an entity may lie in two windows; a span belongs to the window that
    owns its first word.

    Args:
        example: the text.
        features: all windows of it that were read.
        outputs: the scores of each.
        settings: labels, bias and temperature.
    """
    text = features[0].text
    evidence: Evidence
    if settings.nested:
        evidence = _span_scores(features, outputs, text.word_chars)
    else:
        scores = np.concatenate(
            [output for output in outputs if len(output)] or [np.zeros((0, 1), np.float32)]
        )
        evidence = TagScores(scores, text.word_chars[: len(scores)])
    read = covered_chars(example.text, text.pieces, [feature.window for feature in features])
    bare = replace(example, entities=None)
    return reconsider(EntityPrediction(bare, (), len(features), read, evidence), settings)


def _span_scores(
    features: Sequence[EntityFeature], outputs: Sequence[NDArray[np.float32]], word_chars: Integers
) -> SpanScores:
    spans, scores = [], []
    for feature, output in zip(features, outputs, strict=True):
        first, further, kind = np.nonzero(output > LEAST_SCORE)
        start = first + feature.first_word
        spans.append(np.stack([start, start + further + 1, kind], axis=1))
        scores.append(output[first, further, kind].astype(np.float64))
    return SpanScores(np.concatenate(spans), np.concatenate(scores), word_chars)


def reconsider(prediction: EntityPrediction, settings: EntitySettings) -> EntityPrediction:
    """The same scores with the entities and probabilities that `settings` make of them."""
    text, word_chars = prediction.example.text, prediction.evidence.word_chars
    starts, ends, kinds, scores = entities_of(prediction.evidence, settings)
    types = settings.labels if settings.nested else TagSet.of(settings.labels).types
    chances = 1 / (1 + np.exp(-scores / settings.temperature))
    found = []
    for number in np.lexsort((-ends, starts)).tolist():
        chars = Span(int(word_chars[starts[number], 0]), int(word_chars[ends[number] - 1, 1]))
        found.append(
            FoundEntity(
                text[chars.start : chars.end],
                chars,
                float(scores[number]),
                float(chances[number]),
                types[kinds[number]],
            )
        )
    return replace(prediction, entities=tuple(found))


def entities_of(evidence: Evidence, settings: EntitySettings) -> Found:
    """What the scores say, with the bias of `settings`."""
    if isinstance(evidence, SpanScores):
        return nested_entities(evidence, settings.no_entity_bias)
    return flat_entities(evidence.scores, TagSet.of(settings.labels), settings.no_entity_bias)


def flat_entities(scores: NDArray[np.float32], tags: TagSet, bias: float) -> Found:
    """The entities of the best legal sequence of tags.

    Words are scored independently given the text, so the chance of an entity is the product of the chances of
    its tags and of the chance that the word behind it does not go on with it.

    Args:
        scores: (W, L).
        tags: what the columns are.
        bias: added to the score of O.
    """
    if not len(scores):
        return NOTHING, NOTHING, NOTHING, np.zeros(0)
    biased = scores.astype(np.float64)
    biased[:, tags.outside] += bias
    best = tags.best(biased)
    starts, ends, kinds = tags.spans(best)
    if not len(starts):
        return NOTHING, NOTHING, NOTHING, np.zeros(0)
    chances = softmax(biased)
    logs = np.log(chances.clip(np.exp(-SUREST)))
    sums = np.concatenate([[0.0], np.cumsum(logs[np.arange(len(best)), best])])
    chance = np.exp(sums[ends] - sums[starts])
    behind = np.minimum(ends, len(best) - 1)
    going_on = (chances[behind] * tags.goes_on[best[ends - 1]]).sum(axis=1)
    stops = np.where(ends < len(best), 1 - going_on, 1.0)
    chance = (chance * stops).clip(np.exp(-SUREST), 1 - 1e-12)
    return starts, ends, kinds, np.log(chance) - np.log1p(-chance)


def nested_entities(evidence: SpanScores, bias: float) -> Found:
    """The spans that are likelier than not, without those that cross a better one."""
    likely = np.flatnonzero(evidence.scores > bias)
    best_first = likely[np.argsort(-evidence.scores[likely], kind="stable")]
    # Of the kept spans that reach over the border before each word: the earliest end and the latest start.
    words = len(evidence.word_chars)
    earliest_end, latest_start = np.full(words + 1, words), np.zeros(words + 1, dtype=np.int64)
    kept: list[int] = []
    for number, (start, end, _) in zip(best_first.tolist(), evidence.spans[best_first].tolist(), strict=True):
        if earliest_end[start] < end or start < latest_start[end]:
            continue
        kept.append(number)
        borders = slice(start + 1, end)
        earliest_end[borders] = np.minimum(earliest_end[borders], end)
        latest_start[borders] = np.maximum(latest_start[borders], start)
    spans = evidence.spans[kept]
    return spans[:, 0], spans[:, 1], spans[:, 2], evidence.scores[kept] - bias
