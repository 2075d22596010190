"""Scores of pieces to answers in characters: best spans of each window, joined over windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from spanbert.scoring.calibration import softmax
from spanbert.tasks.long_text import covered_chars
from spanbert.tasks.question_answering.examples import QaAnswer, QaExample, QaPrediction
from spanbert.tasks.question_answering.features import QaFeature
from spanbert.tasks.question_answering.settings import QaSettings
from spanbert.text.alignment import chars_of_pieces, whole_words, with_marks
from spanbert.text.spans import Span


def decode(
    example: QaExample,
    features: Sequence[QaFeature],
    outputs: Sequence[NDArray[np.float32]],
    settings: QaSettings,
) -> QaPrediction:
    """The n best answers of a passage and whether to give one.

    A span's score is start + end - start[CLS] - end[CLS]: its log odds against "no answer", comparable
    between windows. Each window gives only spans that start in the part it owns, so none is counted twice.
    A span that cuts a word is grown to whole words.

    Args:
        example: the question.
        features: all windows of its passage.
        outputs: for each window scores (2, P), start and end.
        settings: lengths, threshold, temperature.
    """
    found: dict[Span, float] = {}
    for feature, scores in zip(features, outputs, strict=True):
        for piece_span, score in best_spans(feature, scores, settings.max_answer_pieces, settings.candidates):
            words = whole_words(feature.passage, piece_span)
            char_span = with_marks(example.passage, chars_of_pieces(feature.passage, words))
            if len(char_span) and score > found.get(char_span, -np.inf):
                found[char_span] = score
    ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))[: settings.candidates]
    candidates = tuple(
        QaAnswer(example.passage[chars.start : chars.end], chars, score, probability=0.0)
        for chars, score in ranked
    )
    found_all = QaPrediction(
        id=example.id,
        answer=None,
        no_answer_probability=0.0,
        candidates=candidates,
        windows=len(features),
        covered_chars=covered_chars(
            example.passage, features[0].passage, [feature.window for feature in features]
        ),
        always_answer=example.always_answer,
    )
    return reconsider(found_all, settings)


def reconsider(prediction: QaPrediction, settings: QaSettings) -> QaPrediction:
    """The same candidates with the choice and the probabilities that `settings` make of their scores."""
    if prediction.always_answer:
        settings = settings.model_copy(update={"no_answer_threshold": float("-inf")})
    chances = choice_probabilities([candidate.score for candidate in prediction.candidates], settings)
    candidates = tuple(
        replace(candidate, probability=float(chance))
        for candidate, chance in zip(prediction.candidates, chances[1:], strict=True)
    )
    given = candidates[0] if candidates and candidates[0].score > settings.no_answer_threshold else None
    return replace(prediction, answer=given, no_answer_probability=float(chances[0]), candidates=candidates)


def choice_probabilities(scores: Sequence[float], settings: QaSettings) -> NDArray[np.float64]:
    """Chances of "no answer" (first) and of each candidate; they sum to 1.

    Whether there is an answer is decided by the best score against the threshold, which of the answers it is
    by their scores; each question has a temperature of its own, for a model can be sure of one and not of the
    other. "No answer" is the likelier half exactly where the threshold says so.

    Args:
        scores: of the candidates, best first.
        settings: threshold and temperatures.
    """
    if not scores:
        return np.ones(1)
    ranked = np.asarray(scores, dtype=np.float64)
    either = softmax(np.asarray([settings.no_answer_threshold, ranked[0]]), settings.no_answer_temperature)
    return np.concatenate([either[:1], either[1] * softmax(ranked, settings.temperature)])


def best_spans(
    feature: QaFeature, scores: NDArray[np.float32], longest: int, count: int
) -> list[tuple[Span, float]]:
    """The `count` best spans of at most `longest` pieces that start in the window's own part.

    Returns:
        Spans of passage pieces with their log odds against "no answer", best first, equals by place.
    """
    window, owned = feature.window.pieces, feature.window.owned
    if not len(owned):
        return []
    first = feature.passage_piece_start
    starts = scores[0, first + owned.start - window.start : first + owned.end - window.start]
    ends = scores[1, first + owned.start - window.start : first + len(window)]
    ends = np.concatenate([ends, np.full(longest - 1, -np.inf, dtype=ends.dtype)])
    shifted: NDArray[np.float32] = np.ndarray(
        (longest, len(starts)), ends.dtype, buffer=ends, strides=ends.strides * 2
    )  # [extra, start] is ends[start + extra], without a copy
    sums = starts + shifted
    # A start can be among the best spans only if its own best span is among the best of all starts.
    kept = np.sort(np.argsort(-sums.max(axis=0), kind="stable")[:count])
    flat = sums[:, kept].T.ravel()
    top = np.argsort(-flat, kind="stable")[:count]
    null = float(scores[0, 0]) + float(scores[1, 0])
    begins = owned.start + kept[top // longest]
    found = zip(begins.tolist(), (begins + top % longest + 1).tolist(), flat[top].tolist(), strict=True)
    return [(Span(begin, end), score - null) for begin, end, score in found if score > -np.inf]
