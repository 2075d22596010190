"""What a task is: the verbs that training, evaluation, prediction and the server know it by.

The road of an example: `read` or `parse` -> `features` -> `collate` -> model -> `decode` -> `score`.
Examples and predictions speak characters, features and batches speak pieces.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel, ConfigDict
from torch import nn

from spanbert.nn.encoder import Encoder
from spanbert.scoring.analysis import Analysis
from spanbert.scoring.report import Report
from spanbert.text.tokenizer import Tokenizer
from spanbert.training.data import Batch
from spanbert.training.data import Output as TrainingOutput


class TaskSettings(BaseModel):
    """Base of each task's settings; they travel in `task.json` with the model."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Example(Protocol):
    """One item of a data file."""

    @property
    def id(self) -> str | int:
        """The caller's name for it."""
        ...


class Feature(Protocol):
    """One sequence for the encoder."""

    @property
    def piece_count(self) -> int:
        """Pieces in the sequence, special ones included."""
        ...


class Prediction(Protocol):
    """What a user gets for one example."""

    def to_json(self) -> dict[str, Any]:
        """Plain types; the form of one line of `predictions.jsonl`."""
        ...


class Output(TrainingOutput, Protocol):
    """What a task's model returns for a batch; without targets it has no losses."""

    def per_sequence(self) -> list[Any]:
        """Results on the CPU, one for each feature of the batch, in order."""
        ...


E = TypeVar("E", bound=Example)
F = TypeVar("F", bound=Feature)
P = TypeVar("P", bound=Prediction)
F_co = TypeVar("F_co", bound=Feature, covariant=True)


class TrainingSet(Protocol[F_co]):
    """Examples cut into pieces once, and made into features anew each epoch."""

    lost_gold: dict[str, int]

    def epoch(self, seed: int, epoch: int) -> Sequence[F_co]:
        """The features of one epoch, a pure function of (seed, epoch)."""
        ...


@runtime_checkable
class Stratified(Protocol):
    """A task that wants the mix of its classes kept where a share of its examples is held out."""

    def stratum(self, example: Any) -> Hashable:
        """The class of an example; None where it has none."""
        ...


@runtime_checkable
class ReadsTables(Protocol):
    """A task that finds out once for a table which of its columns hold what."""

    def read_table(
        self, rows: Iterable[tuple[int, Mapping[str, Any]]], names: Iterable[str], place: str
    ) -> Iterator[Any]:
        """Examples of numbered rows of a table whose columns have these names. Raises DataError."""
        ...


@runtime_checkable
class ChecksGold(Protocol):
    """A task that can tell before training whether dev data can score it."""

    def check_gold(self, examples: Sequence[Any]) -> None:
        """Raises DataError where the gold of dev data is none that the learned task can be scored by."""
        ...


@runtime_checkable
class ReadsDocuments(Protocol):
    """A task for which a .txt file is one example, and not one a line."""

    reads_documents: ClassVar[bool]


@runtime_checkable
class Analysing(Protocol):
    """A task that can say where its errors are."""

    def analysis(
        self, examples: Sequence[Any], predictions: Sequence[Any], training: Iterable[Any] | None = None
    ) -> Analysis | None:
        """Scores of parts of the data, and every error; None where the gold is of no kind it can judge so.

        Args:
            examples: at least one with gold.
            predictions: one for each.
            training: what the model was trained on, if it can be had: its gold is counted.
        """
        ...


class Task(Protocol, Generic[E, F, P]):
    """A task with its settings. Instances are immutable; `fit` returns a new one."""

    name: ClassVar[str]
    data_formats: ClassVar[str]
    """What `read` takes, with an example line."""
    settings: Any

    @property
    def gold_fields(self) -> tuple[str, ...]:
        """Fields of that line that say what is right; left out for prediction."""
        ...

    @property
    def architecture(self) -> str:
        """Hugging Face class name written into `config.json`."""
        ...

    @property
    def head_names(self) -> dict[str, dict[str, str]]:
        """For each head module of the model: our tensor names in it -> Hugging Face names."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of what the head scores, for `config.json`; empty where these are no labels."""
        ...

    def read(self, path: Path) -> Iterator[E]:
        """Examples of a data file, gold included. Raises DataError with file and line."""
        ...

    def parse(self, item: Mapping[str, Any], place: str, line: int | None) -> E:
        """One JSON object as an example without need of gold. Raises DataError."""
        ...

    def has_gold(self, example: E) -> bool:
        """Whether an example says what is right, so that a prediction can be scored."""
        ...

    def learn(self, examples: Sequence[E]) -> Task[E, F, P]:
        """The task with what its network must know of the training data before it is built: the labels.

        Raises DataError where the data cannot be learned from, SettingsError where it contradicts settings.
        """
        ...

    def features(self, examples: Sequence[E], tokenizer: Tokenizer) -> list[list[F]]:
        """For each example its features (at least one), without targets."""
        ...

    def training_set(self, examples: Iterable[E], tokenizer: Tokenizer) -> TrainingSet[F]:
        """Examples with gold, ready to be made into training features."""
        ...

    def collate(self, features: Sequence[F]) -> Batch:
        """Features as one batch."""
        ...

    def within(self, positions: int) -> Task[E, F, P]:
        """The task with sequences that an encoder of so many positions can read.

        Raises SettingsError where longer ones were chosen.
        """
        ...

    def build(self, encoder: Encoder) -> nn.Module:
        """The model: encoder with a random head; called with a batch it returns an `Output`."""
        ...

    def decode(self, example: E, features: Sequence[F], outputs: Sequence[Any]) -> P:
        """The prediction for an example from the outputs of all its features."""
        ...

    def fit(self, examples: Sequence[E], predictions: Sequence[P]) -> Task[E, F, P]:
        """Thresholds and temperature chosen on held-out predictions."""
        ...

    def refit(self, prediction: P) -> P:
        """A prediction made under other thresholds, as this task's settings would have it."""
        ...

    def score(self, examples: Sequence[E], predictions: Sequence[P]) -> Report:
        """Metrics of predictions against gold."""
        ...
