"""`spanbert finetune`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console

from spanbert.cli.config_file import merged, read_config
from spanbert.cli.launched import is_main_process, leave_processes
from spanbert.cli.progress import training_progress
from spanbert.cli.report_table import report_table
from spanbert.errors import SettingsError
from spanbert.workflows.settings import FinetuneSettings, by_field_name

FILES = ("train", "model", "output")


class ConfigFile(FinetuneSettings):
    """Keys of a `--config` file; paths in it start from the working directory."""

    train: str | list[str] = ""
    dev: str = ""
    model: str = ""
    output: str = ""


def finetune(
    task: str,
    /,
    *,
    train: Annotated[list[Path] | None, Parameter(negative="")] = None,
    dev: Path | None = None,
    model: str | None = None,
    output: Path | None = None,
    config: Path | None = None,
    resume: Annotated[bool, Parameter(negative="")] = False,
    offline: Annotated[bool, Parameter(negative="")] = False,
    settings: Annotated[FinetuneSettings | None, Parameter(name="*")] = None,
) -> None:
    """Train a task on labelled data and keep the checkpoint that scores best on the dev data.

    Args:
        task: what to train for.
        train: data file with gold; may be given several times.
        dev: data file by which the best checkpoint is chosen and thresholds are fitted; when left out, a
            share of the training data (--held-out) is set aside for that.
        model: where the encoder starts: a shipped name, a folder or a hub id.
        output: folder of the trained model.
        config: TOML file with these options as keys (learning_rate = 5e-5); flags win over it.
        resume: go on with the unfinished run in the output folder.
        offline: never go to the network.
        settings: all further options.
    """
    from spanbert.workflows.finetune import finetune as workflow

    given = {"train": train, "dev": dev, "model": model, "output": output}
    flags: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if settings is not None:
        flags |= settings.model_dump(include=settings.model_fields_set)
    if "task_settings" in flags:
        flags["task_settings"] = by_field_name(flags["task_settings"])
    options = merged(read_config(config, ConfigFile) if config is not None else {}, flags)
    if missing := [name for name in FILES if name not in options]:
        raise SettingsError(
            f"finetune needs {', '.join(f'--{name}' for name in missing)} (or these keys in a --config file)"
        )
    try:
        with training_progress() as listener:
            report = workflow(task, **options, resume=resume, offline=offline, listeners=[listener])
    except KeyboardInterrupt:
        if is_main_process():
            print("the same command with --resume goes on from the last resume point", file=sys.stderr)  # noqa: T201
        raise
    leave_processes()
    console = Console(quiet=not is_main_process())
    console.print(report_table(report))
    console.print(f"model: {options['output']}", soft_wrap=True, markup=False)
