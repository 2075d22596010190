"""Fine-tune a task on labelled data: settings in, a model folder and a report out."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from spanbert.checkpoint.source import read_checkpoint
from spanbert.inference.engine import Engine
from spanbert.nn.freezing import freeze
from spanbert.scoring.report import Report
from spanbert.tasks import task_class
from spanbert.training.data import FeatureEpoch
from spanbert.training.events import Listener
from spanbert.training.loop import Trainer
from spanbert.training.processes import Processes, told_of_death
from spanbert.training.run_folder import RunFolder
from spanbert.workflows.labelled_data import LabelledData, Sources
from spanbert.workflows.model_card import CardFacts, model_card
from spanbert.workflows.model_source import (
    TaskModel,
    build_untrained,
    describe,
    name_table,
    starting_point,
)
from spanbert.workflows.predict import Predictor
from spanbert.workflows.provenance import model_sha256
from spanbert.workflows.run_folder import finished_before, run_folder
from spanbert.workflows.run_options import check_options, compiled_where_asked, recorders
from spanbert.workflows.settings import FinetuneSettings, checked
from spanbert.workflows.write_model import write_model


@told_of_death()
def finetune(
    task: str,
    *,
    train: Any,
    dev: Any = None,
    model: str | Path,
    output: str | Path,
    resume: bool = False,
    offline: bool = False,
    listeners: Sequence[Listener] = (),
    **settings: Any,
) -> Report:
    """Train a task's model and keep the checkpoint that scores best on the dev set.

    Args:
        task: name of the task.
        train: data with gold: a file, a frame of pandas or polars, or several of them.
        dev: a file or frame by which the best checkpoint is chosen and thresholds are fitted; when left out,
            `held_out` of the training data.
        model: where the encoder starts: a shipped name, a folder, an archive or a hub id.
        output: folder of the trained model; `output/run` holds settings, metrics and resume points.
        resume: go on with the unfinished run in `output`; of a finished one its report is returned.
        offline: take a hub id from the cache only.
        listeners: hear of the run.
        settings: fields of `FinetuneSettings`.

    Returns:
        The dev report of the checkpoint that was kept; `lost_gold` counts what training could not use too.

    Raises:
        SpanbertError: data, model or settings are not as they must be, or training cannot go on.
    """
    target = Path(output)
    processes = Processes()

    def opened() -> tuple[FinetuneSettings, TaskModel, RunFolder, _Data]:
        chosen = checked(FinetuneSettings, settings, "settings")
        check_options(chosen, processes.accelerator.device)
        cls = task_class(task)
        untaught = cls(checked(cls.Settings, chosen.task_settings, f"settings of {task}"))
        sources = Sources.of(train, dev, chosen.fit)
        whole = read_checkpoint(model, offline=offline)
        checkpoint = starting_point(whole, untaught)
        part = None if checkpoint is whole else task
        start = {"model": str(model), "model_sha256": model_sha256(checkpoint.path, part=part)}
        described = {"task": task, **sources.described(), **start}
        run = run_folder(target, described, chosen, processes, resume=resume)
        given = sources.read(untaught)
        learned = untaught.learn(given.train)
        given = given.with_dev(learned, chosen.held_out, chosen.seed)
        torch.manual_seed(chosen.seed)  # a new head starts the same whatever was drawn before
        made = build_untrained(checkpoint, learned, dropout=chosen.dropout)
        if chosen.frozen_layers is not None:
            freeze(made.model, chosen.frozen_layers)
        return chosen, made, run, _Data.of(given, made)

    chosen, made, run, data = processes.main_first(opened)
    if (report := finished_before(run, processes)) is not None:
        return report
    compiled_where_asked(made.model, chosen)
    engine: Engine[Any] = Engine(made.model, made.task.collate, device=processes.accelerator.device)
    fitted = made.task

    def evaluate() -> Report:
        nonlocal fitted
        predictor = Predictor(made.task, engine, made.tokenizer)
        # Predictions keep all candidates, so the fitted task can be scored by deciding anew on the same ones.
        free = list(predictor.predict(data.dev))
        fit_on = free if data.fit is data.dev else list(predictor.predict(data.fit))
        fitted = made.task.fit(data.fit, fit_on)
        report: Report = fitted.score(data.dev, [fitted.refit(prediction) for prediction in free])
        return replace(report, lost_gold={**report.lost_gold, **data.lost_gold()})

    def keep(report: Report) -> None:
        facts = CardFacts(made.task, fitted, chosen, str(model), data.counts, report)
        write_model(
            target,
            made.model,
            name_table(made.task),
            made.checkpoint.config,
            made.tokenizer,
            architecture=made.task.architecture,
            labels=made.task.labels or None,
            card=model_card(facts, target.name),
            task=describe(fitted),
        )

    trainer = Trainer(
        made.model,
        data,
        chosen,
        run,
        evaluate=evaluate,
        keep=keep,
        listeners=[*recorders(run, chosen), *listeners],
        processes=processes,
    )
    with closing(run):
        processes.main_alone(run.begin)
        best = trainer.train()
        processes.main_alone(lambda: run.finish(best))
    return best


@dataclass(frozen=True)
class _Data:
    """Data of a run in memory, as the loop (`epoch`) and the evaluations want it."""

    task: Any
    training_set: Any
    dev: list[Any]
    fit: list[Any]
    counts: dict[str, int]
    """Examples of each source."""

    @classmethod
    def of(cls, given: LabelledData, made: TaskModel) -> _Data:
        training_set = made.task.training_set(given.train, made.tokenizer)
        assert given.dev is not None and given.fit is not None
        data = cls(made.task, training_set, given.dev, given.fit, given.counts)
        if data.lost_gold():
            lost = ", ".join(f"{count} x {reason}" for reason, count in data.lost_gold().items())
            logging.getLogger(__name__).warning("gold that cannot be used: %s", lost)
        return data

    def epoch(self, seed: int, epoch: int) -> FeatureEpoch:
        return FeatureEpoch(self.training_set.epoch(seed, epoch), self.task.collate)

    def lost_gold(self) -> dict[str, int]:
        return {
            f"{reason} (training)": count for reason, count in self.training_set.lost_gold.items() if count
        }
