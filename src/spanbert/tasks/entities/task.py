"""Entities as a task: the verbs of the contract."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from spanbert.errors import DataError, SettingsError, about
from spanbert.nn.encoder import Encoder
from spanbert.scoring.analysis import Analysis
from spanbert.scoring.report import Report
from spanbert.tasks.entities import fitting, formats, metrics
from spanbert.tasks.entities.analysis import analyse
from spanbert.tasks.entities.decode import decode, reconsider
from spanbert.tasks.entities.examples import (
    DATA_FORMATS,
    EntityExample,
    EntityPrediction,
    Place,
    overlapping,
)
from spanbert.tasks.entities.features import (
    EntityBatch,
    EntityEncoder,
    EntityFeature,
    EntityTrainingSet,
    collate,
    types_of,
)
from spanbert.tasks.entities.model import SPAN_NAMES, TAG_NAMES, EntityModel
from spanbert.tasks.entities.settings import EntitySettings
from spanbert.tasks.entities.tag_set import TagSet
from spanbert.text.tokenizer import Tokenizer


class Entities:
    """Entities, flat or nested (the contract is `spanbert.tasks.contract.Task`)."""

    name: ClassVar[str] = "entities"
    architecture: str = "BertForTokenClassification"
    head_names: dict[str, dict[str, str]] = TAG_NAMES
    data_formats: ClassVar[str] = DATA_FORMATS
    Settings: ClassVar[type[EntitySettings]] = EntitySettings
    gold_fields: ClassVar[tuple[str, ...]] = ("entities",)

    def __init__(self, settings: EntitySettings | None = None) -> None:
        self.settings = settings or EntitySettings()
        if self.settings.nested:
            self.architecture = "BertModel"
            self.head_names = SPAN_NAMES

    @property
    def labels(self) -> tuple[str, ...]:
        """Tags of words, or types of spans; empty before anything was learned."""
        return self.settings.labels

    def read(self, path: Path) -> Iterator[EntityExample]:
        """Texts of a file or brat folder, in any of the formats. Raises DataError."""
        return formats.read_examples(path)

    def parse(self, item: Mapping[str, Any], place: str, line: int | None) -> EntityExample:
        """One JSON object as a text. Raises DataError."""
        return formats.parse_item(item, Place(place, line))

    def has_gold(self, example: EntityExample) -> bool:
        """Whether entities, or their absence, are given."""
        return example.entities is not None

    def learn(self, examples: Sequence[EntityExample]) -> Entities:
        """The task with the types of the data, and the decoder that its entities need.

        Raises:
            DataError: the data has no entity.
            SettingsError: labels were chosen that lack a type of the data.
        """
        gold = [example.entities for example in examples if example.entities]
        types = tuple(sorted({entity.type for entities in gold for entity in entities}))
        if not types:
            raise DataError("training needs entities; the data has none")
        decoder = self.settings.decoder
        if decoder == "auto":
            decoder = "nested" if any(map(overlapping, gold)) else "flat"
        learned = self.settings.model_copy(update={"decoder": decoder})
        if self.settings.labels:
            if lacking := sorted(set(types) - set(types_of(learned))):
                raise SettingsError(
                    f"the chosen labels lack types of the training data: {', '.join(lacking)}"
                )
            return Entities(learned)
        labels = types if learned.nested else TagSet.bio(types)
        return Entities(learned.model_copy(update={"labels": labels}))

    def features(self, examples: Sequence[EntityExample], tokenizer: Tokenizer) -> list[list[EntityFeature]]:
        """The windows of each text. Raises DataError that names the text."""
        encoder = EntityEncoder(tokenizer, self.settings)
        found = []
        for example, text in zip(examples, encoder.cut(examples), strict=True):
            with about(f"text {example.id!r}"):
                found.append(encoder.features(text))
        return found

    def training_set(self, examples: Iterable[EntityExample], tokenizer: Tokenizer) -> EntityTrainingSet:
        """Texts with gold, ready for training."""
        return EntityTrainingSet(examples, tokenizer, self.settings)

    def collate(self, features: Sequence[EntityFeature]) -> EntityBatch:
        """One packed batch."""
        return collate(features, self.settings)

    def within(self, positions: int) -> Entities:
        """Windows no longer than `positions` pieces. Raises SettingsError where longer ones were chosen."""
        return Entities(self.settings.within(positions))

    def build(self, encoder: Encoder) -> EntityModel:
        """Encoder with random scores of tags or spans.

        Raises:
            SettingsError: there are no labels yet, or they are no tags.
        """
        if not self.settings.labels or not types_of(self.settings):
            raise SettingsError("the model has no labels of entities; fine-tune it first")
        longest = self.settings.longest_entity if self.settings.nested else None
        return EntityModel(encoder, len(self.settings.labels), longest)

    def decode(
        self,
        example: EntityExample,
        features: Sequence[EntityFeature],
        outputs: Sequence[NDArray[np.float32]],
    ) -> EntityPrediction:
        """The entities of a text from the scores of all its windows."""
        return decode(example, features, outputs, self.settings)

    def fit(self, examples: Sequence[EntityExample], predictions: Sequence[EntityPrediction]) -> Entities:
        """The bias towards finding more or less that gives the best F1, and the temperature."""
        return Entities(fitting.fitted(metrics.with_gold(examples, predictions), self.settings))

    def refit(self, prediction: EntityPrediction) -> EntityPrediction:
        """A prediction made under other settings, as these would have it."""
        return reconsider(prediction, self.settings)

    def score(self, examples: Sequence[EntityExample], predictions: Sequence[EntityPrediction]) -> Report:
        """Precision, recall and F1, strict and partial, by type and by kind of error."""
        return metrics.score_entities(examples, predictions, self.settings)

    def analysis(
        self,
        examples: Sequence[EntityExample],
        predictions: Sequence[EntityPrediction],
        training: Iterable[EntityExample] | None = None,
    ) -> Analysis:
        """Scores of parts of the data, and every entity that was missed or found wrongly."""
        return analyse(examples, predictions, self.settings, training)
