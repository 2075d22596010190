"""Coreference as a task: the verbs of the contract."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from spanbert.nn.encoder import Encoder
from spanbert.scoring.analysis import Analysis
from spanbert.scoring.calibration import fit_temperature
from spanbert.scoring.report import Report
from spanbert.tasks.coreference import examples as records
from spanbert.tasks.coreference import metrics
from spanbert.tasks.coreference.analysis import analyse
from spanbert.tasks.coreference.decode import CoreferencePrediction, decode, reconsider
from spanbert.tasks.coreference.examples import CoreferenceExample
from spanbert.tasks.coreference.features import (
    CoreferenceBatch,
    CoreferenceFeature,
    CoreferenceTrainingSet,
    collate,
)
from spanbert.tasks.coreference.model import CoreferenceModel, Mentions, head_names
from spanbert.tasks.coreference.segments import cut_documents
from spanbert.tasks.coreference.settings import CoreferenceSettings
from spanbert.text.tokenizer import Tokenizer


class Coreference:
    """Mentions and what they mean (the contract is `spanbert.tasks.contract.Task`)."""

    name: ClassVar[str] = metrics.NAME
    architecture: ClassVar[str] = "BertModel"
    data_formats: ClassVar[str] = records.DATA_FORMATS
    head_names: ClassVar[dict[str, dict[str, str]]] = head_names()
    Settings: ClassVar[type[CoreferenceSettings]] = CoreferenceSettings
    gold_fields: ClassVar[tuple[str, ...]] = ("clusters",)
    reads_documents: ClassVar[bool] = True
    labels: ClassVar[tuple[str, ...]] = ()

    def __init__(self, settings: CoreferenceSettings | None = None) -> None:
        self.settings = settings or CoreferenceSettings()

    def read(self, path: Path) -> Iterator[CoreferenceExample]:
        """Documents of a JSON lines file, a text or GAP's table. Raises DataError."""
        return records.read_examples(path)

    def parse(self, item: Mapping[str, Any], place: str, line: int | None) -> CoreferenceExample:
        """One JSON object as a document. Raises DataError."""
        return records.parse_example(item, place, line)

    def has_gold(self, example: CoreferenceExample) -> bool:
        """Whether clusters are given, or the answer to GAP's question."""
        return example.clusters is not None or bool(example.gap and example.gap.gold)

    def learn(self, examples: Sequence[CoreferenceExample]) -> Coreference:
        """Whether singletons are annotated, unless the settings say whether they are wanted."""
        if "singletons" in self.settings.model_fields_set:
            return self
        singletons = any(len(cluster) == 1 for example in examples for cluster in example.clusters or ())
        return Coreference(self.settings.model_copy(update={"singletons": singletons}))

    def features(
        self, examples: Sequence[CoreferenceExample], tokenizer: Tokenizer
    ) -> list[list[CoreferenceFeature]]:
        """The segments of each document. Raises DataError that names the document."""
        return [
            [CoreferenceFeature(document, (segment,)) for segment in document.segments]
            for document in cut_documents(examples, tokenizer, self.settings)
        ]

    def training_set(
        self, examples: Iterable[CoreferenceExample], tokenizer: Tokenizer
    ) -> CoreferenceTrainingSet:
        """Documents with gold, ready for training."""
        return CoreferenceTrainingSet(examples, tokenizer, self.settings)

    def collate(self, features: Sequence[CoreferenceFeature]) -> CoreferenceBatch:
        """One packed batch."""
        return collate(features)

    def within(self, positions: int) -> Coreference:
        """Segments no longer than `positions` pieces. Raises SettingsError where longer ones were chosen."""
        return Coreference(self.settings.within(positions))

    def build(self, encoder: Encoder) -> CoreferenceModel:
        """Encoder with random scores of mentions and links."""
        return CoreferenceModel(encoder, self.settings)

    def decode(
        self,
        example: CoreferenceExample,
        features: Sequence[CoreferenceFeature],
        outputs: Sequence[Mentions],
    ) -> CoreferencePrediction:
        """The clusters of a document from the spans of all its segments."""
        return decode(example, features, outputs, self.settings)

    def fit(
        self, examples: Sequence[CoreferenceExample], predictions: Sequence[CoreferencePrediction]
    ) -> Coreference:
        """Temperature of mentions, then the threshold for singletons by CoNLL F1, on held-out predictions."""
        pairs = [
            (example, made)
            for example, made in zip(examples, predictions, strict=True)
            if example.clusters is not None
        ]
        if not pairs:
            return self
        told, right = [], []
        for example, made in pairs:
            gold = {span for cluster in example.clusters or () for span in cluster}
            linked = [
                mention
                for cluster in made.clusters
                if len(cluster.mentions) > 1
                for mention in cluster.mentions
            ]
            for mention in (*linked, *made.alone):
                told.append(np.asarray([0.0, mention.score]))
                right.append((mention.score > 0) == (mention.chars in gold))
        fitted = self.settings.model_copy(update={"temperature": round(fit_temperature(told, right), 4)})
        if fitted.singletons:

            def refit(made: CoreferencePrediction, threshold: float) -> CoreferencePrediction:
                return reconsider(made, fitted.model_copy(update={"mention_threshold": threshold}))

            threshold = metrics.best_mention_threshold(
                [example for example, _ in pairs], [made for _, made in pairs], refit
            )
            fitted = fitted.model_copy(update={"mention_threshold": round(threshold, 4)})
        return Coreference(fitted)

    def refit(self, prediction: CoreferencePrediction) -> CoreferencePrediction:
        """The same links with the singletons that these settings would have."""
        return reconsider(prediction, self.settings)

    def score(
        self, examples: Sequence[CoreferenceExample], predictions: Sequence[CoreferencePrediction]
    ) -> Report:
        """CoNLL F1 and the metrics behind it, or GAP's scores."""
        return metrics.score_clusters(examples, predictions)

    def analysis(
        self,
        examples: Sequence[CoreferenceExample],
        predictions: Sequence[CoreferencePrediction],
        training: Iterable[CoreferenceExample] | None = None,
    ) -> Analysis | None:
        """Scores of parts of the data, and every error; None without gold clusters, as of GAP's questions."""
        return analyse(examples, predictions, training)
