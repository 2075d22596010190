"""Fine-tune a task on labelled data: settings in, a model folder and a report out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spanbert.checkpoint.folder import read_folder, write_folder
from spanbert.errors import DataError
from spanbert.inference.engine import Engine
from spanbert.scoring.report import Report
from spanbert.tasks import task_class
from spanbert.training.events import Listener
from spanbert.training.loop import Trainer, build_accelerator
from spanbert.training.run_folder import RunFolder
from spanbert.workflows.model_source import build, describe, name_table
from spanbert.workflows.predict import Predictor
from spanbert.workflows.settings import FinetuneSettings


@dataclass(frozen=True)
class _TaskData:
    """A training set and the task's collate, as the loop wants them."""

    training_set: Any
    task: Any

    def epoch(self, seed: int, epoch: int) -> Sequence[Any]:
        return self.training_set.epoch(seed, epoch)  # type: ignore[no-any-return]

    def collate(self, features: Sequence[Any]) -> Any:
        return self.task.collate(features)


def finetune(
    task: str,
    train: Sequence[Path],
    dev: Path,
    model: str | Path,
    output: Path,
    settings: FinetuneSettings | None = None,
    *,
    resume: bool = False,
    listeners: Sequence[Listener] = (),
) -> Report:
    """Train a task's model and keep the checkpoint that scores best on the dev set.

    Args:
        task: name of the task.
        train: data files with gold.
        dev: data file by which the best checkpoint is chosen and thresholds are fitted.
        model: where the encoder starts.
        output: folder of the trained model; `output/run` holds settings, metrics and resume points.
        settings: of the loop and the task.
        resume: go on with the unfinished run in `output`.
        listeners: hear of the run.

    Returns:
        The dev report of the checkpoint that was kept.

    Raises:
        SpanbertError: data, model or settings are not as they must be, or training cannot go on.
    """
    settings = settings or FinetuneSettings()
    run = RunFolder(output / "run", resume=resume)
    run.write_settings(
        {
            "task": task,
            "train": [str(path) for path in train],
            "dev": str(dev),
            "model": str(model),
            **settings.model_dump(),
        }
    )
    cls = task_class(task)
    checkpoint = read_folder(Path(model))
    made = build(checkpoint, cls(cls.Settings.model_validate(settings.task_settings)), dropout=settings.dropout)
    examples = [example for path in train for example in made.task.read(path)]
    training_set = made.task.training_set(examples, made.tokenizer)
    held_out = list(made.task.read(dev))
    if not held_out:
        raise DataError("no examples", dev)
    accelerator = build_accelerator(settings)
    engine: Engine[Any] = Engine(made.model, made.task.collate, device=accelerator.device)
    best: list[Report] = []

    def evaluate() -> Report:
        # Predictions keep all candidates, so the fitted task can be scored by decoding them again.
        free = list(Predictor(made.task, engine, made.tokenizer).predict(held_out))
        nonlocal fitted
        fitted = made.task.fit(held_out, free)
        return fitted.score(held_out, [fitted.refit(prediction) for prediction in free])  # type: ignore[no-any-return]

    def keep(report: Report) -> None:
        best[:] = [report]
        write_folder(
            output,
            accelerator.unwrap_model(made.model),
            name_table(made.task),
            checkpoint.config,
            made.tokenizer,
            architecture=made.task.architecture,
            task=describe(fitted),
        )

    fitted = made.task
    trainer = Trainer(
        made.model,
        _TaskData(training_set, made.task),
        settings,
        run,
        evaluate=evaluate,
        keep=keep,
        listeners=[run, *listeners],
        accelerator=accelerator,
    )
    trainer.train()
    run.finish()
    return best[0]
