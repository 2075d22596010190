"""Classification as a task: the verbs of the contract."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from spanbert.checkpoint.names import POOLER_NAMES
from spanbert.nn.encoder import Encoder
from spanbert.scoring.report import Report
from spanbert.tasks.classification import examples as records
from spanbert.tasks.classification import metrics
from spanbert.tasks.classification.calibrate import calibrated
from spanbert.tasks.classification.decode import decode, reconsider
from spanbert.tasks.classification.examples import ClassificationExample, ClassificationPrediction
from spanbert.tasks.classification.features import (
    ClassificationBatch,
    ClassificationFeature,
    ClassificationTrainingSet,
    collate,
    features,
)
from spanbert.tasks.classification.labels import label_names, learned
from spanbert.tasks.classification.model import ClassificationModel
from spanbert.tasks.classification.settings import ClassificationSettings
from spanbert.text.tokenizer import Tokenizer


class Classification:
    """Labels or a number for a text or a pair of texts (the contract is `spanbert.tasks.contract.Task`)."""

    name: ClassVar[str] = "classification"
    data_formats: ClassVar[str] = records.DATA_FORMATS
    Settings: ClassVar[type[ClassificationSettings]] = ClassificationSettings

    def __init__(self, settings: ClassificationSettings | None = None) -> None:
        self.settings = settings or ClassificationSettings()

    @property
    def architecture(self) -> str:
        """BERT's sequence classifier, which pools the first piece; transformers has none of the mean."""
        return "BertForSequenceClassification" if self.settings.pooling == "first" else "BertModel"

    @property
    def gold_fields(self) -> tuple[str, ...]:
        """Usual names of the label's column, or the one that settings say."""
        return (self.settings.label_column,) if self.settings.label_column else ("label", "labels", "score")

    @property
    def head_names(self) -> dict[str, dict[str, str]]:
        """Under names of their own where transformers has no such head."""
        if self.settings.pooling == "first":
            names = {"pooler": POOLER_NAMES, "head": {"scores.*": "classifier.*"}}
        else:
            names = {"head": {"scores.*": "text_classifier.*"}}
        if self.settings.window_pooling == "learned":
            names["window_weight"] = {"scores.*": "window_weight.*"}
        return names

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of what the head scores."""
        return self.settings.labels

    def read(self, path: Path) -> Iterator[ClassificationExample]:
        """Texts of a CSV, TSV, JSONL or text file, as a stream. Raises DataError."""
        return records.read_examples(path, self.settings)

    def read_table(
        self, rows: Iterable[tuple[int, Mapping[str, Any]]], names: Iterable[str], place: str
    ) -> Iterator[ClassificationExample]:
        """Texts of numbered rows of a table whose columns have these names. Raises DataError."""
        return records.read_table(rows, names, self.settings, place)

    def parse(self, item: Mapping[str, Any], place: str, line: int | None) -> ClassificationExample:
        """One JSON object as a text. Raises DataError."""
        return records.parse_example(item, self.settings, place, line)

    def has_gold(self, example: ClassificationExample) -> bool:
        """Whether a label is given."""
        return example.gold is not None

    def stratum(self, example: ClassificationExample) -> Hashable:
        """The label (of several the first), so that a held-out share has the mix of labels of the whole."""
        if example.gold is None or self.settings.kind == "number":
            return None
        return next(iter(label_names(example.gold)), "")

    def learn(self, examples: Sequence[ClassificationExample]) -> Classification:
        """The task with kind and labels of the training data. Raises DataError, SettingsError."""
        return Classification(learned(examples, self.settings))

    def features(
        self, examples: Sequence[ClassificationExample], tokenizer: Tokenizer
    ) -> list[list[ClassificationFeature]]:
        """The windows of each text. Raises DataError that names the text."""
        return features(examples, tokenizer, self.settings)

    def training_set(
        self, examples: Iterable[ClassificationExample], tokenizer: Tokenizer
    ) -> ClassificationTrainingSet:
        """Texts with labels, ready for training."""
        return ClassificationTrainingSet(examples, tokenizer, self.settings)

    def collate(self, features: Sequence[ClassificationFeature]) -> ClassificationBatch:
        """One packed batch."""
        return collate(features)

    def within(self, positions: int) -> Classification:
        """Windows no longer than `positions` pieces. Raises SettingsError where longer ones were chosen."""
        return Classification(self.settings.within(positions))

    def build(self, encoder: Encoder) -> ClassificationModel:
        """Encoder with a random head."""
        return ClassificationModel(encoder, self.settings)

    def decode(
        self,
        example: ClassificationExample,
        features: Sequence[ClassificationFeature],
        outputs: Sequence[Any],
    ) -> ClassificationPrediction:
        """The labels of a text from the scores of all its windows."""
        return decode(example, features, outputs, self.settings)

    def fit(
        self, examples: Sequence[ClassificationExample], predictions: Sequence[ClassificationPrediction]
    ) -> Classification:
        """Temperature, and with several labels the threshold, chosen on held-out predictions."""
        return Classification(calibrated(examples, predictions, self.settings))

    def refit(self, prediction: ClassificationPrediction) -> ClassificationPrediction:
        """A prediction made under another temperature or threshold, as these settings would have it."""
        return reconsider(prediction, self.settings)

    def check_gold(self, examples: Sequence[ClassificationExample]) -> None:
        """Raises DataError where the gold of dev data is none that the learned task can be scored by."""
        metrics.check_gold(examples, self.settings)

    def score(
        self, examples: Sequence[ClassificationExample], predictions: Sequence[ClassificationPrediction]
    ) -> Report:
        """Accuracy and F1, or correlations of numbers."""
        return metrics.score(examples, predictions, self.settings)
