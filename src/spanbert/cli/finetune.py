"""`spanbert finetune`."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console

from spanbert.cli.progress import training_progress
from spanbert.cli.report_table import report_table
from spanbert.errors import SettingsError
from spanbert.text.files import read_text
from spanbert.workflows.settings import FinetuneSettings, by_field_name, checked

FILES = ("train", "dev", "model", "output")


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
    """Train a task on labelled data and keep the checkpoint that scores best on the dev file.

    Args:
        task: what to train for.
        train: data file with gold; may be given several times.
        dev: data file by which the best checkpoint is chosen and thresholds are fitted.
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
    options = merged(read_config(config) if config is not None else {}, flags)
    if missing := [name for name in FILES if name not in options]:
        raise SettingsError(
            f"finetune needs {', '.join(f'--{name}' for name in missing)} (or these keys in a --config file)"
        )
    try:
        with training_progress() as listener:
            report = workflow(task, **options, resume=resume, offline=offline, listeners=[listener])
    except KeyboardInterrupt:
        print("the same command with --resume goes on from the last resume point", file=sys.stderr)  # noqa: T201
        raise
    console = Console()
    console.print(report_table(report))
    console.print(f"model: {options['output']}", soft_wrap=True, markup=False)


def merged(config: dict[str, Any], flags: dict[str, Any]) -> dict[str, Any]:
    """Both sources of options; a flag wins over the file, in the table of task settings one by one."""
    tables = {**config.get("task_settings", {}), **flags.get("task_settings", {})}
    return {**config, **flags, **({"task_settings": tables} if tables else {})}


def read_config(path: Path) -> dict[str, Any]:
    """Options of a TOML file, checked.

    Raises:
        SettingsError: broken TOML, an unknown key or a value out of range; with the line.
    """
    text = read_text(path)
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: broken TOML: {error}") from None
    for key, value in values.items():
        found = re.search(rf"^[ \t]*\[?{re.escape(key)}\b", text, re.MULTILINE)
        line = text.count("\n", 0, found.start()) + 1 if found else 1
        checked(ConfigFile, {key: value}, f"{path}:{line}")
    return values
