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
from spanbert.tasks.similarity.examples import SimilarityExample, SimilarityPrediction
from spanbert.tasks.similarity.features import (
    PairEncoder,
    SimilarityBatch,
    SimilarityFeature,
    SimilarityTrainingSet,
    collate,
)
from spanbert.tasks.similarity.metrics import score_pairs
from spanbert.tasks.similarity.model import BiEncoderModel, CrossEncoderModel
from spanbert.tasks.similarity.settings import SimilaritySettings
from spanbert.text.tokenizer import Tokenizer

CROSS_HEAD = {"pooler": {"dense.*": "bert.pooler.dense.*"}, "score": {"scores.*": "classifier.*"}}


class Similarity:
    """How alike two texts are (the contract is `spanbert.tasks.contract.Task`).

    Two vectors are compared without a head, so in mode `bi` any encoder can be used as it is.
    """

    name: ClassVar[str] = "similarity"
    data_formats: ClassVar[str] = records.DATA_FORMATS
    Settings: ClassVar[type[SimilaritySettings]] = SimilaritySettings
    gold_fields: ClassVar[tuple[str, ...]] = ("score",)
    architecture: str = "BertModel"
    head_names: dict[str, dict[str, str]] = {}  # noqa: RUF012  # those of `bi`, never changed in place
    labels: tuple[str, ...] = ()

    def __init__(self, settings: SimilaritySettings | None = None) -> None:
        self.settings = settings or SimilaritySettings()
        if self.settings.mode == "cross":
            self.architecture = "BertForSequenceClassification"
            self.head_names = CROSS_HEAD
            self.labels = ("similarity",)  # of one label, so that other readers know it for a regression

    def read(self, path: Path) -> Iterator[SimilarityExample]:
        """Pairs of a CSV, TSV or JSONL file. Raises DataError."""
        return records.read_examples(path, self.settings)

    def parse(self, item: Mapping[str, Any], place: str, line: int | None) -> SimilarityExample:
        """One JSON object as a pair. Raises DataError."""
        return records.parse_example(item, self.settings, place, line)

    def has_gold(self, example: SimilarityExample) -> bool:
        """Whether a score is given; contrast takes a pair without one for partners."""
        by_contrast = self.settings.mode == "bi" and self.settings.loss != "cosine"
        return example.score is not None or by_contrast

    def learn(self, examples: Sequence[SimilarityExample]) -> Similarity:
        """The scale of the scores, and which loss fits the data.

        Raises:
            DataError: there are no scores although the loss needs them, all are the same, or one lies outside
                the scale that was said.
        """
        settings, scores = self.settings, [one.score for one in examples if one.score is not None]
        changes: dict[str, Any] = {}
        if settings.mode == "bi" and settings.loss is None:
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

    def score(
        self, examples: Sequence[SimilarityExample], predictions: Sequence[SimilarityPrediction]
    ) -> Report:
        """Spearman's and Pearson's correlation."""
        return score_pairs(examples, predictions)
