"""The folder of a run: settings, metrics.jsonl, and the point from which a killed run goes on."""

from __future__ import annotations

import json
import os
import pickle
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from spanbert.errors import CheckpointError, SettingsError, TrainingError
from spanbert.scoring.report import Report
from spanbert.text.files import atomic_write, write_json
from spanbert.training.events import StepRecord


class RunFolder:
    """`OUTPUT/run/`: what is needed to read, plot, repeat and resume a run. Hears the loop as a listener.

    Args:
        path: the folder; made when absent.
        resume: go on from the last resume point; otherwise an unfinished earlier run is refused.

    Raises:
        SettingsError: the folder holds an unfinished run and `resume` is not set.
    """

    def __init__(self, path: Path, *, resume: bool) -> None:
        self.path = path
        self.resume_point = path / "resume.pt"
        self.metrics = path / "metrics.jsonl"
        if self.resume_point.exists() and not resume:
            raise SettingsError(
                f"{path}: holds an unfinished run; add --resume to go on with it or choose another --output"
            )
        path.mkdir(parents=True, exist_ok=True)
        if not resume or not self.resume_point.exists():
            self.metrics.unlink(missing_ok=True)

    def write_settings(self, settings: dict[str, Any]) -> None:
        """Record the settings; on resume they must be those of the run.

        Raises:
            SettingsError: an earlier part of the run had other settings.
        """
        path = self.path / "settings.json"
        settings = json.loads(json.dumps(settings, default=str))
        if self.resume_point.exists() and path.exists():
            before = json.loads(path.read_text(encoding="utf-8"))
            changed = sorted(key for key in {*before, *settings} if before.get(key) != settings.get(key))
            if changed:
                raise SettingsError(
                    f"{path}: --resume needs the settings of the run; these differ: {', '.join(changed)}"
                )
        write_json(path, settings)

    def save(self, state: dict[str, Any]) -> None:
        """Write the resume point: complete or not at all, the earlier one kept until then.

        Raises:
            TrainingError: the disk is full or not writable.
        """
        handle, temporary = tempfile.mkstemp(dir=self.path, prefix=".resume.", suffix=".part")
        try:
            with os.fdopen(handle, "wb") as stream:
                torch.save(state, stream)
                stream.flush()
                os.fsync(stream.fileno())
            Path(temporary).replace(self.resume_point)
        except (OSError, RuntimeError) as error:
            raise TrainingError(
                f"{self.resume_point}: cannot write the resume point ({error}); the last one is intact"
            ) from error
        finally:
            Path(temporary).unlink(missing_ok=True)

    def load(self) -> dict[str, Any] | None:
        """The resume point, or None when there is none.

        Raises:
            CheckpointError: it is damaged.
        """
        if not self.resume_point.exists():
            return None
        try:
            state: dict[str, Any] = torch.load(self.resume_point, map_location="cpu", weights_only=True)
        except (RuntimeError, pickle.UnpicklingError, EOFError, OSError, ValueError) as error:
            raise CheckpointError(
                f"{self.resume_point}: damaged resume point ({error}); delete the run folder to start again"
            ) from error
        self._forget_after(int(state["step"]))
        return state

    def finish(self) -> None:
        """The run is complete: its resume point is no longer needed."""
        self.resume_point.unlink(missing_ok=True)

    def records(self) -> Iterator[dict[str, Any]]:
        """Lines of metrics.jsonl as objects; a last line cut by a kill is left out."""
        if self.metrics.exists():
            for line in self.metrics.read_text(encoding="utf-8").splitlines():
                try:
                    yield json.loads(line)
                except json.JSONDecodeError:
                    return

    def _forget_after(self, step: int) -> None:
        kept = [record for record in self.records() if record["step"] <= step]
        with atomic_write(self.metrics) as stream:
            stream.writelines(json.dumps(record) + "\n" for record in kept)

    def _append(self, record: dict[str, Any]) -> None:
        with self.metrics.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(record) + "\n")

    def started(self, step: int, steps: int) -> None:
        """Nothing to record."""

    def updated(self, record: StepRecord) -> None:
        """One line an update."""
        self._append({"kind": "update", **asdict(record)})

    def evaluated(self, step: int, report: Report, best: bool) -> None:
        """One line an evaluation."""
        self._append(
            {"kind": "evaluation", "step": step, "best": best, "primary": report.primary, **report.values}
        )

    def ended(self, step: int, reason: str) -> None:
        """One last line."""
        self._append({"kind": "end", "step": step, "reason": reason})
