"""Score a model on labelled data: a model and a file in, values with their provenance out."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spanbert.errors import SettingsError
from spanbert.inference.engine import Track, untracked
from spanbert.scoring.analysis import Analysis
from spanbert.scoring.report import Report
from spanbert.tasks.contract import Analysing
from spanbert.text.files import atomic_write, make_folder, write_json
from spanbert.workflows.confusion_picture import confusion_matrix, draw_confusion
from spanbert.workflows.labelled_data import Source
from spanbert.workflows.pages.analysis_page import analysis_page
from spanbert.workflows.predict import load
from spanbert.workflows.provenance import machine, model_sha256, package


@dataclass(frozen=True)
class Evaluation:
    """A report and where it comes from.

    Args:
        report: the values.
        task: name of the task.
        model: folder that was scored.
        data: file or frame it was scored on.
        seconds: cutting, running, decoding; loading and scoring are not in it.
        pieces: real pieces that the encoder read.
    """

    report: Report
    task: str
    model: str
    data: Source
    seconds: float
    pieces: int

    def to_json(self) -> dict[str, Any]:
        """Plain types; what `report.json` holds."""
        return {
            **self.report.to_json(),
            "model": {"path": self.model, "sha256": model_sha256(Path(self.model), part=self.task)},
            "data": {"path": self.data.name, "sha256": self.data.sha256()},
            "seconds": round(self.seconds, 3),
            "pieces": self.pieces,
            "pieces_per_second": round(self.pieces / self.seconds, 1) if self.seconds else None,
            "machine": machine(),
            "package": package(),
        }


@dataclass(frozen=True)
class Seen:
    """What a model was trained on: a name of it, and its examples."""

    name: str
    examples: list[Any]


def evaluate(
    task: str,
    *,
    model: str | Path,
    data: Any,
    output: str | Path | None = None,
    offline: bool = False,
    precision: str = "float32",
    task_settings: Mapping[str, Any] | None = None,
    training_data: Any = None,
    command: str | None = None,
    track: Track = untracked,
) -> Evaluation:
    """Predict a labelled file and score the predictions.

    Args:
        task: name of the task.
        model: a model trained for it.
        data: file with gold, or a frame of pandas or polars.
        output: folder for `report.json` and `predictions.jsonl`; for question answering also for
            `predictions.json` in the form that the official scripts read, where the report has a confusion
            matrix for `confusion.png`, and where the task can say where its errors are for `report.html`.
        offline: take a hub id from the cache only.
        precision: arithmetic, `float32`, `bfloat16` or `int8`.
        task_settings: settings of the task in place of those stored with the model.
        training_data: what the model was trained on, so that the error analysis can tell what was seen in it.
        command: how this was asked for, to be recorded.
        track: passes the model's outputs on as they come and may show how far they are.

    Raises:
        SpanbertError: the model or the data is not as it must be, or the folder cannot be written.
    """
    predictor = load(model, task, offline=offline, precision=precision, task_settings=task_settings)
    predictor.engine.track = track
    source = Source.of(data, "data")
    examples = source.read(predictor.task)
    seen = None
    if training_data is not None:
        if output is None or not isinstance(predictor.task, Analysing):
            lacking = "an output folder" if output is None else f"a task that has one, unlike {task}"
            raise SettingsError(f"training data serve the error analysis alone, which needs {lacking}")
        training = Source.of(training_data, "training data")
        seen = Seen(training.name, training.read(predictor.task))
    if output is not None:
        make_folder(Path(output))  # a place that cannot be written is refused before the work, not after
    began = time.perf_counter()
    predictions = list(predictor.predict(examples))
    seconds = time.perf_counter() - began
    evaluation = Evaluation(
        predictor.task.score(examples, predictions),
        predictor.task.name,
        str(predictor.source or model),
        source,
        seconds,
        predictor.engine.pieces,
    )
    if output is not None:
        _write(Path(output), evaluation, predictions, command)
        if isinstance(predictor.task, Analysing):
            analysis = predictor.task.analysis(examples, predictions, seen.examples if seen else None)
            if analysis is not None:
                _write_page(Path(output) / "report.html", analysis, evaluation, seen)
    return evaluation


def _write(output: Path, evaluation: Evaluation, predictions: Sequence[Any], command: str | None) -> None:
    with atomic_write(output / "predictions.jsonl") as stream:
        for prediction in predictions:
            stream.write(json.dumps(prediction.to_json(), ensure_ascii=False) + "\n")
    if evaluation.report.task == "question-answering":
        write_json(output / "predictions.json", {made.id: made.text for made in predictions})
    write_json(output / "report.json", {**evaluation.to_json(), "command": command})
    if confusion := evaluation.report.details.get("confusion"):
        draw_confusion(*confusion_matrix(confusion), output / "confusion.png")


def _write_page(path: Path, analysis: Analysis, evaluation: Evaluation, seen: Seen | None) -> None:
    page = analysis_page(
        analysis,
        model=evaluation.model,
        data=evaluation.data.name,
        training_data=seen.name if seen else None,
        lost_gold=evaluation.report.lost_gold,
    )
    with atomic_write(path) as stream:
        stream.write(page)
