"""Exact match and F1 as the official SQuAD scripts compute them, and by character as CMRC 2018 does."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from spanbert.scoring.calibration import expected_calibration_error
from spanbert.scoring.report import Report
from spanbert.tasks.question_answering.examples import QaExample, QaPrediction

ARTICLES = re.compile(r"\b(a|an|the)\b")
PUNCTUATION = str.maketrans("", "", string.punctuation)
HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002ffff]")


def squad_words(text: str) -> list[str]:
    """Lower-cased words without punctuation and articles (Rajpurkar et al. 2016, section 6.1)."""
    return ARTICLES.sub(" ", text.lower().translate(PUNCTUATION)).split()


def exact_match(predicted: str, gold: str) -> float:
    """1.0 when both have the same words, else 0.0."""
    return float(squad_words(predicted) == squad_words(gold))


def f1(predicted: str, gold: str) -> float:
    """Harmonic mean of precision and recall of words; without words on a side, 1.0 only if both have none."""
    return _overlap_f1(squad_words(predicted), squad_words(gold))


def _overlap_f1(predicted: list[str], gold: list[str]) -> float:
    if not predicted or not gold:
        return float(predicted == gold)
    shared = sum((Counter(predicted) & Counter(gold)).values())
    return 2 * shared / (len(predicted) + len(gold))


Metric = Callable[[str, str], float]


def best_over_answers(metric: Metric, predicted: str, example: QaExample) -> float:
    """The metric against the kindest gold answer; against the empty string when there is none."""
    golds = [answer.text for answer in example.answers or ()]
    return max((metric(predicted, gold) for gold in golds), default=metric(predicted, ""))


def best_threshold(
    scores: Sequence[float], answer_values: Sequence[float], null_values: Sequence[float]
) -> float:
    """The score above which answering pays most, over all observed scores.

    Args:
        scores: best candidate's score for each question (-inf without a candidate).
        answer_values: metric gained by giving that candidate.
        null_values: metric gained by saying "no answer".

    Returns:
        A value between two observed scores (-inf when always answering is best).
    """
    order = np.argsort(scores)
    ranked = np.asarray(scores, dtype=np.float64)[order]
    gain = (np.asarray(answer_values) - np.asarray(null_values))[order]
    # Cutting below position i withholds the answers ranked before it and gives the rest.
    kept = np.concatenate([np.cumsum(gain[::-1])[::-1], [0.0]])
    possible = np.concatenate([[True], ranked[1:] > ranked[:-1], [True]])
    best = int(np.argmax(np.where(possible, kept, -np.inf)))
    if best == 0:
        return float("-inf")
    if best == len(ranked):
        return float(ranked[-1])
    low, high = ranked[best - 1], ranked[best]
    return float(high - 1e-6) if np.isinf(low) else float((low + high) / 2)


def score_answers(examples: Sequence[QaExample], predictions: Sequence[QaPrediction]) -> Report:
    """Exact match and F1 in percent, over all questions and over those with and without an answer."""
    pairs = [
        (example, prediction)
        for example, prediction in zip(examples, predictions, strict=True)
        if example.answers is not None
    ]
    exact = np.array([best_over_answers(exact_match, made.text, example) for example, made in pairs])
    overlap = np.array([best_over_answers(f1, made.text, example) for example, made in pairs])
    answerable = np.array([bool(example.answers) for example, _ in pairs], dtype=bool)
    values = {"exact_match": _percent(exact), "f1": _percent(overlap)}
    if not answerable.all():
        values |= {
            "exact_match_with_answer": _percent(exact[answerable]),
            "f1_with_answer": _percent(overlap[answerable]),
            "accuracy_without_answer": _percent(exact[~answerable]),
        }
    confidence = [made.answer.probability if made.answer else made.no_answer_probability for _, made in pairs]
    values["calibration_error"] = expected_calibration_error(confidence, list(exact > 0))
    counts = {
        "questions": len(pairs),
        "questions_with_answer": int(answerable.sum()),
        "questions_without_gold": len(examples) - len(pairs),
        "answers_given": sum(made.answer is not None for _, made in pairs),
        "passages_of_several_windows": sum(made.windows > 1 for _, made in pairs),
    }
    return Report("question-answering", values, primary="f1", counts=counts)


def _percent(values: np.ndarray) -> float:
    return round(100 * float(values.mean()), 4) if len(values) else 0.0
