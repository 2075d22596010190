"""The loop: updates, evaluations at even intervals, the best kept, resume points. Knows no task, no text."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from spanbert.errors import TrainingError
from spanbert.scoring.report import Report
from spanbert.training.data import Epoch, TrainingData
from spanbert.training.events import Listener, StepRecord
from spanbert.training.optimizer import build_optimizer
from spanbert.training.order import Indices, epoch_batches
from spanbert.training.processes import Processes
from spanbert.training.run_folder import RunFolder
from spanbert.training.schedule import linear_schedule, stable_schedule
from spanbert.training.settings import TrainingSettings

log = logging.getLogger(__name__)

REMEDY = (
    "what was kept before is intact, but --resume would meet the same again: take another --output, the kept "
    "model (if there is one) as --model, and a lower --learning-rate or --precision float32"
)


@dataclass(frozen=True, slots=True)
class _Update:
    """The batches of one update, over all processes, and where it stands in its epoch."""

    data: Epoch
    lengths: NDArray[np.int64]
    batches: list[Indices]
    epoch: int
    place: int
    places: int


class Trainer:
    """One run of training.

    Args:
        model: called with a batch it returns an `Output`; the loss of an update is the sum of its losses,
            each the mean over the targets of the whole update.
        data: sequences by epoch.
        settings: of the loop.
        run: where resume points go.
        evaluate: scores the dev set with the model as it is (main process only, while the others wait).
        keep: called right after an evaluation that no earlier one beats (main process only).
        listeners: hear of updates and evaluations (main process only).
        processes: those of the run, and their devices; found when left out.
    """

    def __init__(
        self,
        model: nn.Module,
        data: TrainingData,
        settings: TrainingSettings,
        run: RunFolder,
        *,
        evaluate: Callable[[], Report],
        keep: Callable[[Report], None],
        listeners: Sequence[Listener] = (),
        processes: Processes | None = None,
    ) -> None:
        self.settings = settings
        self.processes = processes or Processes()
        self.accelerator = self.processes.accelerator
        self.arithmetic = training_arithmetic(settings, self.accelerator.device)
        self.data = data
        self.run = run
        self.evaluate = evaluate
        self.keep = keep
        self.listeners = listeners if self.processes.is_main else ()
        optimizer = build_optimizer(
            model, settings.learning_rate, settings.weight_decay, settings.head_learning_rate
        )
        self.model, self.optimizer = self.accelerator.prepare(model, optimizer)
        self.step, self.epoch, self.place = 0, 0, 0
        self.best: Report | None = None
        self.stale = 0
        self.steps = 0

    def train(self) -> Report:
        """Run to the end, from the resume point when there is one.

        Returns:
            The report of the best evaluation, that of an earlier part of the run included.

        Raises:
            TrainingError: no data, a loss or gradient that is not a number, a full disk.
        """
        self._restore()
        updates = self._updates()
        first = next(updates, None)
        if first is None:
            raise TrainingError("the training data has no features")
        self.steps = self.steps or self.settings.steps or max(1, round(self.settings.epochs * first.places))
        for listener in self.listeners:
            listener.started(self.step, self.steps)
        reason = "all updates made"
        update: _Update | None = first
        while self.step < self.steps and update is not None:
            record = self._one(update)
            for listener in self.listeners:
                listener.updated(record)
            if evaluation_is_due(self.step, self.steps, self.settings.evaluations):
                self._evaluate()
                if self.settings.patience is not None and self.stale >= self.settings.patience:
                    reason = f"no better score in {self.stale} evaluations"
                    break
            if self.step % self.settings.save_every == 0 and self.step < self.steps:
                self._save()
            update = next(updates, None)
        for listener in self.listeners:
            listener.ended(self.step, reason)
        assert self.best is not None  # an evaluation is due at the last update
        return self.best

    def _updates(self) -> Iterator[_Update]:
        """Updates from the current place on, without end."""
        multiple = self.processes.count * self.settings.accumulate
        for epoch in range(self.epoch, 10**9):
            data = self.data.epoch(self.settings.seed, epoch)
            lengths = data.lengths
            if not len(lengths):
                return
            batches = epoch_batches(lengths, self.settings.batch_pieces, self.settings.seed, epoch, multiple)
            places = len(batches) // multiple
            for place in range(self.place if epoch == self.epoch else 0, places):
                group = batches[place * multiple : (place + 1) * multiple]
                yield _Update(data, lengths, group, epoch, place, places)

    def _one(self, update: _Update) -> StepRecord:
        """Forward and backward over this process's batches, then one optimizer step."""
        began = time.perf_counter()
        factor = schedule_factor(self.settings, self.step, self.steps)
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * factor
        self.model.train()
        numbers = range(self.processes.number, len(update.batches), self.processes.count)
        filled = [number for number in numbers if len(update.batches[number])]
        # All exchange gradients in every update: a process without sequences adds zeros.
        weight = 1.0 if filled else 0.0
        progress = self.step / self.steps
        mine = {number: update.data.batch(update.batches[number], progress) for number in filled or [0]}
        data_seconds = time.perf_counter() - began
        names = list(mine[min(mine)].target_counts)
        counts = self._over_processes(
            [weight * sum(batch.target_counts[name] for batch in mine.values()) for name in names]
        )
        # Each loss is divided by its targets in the whole update, so that the gradient is that of the mean,
        # however sequences are spread over batches and processes (which average their gradients).
        scales = weight / counts.clamp(min=1)
        losses, hits = torch.zeros(2, len(names), device=self.accelerator.device)
        for number, batch in mine.items():
            self._seed_dropout(number)
            last = number == max(mine)
            with contextlib.nullcontext() if last else self.accelerator.no_sync(self.model):
                with self.arithmetic:
                    output = self.model(batch.to(self.accelerator.device))
                parts = torch.stack([output.losses[name] for name in names]) * scales
                self.accelerator.backward(parts.sum() * self.processes.count)
            losses += parts.detach()
            for place, name in enumerate(names):
                hits[place] += weight * output.hits[name].sum() if name in output.hits else torch.nan
        norm = self.accelerator.clip_grad_norm_(self.model.parameters(), self.settings.max_gradient_norm)
        means = dict(zip(names, self._over_processes(losses).tolist(), strict=True))
        shares = dict(zip(names, (100 * self._over_processes(hits) * scales).tolist(), strict=True))
        total = sum(means.values())
        if not (math.isfinite(total) and math.isfinite(float(norm))):
            error = TrainingError(
                f"update {self.step + 1}: the loss is {total}, the gradient norm {float(norm)} "
                f"({self._culprits(update)}); {REMEDY}"
            )
            raise self.processes.told_once(error)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self.epoch, self.place = update.epoch, update.place + 1
        return StepRecord(
            step=self.step,
            steps=self.steps,
            epoch=round(update.epoch + self.place / update.places, 4),
            loss=round(total, 6),
            losses={name: round(value, 6) for name, value in means.items()},
            accuracies={name: round(value, 4) for name, value in shares.items() if not math.isnan(value)},
            gradient_norm=round(float(norm), 6),
            learning_rate=self.settings.learning_rate * factor,
            pieces=int(sum(update.lengths[indices].sum() for indices in update.batches)),
            seconds=round(time.perf_counter() - began, 4),
            data_seconds=round(data_seconds, 4),
        )

    def _culprits(self, update: _Update) -> str:
        """In words, which sequences of an update have a loss that is no number, each read alone."""
        model = self.accelerator.unwrap_model(self.model)
        names = []
        for index in np.concatenate(update.batches):
            batch = update.data.batch(np.asarray([index]), self.step / self.steps)
            with torch.no_grad(), self.arithmetic:
                losses = model(batch.to(self.accelerator.device)).losses
            if not all(bool(loss.isfinite()) for loss in losses.values()):
                names += update.data.named(np.asarray([index]))
        read = sum(map(len, update.batches))
        if not names:
            return f"of none of its {read} sequences alone"
        told = ", ".join([*names[:8], *(["..."] if len(names) > 8 else [])])
        return f"of {told}: {len(names)} of {read} sequences"

    def _seed_dropout(self, number: int) -> None:
        """Make dropout a function of (seed, update, batch of it), whoever computes the batch and when."""
        sequence = np.random.SeedSequence((self.settings.seed, self.step, number))
        torch.manual_seed(int(sequence.generate_state(1)[0]))

    def _over_processes(self, values: Tensor | list[float]) -> Tensor:
        """Sums over all processes."""
        mine = torch.as_tensor(values, device=self.accelerator.device).float()
        return self.accelerator.reduce(mine, reduction="sum")  # type: ignore[no-any-return]

    def _evaluate(self) -> None:
        self.model.eval()
        report = self.processes.main_alone(self.evaluate)
        if not math.isfinite(report.primary_value):
            error = TrainingError(
                f"update {self.step}: the {report.primary} of the evaluation is {report.primary_value}; "
                f"{REMEDY}"
            )
            raise self.processes.told_once(error)
        self.stale = 0 if self.best is None or report.beats(self.best) else self.stale + 1
        # Of equal scores the later one: it has learned longer, and small dev sets cannot tell the difference.
        kept = self.best is None or not self.best.beats(report)
        if kept:
            self.best = report
            self.processes.main_alone(lambda: self.keep(report))
        for listener in self.listeners:
            listener.evaluated(self.step, report, kept)

    def _save(self) -> None:
        # The last update may have overflowed although its gradient did not.
        if not all(bool(weights.isfinite().all()) for weights in self.model.parameters()):
            error = TrainingError(f"update {self.step}: weights are no longer numbers; {REMEDY}")
            raise self.processes.told_once(error)
        state = {
            "step": self.step,
            "steps": self.steps,
            "epoch": self.epoch,
            "place": self.place,
            "best": None if self.best is None else json.dumps(self.best.to_json()),
            "stale": self.stale,
            "threads": torch.get_num_threads(),
            "model": self.accelerator.get_state_dict(self.model),
            "optimizer": self.optimizer.state_dict(),
        }
        self.processes.main_alone(lambda: self.run.save(state))

    def _restore(self) -> None:
        state = self.run.load()
        if state is None:
            return
        self.step, self.steps = state["step"], state["steps"]
        self.epoch, self.place = state["epoch"], state["place"]
        self.best = None if state["best"] is None else Report(**json.loads(state["best"]))
        self.stale = state["stale"]
        before, now = state.get("threads"), torch.get_num_threads()  # older resume points do not tell
        if self.processes.is_main and before not in (None, now):
            log.warning(
                "%s: made with %d threads, resumed with %d: the same samples, but sums rounded otherwise "
                "(OMP_NUM_THREADS=%d gives the same bits)",
                *(self.run.path, before, now, before),
            )
        self.accelerator.unwrap_model(self.model).load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])


def evaluation_is_due(step: int, steps: int, evaluations: int) -> bool:
    """Whether the dev set is scored after update `step` (from 1): at even intervals and after the last."""
    return step * evaluations // steps > (step - 1) * evaluations // steps


def schedule_factor(settings: TrainingSettings, step: int, steps: int) -> float:
    """The factor on the peak learning rate at a step counted from 0."""
    if settings.schedule == "stable":
        return stable_schedule(step, steps, settings.warmup, settings.decay)
    return linear_schedule(step, steps, settings.warmup)


def training_arithmetic(settings: TrainingSettings, device: torch.device) -> torch.autocast:
    """The context of a forward pass: weights stay float32, matrix products are bfloat16 where asked for."""
    bfloat16 = settings.precision == "bfloat16" or (
        settings.precision == "auto" and computes_bfloat16(device)
    )
    return torch.autocast(device.type, torch.bfloat16, enabled=bfloat16)


def computes_bfloat16(device: torch.device) -> bool:
    """Whether matrix products in bfloat16 run natively there (emulated, they are slower than float32)."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # These checks of torch are not public; where a release lacks them, float32 is the safe answer.
    checks = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    return device.type == "cpu" and any(getattr(torch.cpu, name, bool)() for name in checks)
