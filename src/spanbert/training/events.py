"""The moments of a run that a listener may hear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from spanbert.scoring.report import Report


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One update.

    Args:
        step: updates made, this one included.
        steps: updates of the whole run.
        epoch: passes over the data, as a fraction.
        loss: sum of the losses, in nats.
        losses: each loss by name, the mean over its targets in the update.
        accuracies: for losses that have one, the share of right targets in percent.
        gradient_norm: before clipping.
        learning_rate: of this update.
        pieces: real pieces read in this update, over all processes.
        seconds: wall time of the update.
        data_seconds: of it, the time in which the batches were made.
    """

    step: int
    steps: int
    epoch: float
    loss: float
    losses: dict[str, float]
    accuracies: dict[str, float]
    gradient_norm: float
    learning_rate: float
    pieces: int
    seconds: float
    data_seconds: float


class Listener(Protocol):
    """Hears of a run; may show or record it, never steer it."""

    def started(self, step: int, steps: int) -> None:
        """The loop begins at `step` (above 0 after a resume)."""
        ...

    def updated(self, record: StepRecord) -> None:
        """An update was made."""
        ...

    def evaluated(self, step: int, report: Report, best: bool) -> None:
        """The dev set was scored; `best` when no earlier score was higher."""
        ...

    def ended(self, step: int, reason: str) -> None:
        """The loop is over."""
        ...
