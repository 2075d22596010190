"""The run folder inside the folder of the model that a workflow trains."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from spanbert.errors import SettingsError
from spanbert.scoring.report import Report
from spanbert.training.processes import Processes
from spanbert.training.run_folder import RunFolder
from spanbert.training.settings import TrainingSettings

OVERWRITTEN = ("config.json", "README.md", "tokenizer.json", "vocab.txt")
"""Files of a model folder by which is told that something stands there already."""


def run_folder(
    output: Path, start: dict[str, Any], settings: TrainingSettings, processes: Processes, *, resume: bool
) -> RunFolder:
    """The folder of a run, checked; nothing is written.

    Args:
        output: folder of the model.
        start: what besides the settings decides the outcome; a `model` by its hash.
        settings: of the run.
        processes: that share the batches of an update.
        resume: go on with the run there.

    Raises:
        SettingsError: as `RunFolder`; or `output` is a file, or a folder with files named like those
            of a model that no run made.
    """
    if output.is_file():
        raise SettingsError(f"{output}: is a file; name a folder for the model")
    batches = processes.count * settings.accumulate
    # A run may be watched in another way later, and prepare what is left of its corpus in more processes.
    deciding = settings.model_dump(exclude={"tensorboard": True, "corpus_settings": {"workers"}})
    run = RunFolder(
        output / "run",
        {**start, **deciding, "accumulate": batches},
        resume=resume,
        defaults=type(settings)().model_dump(include=set(deciding)),
        free={"model", "save_every"},
    )
    found = [name for name in OVERWRITTEN if (output / name).exists()]
    if found and not run.path.exists():
        raise SettingsError(
            f"{output}: holds {', '.join(found)} already, which would be replaced; choose another --output"
        )
    return run


def finished_before(run: RunFolder, processes: Processes) -> Report | None:
    """The report of a run that was finished when its command was given again, as scripts do."""
    report = run.outcome()
    if report is not None:
        log = logging.getLogger(__name__)
        processes.main_alone(lambda: log.warning("%s: finished, there is nothing to resume", run.path))
    return report
