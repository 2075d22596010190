"""Settings of the workflows; the command line makes its flags, and TOML files their keys, of these fields."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, Field, ValidationError

from spanbert.errors import SettingsError
from spanbert.training.settings import TrainingSettings


class FinetuneSettings(TrainingSettings):
    """What `finetune` can be told besides its files."""

    task_settings: dict[str, Any] = Field(default_factory=dict)
    """Settings of the task by name, as `--task-settings.NAME VALUE` (`spanbert tasks` lists them)."""
    fit: Path | None = None
    """Held-out file for threshold and temperature; the dev file when left out."""


S = TypeVar("S", bound=BaseModel)


def by_field_name(flags: Mapping[str, Any] | None) -> dict[str, Any]:
    """Task settings as they are typed (`--task-settings.window-pieces 512`) under their fields' names."""
    return {name.replace("-", "_"): value for name, value in (flags or {}).items()}


def checked(kind: type[S], values: Mapping[str, Any], place: str) -> S:
    """Values as settings of a kind.

    Args:
        kind: the settings class.
        values: by field name.
        place: where the values come from, the beginning of the error message.

    Raises:
        SettingsError: a name is unknown, a value missing or out of range; one line names them all.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        problems = "; ".join(_problem(problem, kind) for problem in error.errors())
        raise SettingsError(f"{place}: {problems}") from None


def _problem(problem: Any, kind: type[BaseModel]) -> str:
    name = ".".join(map(str, problem["loc"]))
    if problem["type"] == "extra_forbidden":
        near = get_close_matches(name, kind.model_fields, n=1)
        meant = f"did you mean {near[0]}?" if near else f"choose of {', '.join(kind.model_fields)}"
        return f"unknown setting {name}: {meant}"
    if problem["type"] == "missing":
        return f"{name} is missing"
    return f"{name}: {problem['msg'][0].lower()}{problem['msg'][1:]}, got {problem['input']!r}"
