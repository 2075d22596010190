"""Similarity as a task: the verbs of the contract."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import nn

from spanbert.errors import DataError, about
from spanbert.nn.encoder import Encoder
from spanbert.scoring.report import Report
from spanbert.tasks.similarity import examples as records
from spanbert.tasks.similarity.decode import decode
from spanbert.tasks.similarity.examples import SimilarityExample, SimilarityPrediction, unread_columns
from spanbert.tasks.similarity.features import (
    PairEncoder,
    SimilarityBatch,
    SimilarityFeature,
    SimilarityTrainingSet,
    collate,
)
from spanbert.tasks.similarity.metrics import check_gold, score_pairs
from spanbert.tasks.similarity.model import BiEncoderModel, CrossEncoderModel
from spanbert.tasks.similarity.settings import SimilaritySettings
from spanbert.text.fields import shown
from spanbert.text.tokenizer import Tokenizer

CROSS_HEAD = {"pooler": {"dense.*": "bert.pooler.dense.*"}, "score": {"scores.*": "classifier.*"}}


class Similarity:
    """How alike two texts are (the contract is `spanbert.tasks.contract.Task`).

    Two vectors are compared without a head, so in mode `bi` any encoder can be used as it is.
    """

    name: ClassVar[str] = "similarity"
    data_formats: ClassVar[str] = records.DATA_FORMATS
    Settings: ClassVar[type[SimilaritySettings]] = SimilaritySettings
    architecture: str = "BertModel"
    head_names: dict[str, dict[str, str]] = {}  # noqa: RUF012  # those of `bi`, never changed in place
    labels: tuple[str, ...] = ()

    def __init__(self, settings: SimilaritySettings | None = None) -> None:
        self.settings = settings or SimilaritySettings()
        if self.settings.mode == "cross":
            self.architecture = "BertForSequenceClassification"
            self.head_names = CROSS_HEAD
            self.labels = ("similarity",)  # of one label, so that other readers know it for a regression

    @property
    def gold_fields(self) -> tuple[str, ...]:
        """The score, under its name in the data where that was said."""
        return (self.settings.score_column or "score",)

    def read(self, path: Path) -> Iterator[SimilarityExample]:
        """Pairs of a CSV, TSV or JSONL file. Raises DataError."""
        return records.read_examples(path, self.settings)

    def read_table(
        self, rows: Iterable[tuple[int, Mapping[str, Any]]], names: Iterable[str], place: str
    ) -> Iterator[SimilarityExample]:
        """Pairs of numbered rows of a table whose columns have these names. Raises DataError."""
        return records.read_table(rows, names, self.settings, place)

    def parse(self, item: Mapping[str, Any], place: str, line: int | None) -> SimilarityExample:
        """One JSON object as a pair. Raises DataError."""
        return records.parse_example(item, self.settings, place, line)

    def has_gold(self, example: SimilarityExample) -> bool:
        """Whether a score is given; contrast takes a pair without one for partners, unless the score's column
        was named: it is to be found then."""
        by_contrast = self.settings.mode == "bi" and self.settings.loss != "cosine"
        return example.score is not None or (by_contrast and not self.settings.score_column)

    def learn(self, examples: Sequence[SimilarityExample]) -> Similarity:
        """The scale of the scores, and which loss fits the data.

        Raises:
            DataError: there are no scores although the loss needs them, or columns that may hold them and
                nobody said the loss; all scores are the same, or one lies outside the scale that was said.
        """
        settings, scores = self.settings, [one.score for one in examples if one.score is not None]
        changes: dict[str, Any] = {}
        if settings.mode == "bi" and settings.loss is None:
            if not scores and (unread := unread_columns(examples)):
                raise DataError(
                    f"none of the columns {shown(unread)} is known to hold scores: name the one that does "
                    "(--task-settings.score-column NAME), or learn without scores that the texts of a pair "
                    "belong together (--task-settings.loss contrast)"
                )
            changes["loss"] = "cosine" if scores else "contrast"
        if not scores and (settings.mode == "cross" or settings.loss == "cosine"):
            raise DataError(
                f"mode {settings.mode} learns scores and the training data has none: add a column score, or "
                "choose mode bi with loss contrast"
            )
        if settings.score_min is not None and settings.score_max is not None:
            outside = [score for score in scores if not settings.score_min <= score <= settings.score_max]
            if outside:
                raise DataError(
                    f"the score {outside[0]:g} lies outside score_min {settings.score_min:g} and score_max "
                    f"{settings.score_max:g}"
                )
        elif scores:
            if min(scores) == max(scores):
                raise DataError(
                    f"all scores of the training data are {scores[0]:g}: leave the column out to learn by "
                    "contrast, or say the scale with score_min and score_max"
                )
            changes |= {"score_min": min(scores), "score_max": max(scores)}
        return Similarity(settings.model_copy(update=changes))

    def features(
        self, examples: Sequence[SimilarityExample], tokenizer: Tokenizer
    ) -> list[list[SimilarityFeature]]:
        """The windows of each pair. Raises DataError that names the pair."""
        encoder = PairEncoder(tokenizer, self.settings)
        found = []
        for example, (first, second) in zip(examples, encoder.encode(examples), strict=True):
            with about(f"pair {example.id!r}"):
                found.append(encoder.features(first, second))
        return found

    def training_set(
        self, examples: Iterable[SimilarityExample], tokenizer: Tokenizer
    ) -> SimilarityTrainingSet:
        """Pairs with gold, ready for training."""
        return SimilarityTrainingSet(examples, tokenizer, self.settings)

    def collate(self, features: Sequence[SimilarityFeature]) -> SimilarityBatch:
        """One packed batch."""
        return collate(features)

    def within(self, positions: int) -> Similarity:
        """Windows no longer than `positions` pieces. Raises SettingsError where longer ones were chosen."""
        return Similarity(self.settings.within(positions))

    def build(self, encoder: Encoder) -> nn.Module:
        """Encoder, with pooler and score in mode `cross`."""
        if self.settings.mode == "cross":
            return CrossEncoderModel(encoder)
        return BiEncoderModel(encoder, self.settings.temperature)

    def decode(
        self,
        example: SimilarityExample,
        features: Sequence[SimilarityFeature],
        outputs: Sequence[NDArray[np.float32]],
    ) -> SimilarityPrediction:
        """The similarity of a pair from all its windows."""
        return decode(example, features, outputs, self.settings)

    def fit(
        self, examples: Sequence[SimilarityExample], predictions: Sequence[SimilarityPrediction]
    ) -> Similarity:
        """Nothing: similarities are given as they are."""
        return self

    def refit(self, prediction: SimilarityPrediction) -> SimilarityPrediction:
        """The prediction as it is."""
        return prediction

    def check_gold(self, examples: Sequence[SimilarityExample]) -> None:
        """Raises DataError where dev data cannot be scored: fewer than two pairs have a score."""
        check_gold(examples)

    def score(
        self, examples: Sequence[SimilarityExample], predictions: Sequence[SimilarityPrediction]
    ) -> Report:
        """Spearman's and Pearson's correlation."""
        return score_pairs(examples, predictions)
