"""Load a model once, then items in and predictions out: for the command line, the server and notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import is_dataclass
from operator import length_hint
from pathlib import Path
from typing import Any

from spanbert.checkpoint.source import read_checkpoint
from spanbert.errors import DataError, SpanbertError
from spanbert.inference.engine import Engine
from spanbert.inference.precision import Precision, device_for, parse_precision, with_precision
from spanbert.tasks.contract import Task
from spanbert.text.fields import shown
from spanbert.text.tokenizer import Tokenizer
from spanbert.workflows.frames import frame_rows, is_frame
from spanbert.workflows.model_source import TaskModel, build_trained

EXAMPLES_AT_ONCE = 64


class Predictor:
    """A task with a trained model.

    Args:
        task: the task with its settings.
        engine: runs the model.
        tokenizer: of the model.
        source: the loaded model folder, when there is one.
    """

    def __init__(
        self, task: Task[Any, Any, Any], engine: Engine[Any], tokenizer: Tokenizer, source: Path | None = None
    ) -> None:
        self.task = task
        self.engine = engine
        self.tokenizer = tokenizer
        self.source = source

    @classmethod
    def of(cls, made: TaskModel, precision: Precision = Precision.FLOAT32) -> Predictor:
        """A predictor of a loaded model, on the GPU when there is one (int8 products are the CPU's)."""
        device = device_for(precision)
        model = with_precision(made.model, precision).to(device)
        engine: Engine[Any] = Engine(model, made.task.collate, device=device)
        return cls(made.task, engine, made.tokenizer, made.checkpoint.path)

    def predict(self, items: Iterable[Any]) -> Iterator[Any]:
        """Predictions in the order of the items, as a stream with bounded memory.

        Args:
            items: the task's examples, JSON-like dictionaries as `predict` reads them, a frame of pandas or
                polars with such fields as columns, or, for tasks of one text, strings.

        Raises:
            DataError: an item is not of the task's form; the predictions of all items before it come first.
        """
        if isinstance(items, str | bytes | Mapping):
            raise DataError(
                f"predict takes a list of items; for one, call the predictor: predictor({shown(items)})"
            )
        expected = length_hint(items)
        for example, features, outputs in self.engine.run_groups(self._featurized(items), expected):
            yield self.task.decode(example, features, outputs)

    def __call__(self, item: Any) -> Any:
        """The prediction for one item."""
        return next(iter(self.predict([item])))

    def _featurized(self, items: Iterable[Any]) -> Iterator[tuple[Any, list[Any]]]:
        for examples in self._chunks(items):
            try:
                found = self.task.features(examples, self.tokenizer)
            except SpanbertError:  # one by one, so that those before the wrong one are not lost with it
                for example in examples:
                    yield example, self.task.features([example], self.tokenizer)[0]
            else:
                yield from zip(examples, found, strict=True)

    def _chunks(self, items: Iterable[Any]) -> Iterator[list[Any]]:
        chunk: list[Any] = []
        try:
            for number, item in enumerate(frame_rows(items) if is_frame(items) else items, start=1):
                fields = {"text": item} if isinstance(item, str) else item
                if not (isinstance(fields, Mapping) or is_dataclass(fields)):
                    raise DataError(f"a dictionary is needed, found {shown(fields)}", "item", number)
                chunk.append(self.task.parse(fields, "item", number) if isinstance(fields, Mapping) else item)
                if len(chunk) == EXAMPLES_AT_ONCE:
                    yield chunk
                    chunk = []
        except SpanbertError:
            if chunk:
                yield chunk
            raise
        if chunk:
            yield chunk


def load(
    model: str | Path,
    task: str | None = None,
    *,
    offline: bool = False,
    precision: str = "float32",
    task_settings: Mapping[str, Any] | None = None,
) -> Predictor:
    """A predictor of a model.

    Args:
        model: a shipped name, a folder, an archive, a weights file or a hub id.
        task: which task; the one the model was trained for when left out.
        offline: take a hub id from the cache only.
        precision: arithmetic of the matrix products, `float32`, `bfloat16` or `int8`.
        task_settings: settings of the task in place of those stored with the model.

    Raises:
        CheckpointError: the model cannot be loaded or has no trained head for the task.
        SettingsError: no such precision, or not on this machine; or a wrong setting of the task.
    """
    chosen = parse_precision(precision)
    return Predictor.of(build_trained(read_checkpoint(model, offline=offline), task, task_settings), chosen)
