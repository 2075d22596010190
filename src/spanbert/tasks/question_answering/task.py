"""Question answering as a task: the verbs of the contract."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from spanbert.errors import about
from spanbert.nn.encoder import Encoder
from spanbert.scoring.analysis import Analysis
from spanbert.scoring.calibration import fit_temperature
from spanbert.scoring.report import Report
from spanbert.tasks.question_answering import examples as records
from spanbert.tasks.question_answering import metrics
from spanbert.tasks.question_answering.analysis import analyse
from spanbert.tasks.question_answering.decode import decode, reconsider
from spanbert.tasks.question_answering.examples import QaExample, QaPrediction
from spanbert.tasks.question_answering.features import (
    QaBatch,
    QaEncoder,
    QaFeature,
    QaTrainingSet,
    collate,
)
from spanbert.tasks.question_answering.model import QaModel
from spanbert.tasks.question_answering.settings import QaSettings
from spanbert.text.tokenizer import Tokenizer


class QuestionAnswering:
    """Extractive question answering with "no answer" (the contract is `spanbert.tasks.contract.Task`)."""

    name: ClassVar[str] = "question-answering"
    architecture: ClassVar[str] = "BertForQuestionAnswering"
    data_formats: ClassVar[str] = records.DATA_FORMATS
    head_names: ClassVar[dict[str, dict[str, str]]] = {"ends": {"scores.*": "qa_outputs.*"}}
    Settings: ClassVar[type[QaSettings]] = QaSettings
    gold_fields: ClassVar[tuple[str, ...]] = ("answers",)
    labels: ClassVar[tuple[str, ...]] = ()

    def __init__(self, settings: QaSettings | None = None) -> None:
        self.settings = settings or QaSettings()

    def read(self, path: Path) -> Iterator[QaExample]:
        """Questions of a SQuAD JSON or JSONL file. Raises DataError."""
        return records.read_examples(path)

    def parse(self, item: Mapping[str, Any], place: str, line: int | None) -> QaExample:
        """One JSON object as a question. Raises DataError."""
        return records.parse_example(item, place, line)

    def has_gold(self, example: QaExample) -> bool:
        """Whether answers, or their absence, are given."""
        return example.answers is not None

    def learn(self, examples: Sequence[QaExample]) -> QuestionAnswering:
        """Nothing: answers are places, not labels."""
        return self

    def features(self, examples: Sequence[QaExample], tokenizer: Tokenizer) -> list[list[QaFeature]]:
        """The windows of each question's passage. Raises DataError that names the question."""
        encoder = QaEncoder(tokenizer, self.settings)
        found = []
        for example, (question, passage) in zip(examples, encoder.encode(examples), strict=True):
            with about(f"question {example.id!r}"):
                found.append(encoder.features(question, passage))
        return found

    def training_set(self, examples: Iterable[QaExample], tokenizer: Tokenizer) -> QaTrainingSet:
        """Questions with gold, ready for training."""
        return QaTrainingSet(examples, tokenizer, self.settings)

    def collate(self, features: Sequence[QaFeature]) -> QaBatch:
        """One packed batch."""
        return collate(features)

    def within(self, positions: int) -> QuestionAnswering:
        """Windows no longer than `positions` pieces. Raises SettingsError where longer ones were chosen."""
        return QuestionAnswering(self.settings.within(positions))

    def build(self, encoder: Encoder) -> QaModel:
        """Encoder with random answer-end scores."""
        return QaModel(encoder)

    def decode(
        self, example: QaExample, features: Sequence[QaFeature], outputs: Sequence[NDArray[np.float32]]
    ) -> QaPrediction:
        """The answer to a question from the scores of all its windows."""
        return decode(example, features, outputs, self.settings)

    def fit(self, examples: Sequence[QaExample], predictions: Sequence[QaPrediction]) -> QuestionAnswering:
        """Threshold by F1 (if some question has no answer), then temperatures, on held-out predictions."""
        pairs = [
            (example, made)
            for example, made in zip(examples, predictions, strict=True)
            if example.answers is not None
        ]
        scorer = metrics.scorer_for([example for example, _ in pairs])
        threshold = float("-inf")
        if any(not example.answers for example, _ in pairs):
            best_texts = [made.candidates[0].text if made.candidates else "" for _, made in pairs]
            threshold = metrics.best_threshold(
                [made.score for _, made in pairs],
                [scorer.f1(text, example) for text, (example, _) in zip(best_texts, pairs, strict=True)],
                [scorer.f1("", example) for example, _ in pairs],
            )
        found = [(example, made) for example, made in pairs if made.candidates]
        either, which = 1.0, [(example, made) for example, made in found if example.answers]
        if threshold > -np.inf:
            either = fit_temperature(
                [np.asarray([threshold, made.score]) for _, made in found],
                [bool(example.answers) == (made.score > threshold) for example, made in found],
            )
        among = fit_temperature(
            [np.asarray([candidate.score for candidate in made.candidates]) for _, made in which],
            [scorer.exact_match(made.candidates[0].text, example) > 0 for example, made in which],
        )
        fitted = {
            "no_answer_threshold": threshold,
            "no_answer_temperature": round(either, 4),
            "temperature": round(among, 4),
        }
        return QuestionAnswering(self.settings.model_copy(update=fitted))

    def refit(self, prediction: QaPrediction) -> QaPrediction:
        """A prediction made under other thresholds, as these settings would have it."""
        return reconsider(prediction, self.settings)

    def score(self, examples: Sequence[QaExample], predictions: Sequence[QaPrediction]) -> Report:
        """Exact match and F1.

        Where the data's protocol always answers, `details` has what the threshold would make of it too.
        """
        report = metrics.score_answers(examples, predictions)
        always = any(made.always_answer for made in predictions)
        if not always or self.settings.no_answer_threshold == float("-inf"):
            return report
        chosen = [self.refit(replace(made, always_answer=False)) for made in predictions]
        withheld = metrics.score_answers(examples, chosen)
        told = {**withheld.values, "answers_given": withheld.counts["answers_given"]}
        return replace(report, details={**report.details, "with_threshold": told})

    def analysis(
        self,
        examples: Sequence[QaExample],
        predictions: Sequence[QaPrediction],
        training: Iterable[QaExample] | None = None,
    ) -> Analysis:
        """Scores of parts of the data, and every question that was not answered right."""
        return analyse(examples, predictions, training)
