"""Fill-mask as a task: the verbs of the contract."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from spanbert.checkpoint.names import BOUNDARY_NAMES, MASKED_LM_NAMES
from spanbert.errors import about
from spanbert.nn.encoder import Encoder
from spanbert.scoring.report import Report
from spanbert.tasks.fill_mask import examples as records
from spanbert.tasks.fill_mask import metrics
from spanbert.tasks.fill_mask.decode import decode
from spanbert.tasks.fill_mask.examples import FillMaskExample, FillMaskPrediction
from spanbert.tasks.fill_mask.features import FillMaskBatch, FillMaskFeature, collate
from spanbert.tasks.fill_mask.layout import FillMaskEncoder
from spanbert.tasks.fill_mask.model import FillMaskModel
from spanbert.tasks.fill_mask.settings import FillMaskSettings
from spanbert.tasks.fill_mask.training_set import FillMaskTrainingSet
from spanbert.text.tokenizer import Tokenizer


class FillMask:
    """Masked language modelling as a task (the contract is `spanbert.tasks.contract.Task`)."""

    name: ClassVar[str] = "fill-mask"
    architecture: ClassVar[str] = "BertForMaskedLM"
    data_formats: ClassVar[str] = records.DATA_FORMATS
    head_names: ClassVar[dict[str, dict[str, str]]] = {
        "masked_lm": MASKED_LM_NAMES,
        "boundary": BOUNDARY_NAMES,
    }
    Settings: ClassVar[type[FillMaskSettings]] = FillMaskSettings
    gold_fields: ClassVar[tuple[str, ...]] = ("answers",)
    labels: ClassVar[tuple[str, ...]] = ()

    def __init__(self, settings: FillMaskSettings | None = None) -> None:
        self.settings = settings or FillMaskSettings()

    def read(self, path: Path) -> Iterator[FillMaskExample]:
        """Texts of a JSONL or .txt file. Raises DataError."""
        return records.read_examples(path)

    def parse(self, item: Mapping[str, Any], place: str, line: int | None) -> FillMaskExample:
        """One JSON object as a text. Raises DataError."""
        return records.parse_example(item, place, line)

    def has_gold(self, example: FillMaskExample) -> bool:
        """Whether it is known what is hidden."""
        return example.has_gold

    def learn(self, examples: Sequence[FillMaskExample]) -> FillMask:
        """Nothing: the vocabulary is the encoder's."""
        return self

    def features(
        self, examples: Sequence[FillMaskExample], tokenizer: Tokenizer
    ) -> list[list[FillMaskFeature]]:
        """What is asked of the windows of each text. Raises DataError that names the text."""
        encoder = FillMaskEncoder(tokenizer, self.settings)
        found = []
        for example in examples:
            with about(example.name):
                found.append(encoder.features(example))
        return found

    def training_set(self, examples: Iterable[FillMaskExample], tokenizer: Tokenizer) -> FillMaskTrainingSet:
        """Texts with gold, ready for training."""
        return FillMaskTrainingSet(examples, tokenizer, self.settings)

    def collate(self, features: Sequence[FillMaskFeature]) -> FillMaskBatch:
        """One packed batch."""
        return collate(features)

    def within(self, positions: int) -> FillMask:
        """Windows no longer than `positions` pieces. Raises SettingsError where longer ones were chosen."""
        return FillMask(self.settings.within(positions))

    def build(self, encoder: Encoder) -> FillMaskModel:
        """Encoder with a random masked-LM head, and a boundary head where the settings say its shape."""
        return FillMaskModel(encoder, self.settings)

    def decode(
        self,
        example: FillMaskExample,
        features: Sequence[FillMaskFeature],
        outputs: Sequence[NDArray[np.float64]],
    ) -> FillMaskPrediction:
        """The fills of a text's masks."""
        return decode(example, features, outputs, self.settings)

    def fit(self, examples: Sequence[FillMaskExample], predictions: Sequence[FillMaskPrediction]) -> FillMask:
        """Nothing: there is no threshold, and chances are the model's own."""
        return self

    def refit(self, prediction: FillMaskPrediction) -> FillMaskPrediction:
        """The prediction as it is."""
        return prediction

    def score(self, examples: Sequence[FillMaskExample], predictions: Sequence[FillMaskPrediction]) -> Report:
        """Accuracy and perplexity of hidden pieces."""
        return metrics.score_pieces(examples, predictions)
