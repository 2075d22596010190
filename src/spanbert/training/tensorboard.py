"""The curves of a run for TensorBoard, beside metrics.jsonl."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from spanbert.errors import MissingExtraError, TrainingError
from spanbert.scoring.report import Report
from spanbert.training.events import StepRecord

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


def check_tensorboard() -> None:
    """Say that the package is missing before anything else is done.

    Raises:
        MissingExtraError: it is.
    """
    if find_spec("tensorboard") is None:
        raise MissingExtraError("--tensorboard", "tensorboard")


class TensorBoardWriter:
    """Writes event files as a run goes on. All that was heard is on disk when a call returns.

    Args:
        folder: of the event files; those of an earlier part of the run are kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.writer: SummaryWriter | None = None

    def started(self, step: int, steps: int) -> None:
        """Open a file; what earlier ones hold of updates behind `step` no longer counts.

        Raises:
            TrainingError: the disk is full or not writable.
        """
        from torch.utils.tensorboard import SummaryWriter

        try:
            self.writer = SummaryWriter(str(self.folder), purge_step=step + 1)
        except OSError as error:
            raise self._not_written(error) from error

    def updated(self, record: StepRecord) -> None:
        """Losses, accuracies, learning rate, gradient norm, speed and the share of time in data."""
        seconds = max(record.seconds, 1e-9)
        self._add(
            record.step,
            {
                "loss": record.loss,
                **{f"loss/{name}": value for name, value in record.losses.items()},
                **{f"accuracy/{name}": value for name, value in record.accuracies.items()},
                "update/learning_rate": record.learning_rate,
                "update/gradient_norm": record.gradient_norm,
                "speed/pieces_per_second": record.pieces / seconds,
                "speed/share_of_time_in_data": record.data_seconds / seconds,
            },
        )

    def evaluated(self, step: int, report: Report, best: bool) -> None:
        """Every value of the report."""
        self._add(step, {f"evaluation/{name}": value for name, value in report.values.items()})

    def ended(self, step: int, reason: str) -> None:
        """Close the file."""
        if self.writer is not None:
            self.writer.close()

    def _add(self, step: int, values: dict[str, float]) -> None:
        assert self.writer is not None  # `started` comes first
        try:
            for name, value in values.items():
                self.writer.add_scalar(name, value, step)
            self.writer.flush()
        except OSError as error:
            raise self._not_written(error) from error

    def _not_written(self, error: OSError) -> TrainingError:
        return TrainingError(
            f"{self.folder}: cannot be written ({error.strerror}); make room, then --resume goes on"
        )
