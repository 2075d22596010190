"""Score a model on labelled data: a model and a file in, values with their provenance out."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spanbert.errors import DataError
from spanbert.scoring.report import Report
from spanbert.text.files import atomic_write, make_folder, write_json
from spanbert.workflows.predict import load
from spanbert.workflows.provenance import file_sha256, machine, model_sha256, package


@dataclass(frozen=True)
class Evaluation:
    """A report and where it comes from.

    Args:
        report: the values.
        model: folder that was scored.
        data: file it was scored on.
        seconds: cutting, running, decoding; loading and scoring are not in it.
        pieces: real pieces that the encoder read.
    """

    report: Report
    model: str
    data: Path
    seconds: float
    pieces: int

    def to_json(self) -> dict[str, Any]:
        """Plain types; what `report.json` holds."""
        return {
            **self.report.to_json(),
            "model": {"path": self.model, "sha256": model_sha256(Path(self.model))},
            "data": {"path": str(self.data), "sha256": file_sha256(self.data)},
            "seconds": round(self.seconds, 3),
            "pieces": self.pieces,
            "pieces_per_second": round(self.pieces / self.seconds, 1) if self.seconds else None,
            "machine": machine(),
            "package": package(),
        }


def evaluate(
    task: str,
    *,
    model: str | Path,
    data: str | Path,
    output: str | Path | None = None,
    offline: bool = False,
    precision: str = "float32",
    task_settings: Mapping[str, Any] | None = None,
    command: str | None = None,
) -> Evaluation:
    """Predict a labelled file and score the predictions.

    Args:
        task: name of the task.
        model: a model trained for it.
        data: file with gold.
        output: folder for `report.json`, `predictions.jsonl` and, for question answering, `predictions.json`
            in the form that the official scripts read.
        offline: take a hub id from the cache only.
        precision: arithmetic, `float32`, `bfloat16` or `int8`.
        task_settings: settings of the task in place of those stored with the model.
        command: how this was asked for, to be recorded.

    Raises:
        SpanbertError: the model or the data is not as it must be, or the folder cannot be written.
    """
    predictor = load(model, task, offline=offline, precision=precision, task_settings=task_settings)
    examples = list(predictor.task.read(Path(data)))
    if not any(map(predictor.task.has_gold, examples)):
        raise DataError("no example has gold: nothing to score against", data)
    if output is not None:
        make_folder(Path(output))  # a place that cannot be written is refused before the work, not after
    began = time.perf_counter()
    predictions = list(predictor.predict(examples))
    seconds = time.perf_counter() - began
    evaluation = Evaluation(
        predictor.task.score(examples, predictions),
        str(predictor.source or model),
        Path(data),
        seconds,
        predictor.engine.pieces,
    )
    if output is not None:
        _write(Path(output), evaluation, predictions, command)
    return evaluation


def _write(output: Path, evaluation: Evaluation, predictions: Sequence[Any], command: str | None) -> None:
    with atomic_write(output / "predictions.jsonl") as stream:
        for prediction in predictions:
            stream.write(json.dumps(prediction.to_json(), ensure_ascii=False) + "\n")
    if evaluation.report.task == "question-answering":
        write_json(output / "predictions.json", {made.id: made.text for made in predictions})
    write_json(output / "report.json", {**evaluation.to_json(), "command": command})
