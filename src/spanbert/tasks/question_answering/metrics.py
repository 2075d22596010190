"""Exact match and F1 as the official scripts of SQuAD 1.1, SQuAD 2.0 and CMRC 2018 compute them."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np
from numpy.typing import NDArray

from spanbert.errors import DataError
from spanbert.scoring.calibration import expected_calibration_error
from spanbert.scoring.confidence import bootstrap_interval
from spanbert.scoring.report import Report
from spanbert.tasks.question_answering.examples import QaExample, QaPrediction

ARTICLES = re.compile(r"\b(a|an|the)\b")
PUNCTUATION = str.maketrans("", "", string.punctuation)
HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
LETTER = re.compile(r"[^\W\d_]")

CMRC_PUNCTUATION = str.maketrans("", "", "-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』")
CMRC_RUN = re.compile("[\u4e00-\u9fa5]|[^\u4e00-\u9fa5]+")
# What the Penn Treebank sets apart from the word it touches: brackets and signs, a comma unless a digit
# follows, the last full stop, apostrophes at a word's edge, clitics.
CMRC_SET_APART = re.compile(
    r"""[;@#$%&?!()\[\]{}<>"«»‘„\u2012-\u2015] | ,(?!\d) | \.{2,} | (?<!\.)\.(?=[\])}>"'»\s]*$)
    | '(?:s|m|d|ll|re|ve)?(?!\w) | (?<!\w)' | (?<=\w)n't(?!\w)""",
    re.VERBOSE,
)


def squad_words(text: str) -> list[str]:
    """Lower-cased words without punctuation and articles (Rajpurkar et al. 2016, section 6.1)."""
    return ARTICLES.sub(" ", text.lower().translate(PUNCTUATION)).split()


def exact_match(predicted: str, gold: str) -> float:
    """1.0 when both have the same words, else 0.0."""
    return float(squad_words(predicted) == squad_words(gold))


def f1(predicted: str, gold: str) -> float:
    """Harmonic mean of precision and recall of words, in [0, 1]; 0.0 where no word is shared."""
    found, right = squad_words(predicted), squad_words(gold)
    shared = sum((Counter(found) & Counter(right)).values())
    return 2 * shared / (len(found) + len(right)) if shared else 0.0


def cmrc_segments(text: str) -> list[str]:
    """Han characters one by one, other runs as words; lower-cased, without most punctuation."""
    runs = CMRC_RUN.findall(_cmrc_plain(text))
    return [word for run in runs for word in CMRC_SET_APART.sub(r" \g<0> ", run).split()]


def cmrc_exact_match(predicted: str, gold: str) -> float:
    """1.0 when both are the same but for case and punctuation, else 0.0."""
    return float(_cmrc_plain(predicted) == _cmrc_plain(gold))


def cmrc_f1(predicted: str, gold: str) -> float:
    """F1 in [0, 1] of the longest run of segments that both share (Cui et al. 2019); 0.0 without one."""
    found, right = cmrc_segments(predicted), cmrc_segments(gold)
    shared = SequenceMatcher(None, found, right, autojunk=False).find_longest_match().size
    return 2 * shared / (len(found) + len(right)) if shared else 0.0


def _cmrc_plain(text: str) -> str:
    return text.lower().strip().translate(CMRC_PUNCTUATION)


@dataclass(frozen=True)
class Scorer:
    """How an official script compares an answer with all gold answers of its question.

    Without gold answers the right thing to say is nothing (text without a single word).

    Args:
        name: for the report.
        words: what of a text counts.
        exact_matches: 0.0 or 1.0 for a predicted and a gold text.
        overlap: F1 in [0, 1] of a predicted and a gold text.
        drops_blank_gold: whether gold answers without words ("the") do not count as answers.
    """

    name: str
    words: Callable[[str], list[str]]
    exact_matches: Callable[[str, str], float]
    overlap: Callable[[str, str], float]
    drops_blank_gold: bool

    def exact_match(self, predicted: str, example: QaExample) -> float:
        """1.0 when some gold answer is matched, else 0.0."""
        return self._best(self.exact_matches, predicted, example)

    def f1(self, predicted: str, example: QaExample) -> float:
        """F1 in [0, 1] against the kindest gold answer."""
        return self._best(self.overlap, predicted, example)

    def _best(self, metric: Callable[[str, str], float], predicted: str, example: QaExample) -> float:
        golds = {answer.text for answer in example.answers or ()}
        if self.drops_blank_gold:
            golds = {gold for gold in golds if self.words(gold)}
        return max((metric(predicted, gold) for gold in golds), default=float(not self.words(predicted)))


SQUAD_1 = Scorer("squad-1.1", squad_words, exact_match, f1, drops_blank_gold=False)
SQUAD_2 = Scorer("squad-2.0", squad_words, exact_match, f1, drops_blank_gold=True)
CMRC = Scorer("cmrc-2018", cmrc_segments, cmrc_exact_match, cmrc_f1, drops_blank_gold=False)


def scorer_for(examples: Sequence[QaExample]) -> Scorer:
    """The scorer that a data set asks for.

    CMRC 2018 where most letters of the passages are Han; else SQuAD 2.0 where some question has no answer;
    else SQuAD 1.1.
    """
    passages = dict.fromkeys(example.passage for example in examples)
    han = sum(len(HAN.findall(passage)) for passage in passages)
    if han and 2 * han > sum(len(LETTER.findall(passage)) for passage in passages):
        return CMRC
    return SQUAD_2 if any(example.answers == () for example in examples) else SQUAD_1


def best_threshold(
    scores: Sequence[float], answer_values: Sequence[float], null_values: Sequence[float]
) -> float:
    """The score above which answering pays most, over all observed scores.

    Args:
        scores: best candidate's score for each question (-inf without a candidate).
        answer_values: metric gained by giving that candidate.
        null_values: metric gained by saying "no answer".

    Returns:
        A value between two observed scores; -inf to answer always, the highest score to answer never.
    """
    order = np.argsort(scores, kind="stable")
    ranked = np.asarray(scores, dtype=np.float64)[order]
    gain = (np.asarray(answer_values, dtype=np.float64) - np.asarray(null_values, dtype=np.float64))[order]
    # Cutting below position i withholds the answers ranked before it and gives the rest.
    kept = np.append(np.cumsum(gain[::-1])[::-1], 0.0)
    possible = np.ones(len(kept), dtype=bool)
    possible[1:-1] = ranked[1:] > ranked[:-1]
    best = int(np.argmax(np.where(possible, kept, -np.inf)))
    if best == 0:
        return float("-inf")
    low = float(ranked[best - 1])
    if best == len(ranked):
        return low
    high = float(ranked[best])
    middle = high - 1e-6 if np.isinf(low) else low + (high - low) / 2
    return middle if middle < high else low  # neighbouring floats have no middle


def score_answers(examples: Sequence[QaExample], predictions: Sequence[QaPrediction]) -> Report:
    """Exact match and F1 in percent, over all questions and over those with and without an answer.

    Lost gold: questions whose every answer stands behind what was read of the passage (`on_long: truncate`).

    Raises:
        DataError: no question has gold.
    """
    pairs = [
        (example, prediction)
        for example, prediction in zip(examples, predictions, strict=True)
        if example.answers is not None
    ]
    if not pairs:
        raise DataError('nothing to score: no question of the data has gold answers (the field "answers")')
    scorer = scorer_for([example for example, _ in pairs])
    exact = np.array([scorer.exact_match(made.text, example) for example, made in pairs])
    overlap = np.array([scorer.f1(made.text, example) for example, made in pairs])
    answerable = np.array([bool(example.answers) for example, _ in pairs], dtype=bool)
    values = {"exact_match": _percent(exact), "f1": _percent(overlap)}
    if not answerable.all():
        values["accuracy_without_answer"] = _percent(exact[~answerable])
        if answerable.any():
            values["exact_match_with_answer"] = _percent(exact[answerable])
            values["f1_with_answer"] = _percent(overlap[answerable])
    confidence = [made.answer.probability if made.answer else made.no_answer_probability for _, made in pairs]
    values["calibration_error"] = round(expected_calibration_error(confidence, list(exact > 0)), 4)
    counts = {
        "questions": len(pairs),
        "questions_with_answer": int(answerable.sum()),
        "questions_without_gold": len(examples) - len(pairs),
        "answers_given": sum(made.answer is not None for _, made in pairs),
        "passages_of_several_windows": sum(made.windows > 1 for _, made in pairs),
        "passages_with_text_left_out": sum(
            made.covered_chars < len(example.passage) for example, made in pairs
        ),
    }
    unread = sum(
        all(answer.chars.end > made.covered_chars for answer in example.answers)
        for example, made in pairs
        if example.answers
    )
    lost_gold = {"questions whose answer was not read": unread} if unread else {}
    details = {
        "scorer": scorer.name,
        "exact_match_interval_95": _interval(exact),
        "f1_interval_95": _interval(overlap),
    }
    return Report("question-answering", values, "f1", counts, lost_gold, details)


def _percent(values: NDArray[np.float64]) -> float:
    return round(100 * float(values.mean()), 4)


def _interval(values: NDArray[np.float64]) -> list[float]:
    return [round(100 * end, 4) for end in bootstrap_interval(values)]
