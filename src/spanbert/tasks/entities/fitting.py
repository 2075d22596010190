"""What is chosen on held-out texts: the bias towards finding more or less, and the temperature."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from spanbert.scoring.calibration import fit_temperature
from spanbert.scoring.f1 import prf
from spanbert.tasks.entities.decode import nested_entities, reconsider
from spanbert.tasks.entities.evidence import SpanScores, TagScores
from spanbert.tasks.entities.examples import EntityExample, EntityPrediction
from spanbert.tasks.entities.features import types_of
from spanbert.tasks.entities.metrics import Pairs, gold_spans
from spanbert.tasks.entities.settings import EntitySettings
from spanbert.tasks.entities.tag_set import TagSet

BIASES: tuple[float, ...] = tuple(np.arange(-3.0, 3.25, 0.25).tolist())
"""Biases among which the best is chosen."""

Spans = set[tuple[int, int, int]]
"""First word, end and type, with the words of all texts counted in one row."""


def fitted(pairs: Pairs, settings: EntitySettings) -> EntitySettings:
    """The settings with the bias of best F1, then the temperature at which probabilities fit best."""
    bias = best_bias(pairs, settings)
    chosen = settings.model_copy(update={"no_entity_bias": bias, "temperature": 1.0})
    scores, right = [], []
    for example, made in pairs:
        gold = gold_spans(example)
        for entity in reconsider(made, chosen).entities:
            scores.append(np.asarray([entity.score, 0.0]))
            is_right = (entity.chars.start, entity.chars.end, entity.type) in gold
            right.append(is_right == (entity.score > 0))
    return chosen.model_copy(update={"temperature": round(fit_temperature(scores, right), 4)})


def best_bias(pairs: Pairs, settings: EntitySettings) -> float:
    """The bias with the highest micro F1, of equals the one nearest 0; 0 where there is no gold entity."""
    total = sum(len(example.entities or ()) for example, _ in pairs)
    if not total:
        return 0.0
    predictions = [made for _, made in pairs]
    words = [len(made.evidence.word_chars) for made in predictions]
    gold = _gold([example for example, _ in pairs], predictions, words, types_of(settings))
    found = _nested(predictions, words) if settings.nested else _flat(predictions, words, settings)

    def f1(bias: float) -> float:
        made = found(bias)
        return prf(len(made & gold), len(made), total).f1

    return max(sorted(BIASES, key=abs), key=f1)


def _gold(
    examples: Sequence[EntityExample],
    predictions: Sequence[EntityPrediction],
    words: Sequence[int],
    types: Sequence[str],
) -> Spans:
    """Gold that begins and ends with words; no bias makes a model find the rest."""
    numbers = {name: number for number, name in enumerate(types)}
    found: Spans = set()
    offset = 0
    for example, made, count in zip(examples, predictions, words, strict=True):
        chars = made.evidence.word_chars.tolist() if example.entities else []
        first = {start: offset + number for number, (start, _) in enumerate(chars)}
        last = {end: offset + number + 1 for number, (_, end) in enumerate(chars)}
        for entity in example.entities or ():
            if entity.chars.start in first and entity.chars.end in last and entity.type in numbers:
                found.add((first[entity.chars.start], last[entity.chars.end], numbers[entity.type]))
        offset += count
    return found


def _flat(
    predictions: Sequence[EntityPrediction], words: Sequence[int], settings: EntitySettings
) -> Callable[[float], Spans]:
    """What is found at a bias; all texts at once."""
    tags = TagSet.of(settings.labels)
    evidence = [made.evidence for made in predictions]
    scores = np.concatenate(
        [one.scores for one in evidence if isinstance(one, TagScores) and len(one.scores)]
        or [np.zeros((0, len(settings.labels)), np.float32)]
    )
    starts = (np.cumsum(words) - words)[np.asarray(words) > 0].tolist()

    def found(bias: float) -> Spans:
        biased = scores.copy()
        biased[:, tags.outside] += bias
        first, end, kind = tags.spans(tags.best_of_texts(biased, words), starts)
        return set(zip(first.tolist(), end.tolist(), kind.tolist(), strict=True))

    return found


def _nested(predictions: Sequence[EntityPrediction], words: Sequence[int]) -> Callable[[float], Spans]:
    """What is found at a bias, text by text: spans of one cannot cross those of another."""
    starts = (np.cumsum(words) - words).tolist()
    evidence = [made.evidence for made in predictions]

    def found(bias: float) -> Spans:
        kept: Spans = set()
        for one, offset in zip(evidence, starts, strict=True):
            if isinstance(one, SpanScores) and len(one.scores):
                first, end, kind, _ = nested_entities(one, bias)
                kept |= set(
                    zip((first + offset).tolist(), (end + offset).tolist(), kind.tolist(), strict=True)
                )
        return kept

    return found
