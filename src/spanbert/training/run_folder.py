"""The folder of a run: settings, metrics.jsonl, and the point from which a killed run goes on."""

from __future__ import annotations

import json
import logging
import os
import tempfile
import zipfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout

from spanbert.errors import CheckpointError, SettingsError, TrainingError
from spanbert.scoring.report import Report
from spanbert.text.files import atomic_write, make_folder, read_json, write_json
from spanbert.training.events import StepRecord

HASH = "_sha256"
"""Ending of settings that stand for the content of data or of a model."""


RECORDED = "recorded"
"""The setting that holds what was recorded after the start of a run."""
LOCK = ".lock"
"""File that the process holds which trains."""


class RunFolder:
    """`OUTPUT/run/`: what is needed to read, plot, repeat and resume a run. Hears the loop as a listener.

    The constructor only checks, before anything expensive happens; `begin` writes, and keeps other processes
    out until `close` or the end of this one. A resumed run leaves the files that the uninterrupted one would
    have left; only the `seconds` in metrics.jsonl differ.

    Args:
        path: the folder.
        settings: all that decides the run's outcome, as JSON values; `accumulate` counts the batches of an
            update over all processes, so that a run may be resumed with another number of them.
        defaults: what a setting was before it existed, so that older runs can be resumed.
        free: settings that may change before a run is resumed, as they do not change its outcome.
        resume: go on with the unfinished run in the folder; one without a resume point starts anew, of a
            finished one there is the `outcome`.

    Raises:
        SettingsError: the folder holds a run and `resume` is not set, or one with other settings.
    """

    def __init__(
        self,
        path: Path,
        settings: dict[str, Any],
        *,
        resume: bool,
        defaults: Mapping[str, Any] | None = None,
        free: Collection[str] = (),
    ) -> None:
        self.path = path
        self.settings = json.loads(json.dumps(settings, default=str))
        self.defaults = json.loads(json.dumps(defaults or {}, default=str))
        self.free = free
        self.settings_file = path / "settings.json"
        self.metrics = path / "metrics.jsonl"
        self.resume_point = path / "resume.pt"
        self.report = path / "report.json"
        self.resume = resume
        self._lock: FileLock | None = None
        if resume and self.settings_file.exists():
            self._check_settings({**self.defaults, **self._before()}, self.settings)
        elif self.finished:
            raise SettingsError(
                f"{path}: holds a finished run; choose another --output or delete {self.path.parent}"
            )
        elif self.resume_point.exists() or (self.metrics.exists() and not resume):
            raise SettingsError(
                f"{path}: holds an unfinished run; add --resume to go on with it or choose another --output"
            )

    @property
    def finished(self) -> bool:
        """Whether the run came to its end; a kill on the last steps of it leaves one to be resumed."""
        return self.report.exists() and not self.resume_point.exists()

    def outcome(self) -> Report | None:
        """The report of a finished run, None of any other."""
        return Report(**read_json(self.report)) if self.finished else None

    def record(self, name: str, value: str) -> None:
        """Add a hash of what the outcome depends on, which was not known at the start; `begin` writes it.

        Raises:
            SettingsError: it is another than that of the run to be resumed.
        """
        resumed = self.resume and self.settings_file.exists()
        before = self._before().get(RECORDED, {}) if resumed else {}
        if name in before:  # an older run did not record it
            self._check_settings({name: before[name]}, {name: value})
        self.settings.setdefault(RECORDED, {})[name] = value

    def begin(self) -> None:
        """Make the folder, record the settings, and clear away what a killed run left half written.

        Raises:
            SettingsError: another process trains this run, or has finished it meanwhile.
            SpanbertError: the place is not writable.
        """
        make_folder(self.path)
        lock = FileLock(self.path / LOCK)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            raise SettingsError(
                f"{self.path}: another process is training this run; wait for its end or choose another "
                "--output"
            ) from None
        self._lock = lock  # until `close`, whatever comes
        if self.finished:
            raise SettingsError(f"{self.path}: another process has finished this run meanwhile")
        if not self.resume_point.exists():
            if self.resume and self.metrics.exists():
                logging.getLogger(__name__).warning("%s: no resume point yet, beginning anew", self.path)
            write_json(self.settings_file, self.settings)
            self.metrics.unlink(missing_ok=True)
        for leftover in self.path.glob(".*.part"):
            leftover.unlink()

    def close(self) -> None:
        """Let other processes train in the folder."""
        if self._lock is not None:
            (self.path / LOCK).unlink(missing_ok=True)
            self._lock.release()
            self._lock = None

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
            told = (str(error) or type(error).__name__).splitlines()[0]
            # torch does not pass on what the system said.
            reason = told if isinstance(error, OSError) else f"the disk may be full: {told}"
            raise TrainingError(
                f"{self.resume_point}: cannot write the resume point ({reason}); make room, then --resume "
                "goes on from the last complete one"
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
            with zipfile.ZipFile(self.resume_point) as archive:  # torch writes checksums and reads over them
                if (changed := archive.testzip()) is not None:
                    raise ValueError(f"{changed} has changed since it was written")
            state: dict[str, Any] = torch.load(self.resume_point, map_location="cpu", weights_only=True)
        except Exception as error:  # damaged bytes make the unpickler raise nearly anything
            reason = (str(error) or type(error).__name__).splitlines()[0].partition(". ")[0]
            raise CheckpointError(
                f"{self.resume_point}: damaged resume point ({reason}); to start again delete "
                f"{self.path.parent} or choose another --output"
            ) from error
        return state

    def finish(self, report: Report) -> None:
        """The run is complete: keep its report, drop its resume point."""
        write_json(self.report, report.to_json())
        self.resume_point.unlink(missing_ok=True)

    def records(self) -> Iterator[dict[str, Any]]:
        """Lines of metrics.jsonl as objects; a last line cut by a kill is left out."""
        if self.metrics.exists():
            for line in self.metrics.read_text(encoding="utf-8").splitlines():
                try:
                    yield json.loads(line)
                except json.JSONDecodeError:
                    return

    def _before(self) -> dict[str, Any]:
        found: dict[str, Any] = read_json(self.settings_file)
        return found

    def _check_settings(self, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
        keys = {*before, *now} - {*self.free, RECORDED}
        changed = sorted(key for key in keys if before.get(key) != now.get(key))
        if changed:
            told = ", ".join(_difference(key, before.get(key), now.get(key)) for key in changed)
            raise SettingsError(
                f"{self.settings_file}: --resume needs the settings of the run; these differ: {told}"
            )

    def _append(self, record: dict[str, Any]) -> None:
        try:
            with self.metrics.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(record) + "\n")
        except OSError as error:
            raise TrainingError(
                f"{self.metrics}: cannot be written ({error.strerror}); make room, then --resume goes on"
            ) from error

    def started(self, step: int, steps: int) -> None:
        """Forget what was recorded of updates behind the resume point; they are made again."""
        if self.metrics.exists():
            kept = [record for record in self.records() if record["step"] <= step]
            with atomic_write(self.metrics) as stream:
                stream.writelines(json.dumps(record) + "\n" for record in kept)

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


def _difference(key: str, before: Any, now: Any) -> str:
    """How a setting of the run differs from that of the command, in words."""
    if key.endswith(HASH):
        return f"the content of {key.removesuffix(HASH)}"
    if isinstance(before, dict) and isinstance(now, dict):
        changed = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
        return ", ".join(_difference(f"{key}.{name}", before.get(name), now.get(name)) for name in changed)
    meaning = "batches of an update, processes x --accumulate: " if key == "accumulate" else ""
    return f"{key} ({meaning}{json.dumps(before)} in the run, {json.dumps(now)} now)"
