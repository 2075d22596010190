"""Live progress of a training on stderr: a bar where somebody watches, plain lines where a file does."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from spanbert.cli.launched import is_main_process
from spanbert.scoring.report import Report
from spanbert.training.events import Listener, StepRecord

UPDATES_IN_MEAN = 50
SECONDS_BETWEEN_LINES = 30.0
SHARE_WORTH_SAYING = 0.05


@contextmanager
def training_progress(console: Console | None = None) -> Iterator[Listener]:
    """A listener that shows a run as long as the context is open.

    Args:
        console: where to; stderr when left out.
    """
    console = console or Console(stderr=True, highlight=False, quiet=not is_main_process())
    if not console.is_terminal:
        yield TrainingProgress(console, None)
        return
    columns = (BarColumn(bar_width=24), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True) as bar:
        yield TrainingProgress(console, bar)


class TrainingProgress:
    """Shows updates, evaluations and the end of a run.

    Args:
        console: where lines go.
        bar: a started bar; None writes a line every half minute and every twentieth of the run instead.
    """

    def __init__(self, console: Console, bar: Progress | None) -> None:
        self.console = console
        self.bar = bar
        self.recent: deque[StepRecord] = deque(maxlen=UPDATES_IN_MEAN)
        self.best: float | None = None
        self.shown_at = time.monotonic()
        self.began = self.shown_at
        self.bar_task = None if bar is None else bar.add_task("reading the data", total=None)

    def started(self, step: int, steps: int) -> None:
        """Say how long the run is."""
        self._line(f"{steps} updates" if step == 0 else f"{steps} updates, resumed after {step}")

    def updated(self, record: StepRecord) -> None:
        """Loss, learning rate, speed, time left."""
        self.recent.append(record)
        if self.bar is not None and self.bar_task is not None:
            self.bar.update(
                self.bar_task, total=record.steps, completed=record.step, description=self._state(record)
            )
            return
        waited = time.monotonic() - self.shown_at > SECONDS_BETWEEN_LINES
        if waited or record.step % max(1, record.steps // 20) == 0:
            self._line(self._state(record))

    def evaluated(self, step: int, report: Report, best: bool) -> None:
        """The dev score and the best so far."""
        if best:
            self.best = report.primary_value
        note = "kept" if best else "not kept" if self.best is None else f"best {self.best:.2f}"
        loss = f", loss {report.values['loss']:.4f}" if "loss" in report.values else ""
        self._line(f"update {step}: dev {report.primary} {report.primary_value:.2f}{loss} ({note})")

    def ended(self, step: int, reason: str) -> None:
        """Why it is over."""
        self._line(f"done after {step} updates in {duration(time.monotonic() - self.began)}: {reason}")

    def _state(self, record: StepRecord) -> str:
        seconds = sum(one.seconds for one in self.recent)
        loss = self._mean("loss")
        speed = sum(one.pieces for one in self.recent) / seconds if seconds else 0.0
        left = (record.steps - record.step) * seconds / len(self.recent)
        best = "" if self.best is None else f", best {self.best:.2f}"
        share = self._mean("data_seconds") / max(self._mean("seconds"), 1e-9)
        waiting = f" ({share:.0%} of the time in data)" if share >= SHARE_WORTH_SAYING else ""
        return (
            f"update {record.step}/{record.steps}, mean loss {loss:.4f}{self._single_losses(record)}, "
            f"rate {record.learning_rate:.2e}, {speed:,.0f} pieces/s{waiting}, {duration(left)} left{best}"
        )

    def _mean(self, field: str) -> float:
        return sum(float(getattr(one, field)) for one in self.recent) / len(self.recent)

    def _single_losses(self, record: StepRecord) -> str:
        """Each loss with its accuracy, where there is more to say than the total."""
        if len(record.losses) == 1 and not record.accuracies:
            return ""
        told = []
        for name in record.losses:
            mean = sum(one.losses[name] for one in self.recent) / len(self.recent)
            right = [one.accuracies[name] for one in self.recent if name in one.accuracies]
            told.append(f"{name} {mean:.3f}" + (f" ({sum(right) / len(right):.1f} %)" if right else ""))
        return f" ({', '.join(told)})"

    def _line(self, text: str) -> None:
        self.shown_at = time.monotonic()
        self.console.print(text, markup=False, soft_wrap=True)


def duration(seconds: float) -> str:
    """A time as hours:minutes:seconds."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"
