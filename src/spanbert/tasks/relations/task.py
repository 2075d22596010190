"""Relations as a task: the verbs of the contract."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from spanbert.checkpoint.names import POOLER_NAMES
from spanbert.nn.encoder import Encoder
from spanbert.scoring.analysis import Analysis
from spanbert.scoring.report import Report
from spanbert.tasks.relations import examples as records
from spanbert.tasks.relations import metrics, reading
from spanbert.tasks.relations.analysis import analyse
from spanbert.tasks.relations.decode import calibrated, decode, reconsider
from spanbert.tasks.relations.examples import RelationExample, RelationPrediction
from spanbert.tasks.relations.features import (
    PairEncoder,
    RelationBatch,
    RelationFeature,
    RelationTrainingSet,
    collate,
)
from spanbert.tasks.relations.labels import learned
from spanbert.tasks.relations.model import RelationModel
from spanbert.tasks.relations.settings import RelationSettings
from spanbert.text.tokenizer import Tokenizer


class Relations:
    """What holds between two entities of a text (the contract is `spanbert.tasks.contract.Task`)."""

    name: ClassVar[str] = "relations"
    architecture: ClassVar[str] = "BertModel"
    data_formats: ClassVar[str] = records.DATA_FORMATS
    head_names: ClassVar[dict[str, dict[str, str]]] = {
        "pooler": POOLER_NAMES,
        "pair": {"dense.*": "relations.pair.*"},
        "head": {"scores.*": "relations.classifier.*"},
    }
    Settings: ClassVar[type[RelationSettings]] = RelationSettings
    gold_fields: ClassVar[tuple[str, ...]] = ("relation", "relations")

    def __init__(self, settings: RelationSettings | None = None) -> None:
        self.settings = settings or RelationSettings()
        self._encoder: PairEncoder | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of what the head scores."""
        return self.settings.labels

    def read(self, path: Path) -> Iterator[RelationExample]:
        """Pairs of a JSONL or TACRED JSON file; of a document every pair. Raises DataError."""
        return reading.read_examples(path)

    def parse(self, item: Mapping[str, Any], place: str, line: int | None) -> RelationExample:
        """One JSON object as a pair. Raises DataError."""
        return reading.parse_example(item, place, line)

    def has_gold(self, example: RelationExample) -> bool:
        """Whether relations, or their absence, are given."""
        return example.relations is not None

    def stratum(self, example: RelationExample) -> Hashable:
        """The relation (of several the first), so that a held-out share has the mix of the whole."""
        return next(iter(example.relations or ()), None)

    def learn(self, examples: Sequence[RelationExample]) -> Relations:
        """The task with kind, labels and marks of the training data. Raises DataError, SettingsError."""
        return Relations(learned(examples, self.settings))

    def features(
        self, examples: Sequence[RelationExample], tokenizer: Tokenizer
    ) -> list[list[RelationFeature]]:
        """One sequence a pair. Raises DataError, SettingsError."""
        encoder = self._encoder
        if encoder is None or encoder.tokenizer is not tokenizer:
            encoder = self._encoder = PairEncoder(tokenizer, self.settings)
        return [[feature] for feature in encoder.features(examples)]

    def training_set(self, examples: Iterable[RelationExample], tokenizer: Tokenizer) -> RelationTrainingSet:
        """Pairs with gold, ready for training."""
        return RelationTrainingSet(examples, tokenizer, self.settings)

    def collate(self, features: Sequence[RelationFeature]) -> RelationBatch:
        """One packed batch."""
        return collate(features)

    def within(self, positions: int) -> Relations:
        """Sequences no longer than `positions` pieces. Raises SettingsError where longer ones were chosen."""
        return Relations(self.settings.within(positions))

    def build(self, encoder: Encoder) -> RelationModel:
        """Encoder with a random head."""
        return RelationModel(encoder, self.settings)

    def decode(
        self,
        example: RelationExample,
        features: Sequence[RelationFeature],
        outputs: Sequence[NDArray[np.float32]],
    ) -> RelationPrediction:
        """The relations of a pair from its scores."""
        return decode(example, features[0].covered_chars, outputs[0], self.settings)

    def fit(
        self, examples: Sequence[RelationExample], predictions: Sequence[RelationPrediction]
    ) -> Relations:
        """Temperature, and with several relations the threshold, chosen on held-out predictions."""
        return Relations(calibrated(examples, predictions, self.settings))

    def refit(self, prediction: RelationPrediction) -> RelationPrediction:
        """A prediction made under another temperature or threshold, as these settings would have it."""
        return reconsider(prediction, self.settings)

    def score(self, examples: Sequence[RelationExample], predictions: Sequence[RelationPrediction]) -> Report:
        """Micro and macro F1."""
        return metrics.score(examples, predictions, self.settings)

    def analysis(
        self,
        examples: Sequence[RelationExample],
        predictions: Sequence[RelationPrediction],
        training: Iterable[RelationExample] | None = None,
    ) -> Analysis:
        """Scores of parts of the data, and every pair whose relations are not as they should be."""
        return analyse(examples, predictions, self.settings, training)
