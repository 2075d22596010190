"""The picture of a run: loss and dev score over updates."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from spanbert.errors import TrainingError
from spanbert.scoring.report import Report
from spanbert.training.events import StepRecord
from spanbert.training.run_folder import RunFolder

SMOOTHING_SHARE = 0.02  # of the updates of a run, in the mean that is drawn over the single losses


class CurveDrawer:
    """Draws `curves.png` of a run after each evaluation.

    Args:
        run: whose metrics are drawn; it must hear the loop before this listener does.
    """

    def __init__(self, run: RunFolder) -> None:
        self.run = run

    def started(self, step: int, steps: int) -> None:
        """Nothing to draw yet."""

    def updated(self, record: StepRecord) -> None:
        """Nothing new worth drawing."""

    def evaluated(self, step: int, report: Report, best: bool) -> None:
        """Draw anew."""
        draw_curves(self.run.records(), self.run.path / "curves.png")

    def ended(self, step: int, reason: str) -> None:
        """The last evaluation was drawn."""


def draw_curves(records: Iterable[dict[str, Any]], path: Path) -> None:
    """Write a PNG of the loss of each update and the primary score of each evaluation.

    Args:
        records: lines of metrics.jsonl.
        path: the picture; an earlier one is replaced whole.

    Raises:
        TrainingError: the disk is full or not writable.
    """
    # Imported here because it is slow; a bare Figure touches no window system and no global state.
    from matplotlib.figure import Figure

    found = list(records)
    updates = [record for record in found if record["kind"] == "update"]
    evaluations = [record for record in found if record["kind"] == "evaluation"]
    losses = [record["loss"] for record in updates]
    width = max(1, round(SMOOTHING_SHARE * len(losses)))
    sums = [0.0]
    for loss in losses:
        sums.append(sums[-1] + loss)
    smooth = [
        (sums[end] - sums[max(0, end - width)]) / (end - max(0, end - width))
        for end in range(1, len(losses) + 1)
    ]

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    left = figure.add_subplot()
    left.plot([record["step"] for record in updates], losses, color="tab:blue", alpha=0.25, linewidth=0.8)
    left.plot([record["step"] for record in updates], smooth, color="tab:blue", label="loss")
    left.set_xlabel("updates")
    left.set_ylabel("training loss (nats)", color="tab:blue")
    left.set_ylim(bottom=0)
    if evaluations:
        right = left.twinx()
        primary = evaluations[-1]["primary"]
        steps = [record["step"] for record in evaluations]
        right.plot(steps, [record[primary] for record in evaluations], "o-", color="tab:orange")
        best = [record for record in evaluations if record["best"]][-1:]
        for record in best:
            right.plot(record["step"], record[primary], "*", color="tab:orange", markersize=16)
            right.set_title(f"best dev {primary}: {record[primary]:.2f} after {record['step']} updates")
        right.set_ylabel(f"dev {primary}", color="tab:orange")
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=120)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        temporary.write_bytes(picture.getvalue())
        temporary.replace(path)
    except OSError as error:
        raise TrainingError(f"{path}: cannot be written ({error.strerror})") from error
    finally:
        temporary.unlink(missing_ok=True)
