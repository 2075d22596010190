"""Settings of the workflows; the command line makes its flags, and TOML files their keys, of these fields."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError, model_validator

from spanbert.errors import SettingsError
from spanbert.training.settings import TrainingSettings


class FinetuneSettings(TrainingSettings):
    """What `finetune` can be told besides its files."""

    task_settings: dict[str, Any] = Field(default_factory=dict)
    """Settings of the task by name, as `--task-settings.NAME VALUE` (`spanbert tasks` lists them)."""
    frozen_layers: int | None = Field(None, ge=0)
    """The embeddings and this many first layers keep their values; all learn when left out."""
    fit: Path | None = None
    """Held-out file for threshold and temperature; the dev file when left out."""
    held_out: float = Field(0.2, gt=0, lt=1)
    """Share of the training data that is the dev set where no dev file is named, drawn by the seed."""


class PretrainSettings(TrainingSettings):
    """What `pretrain` can be told besides its files."""

    learning_rate: float = Field(1e-4, gt=0, allow_inf_nan=False)
    """Peak learning rate."""
    steps: int | None = Field(1000, ge=1)
    """Updates in all; in place of it, `epochs`."""
    objective: str = "spanbert"
    """What is hidden and predicted: spanbert, spans, global-local, given-spans, whole-words or subwords."""
    sequences: Literal["single", "pairs"] = "single"
    """What a sample is: a single text, or a pair, of which is also predicted whether the second follows."""
    budget: float | None = Field(None, gt=0, lt=1)
    """Share of the pieces to mask; 0.15 when left out."""
    final_budget: float | None = Field(None, gt=0, lt=1)
    """Share to end with, reached in a straight line over the run; as at first when left out."""
    span_p: float | None = Field(None, ge=0, le=1)
    """p of the geometric law of span lengths; 0.2 when left out, 0 makes all lengths alike."""
    longest_span: int | None = Field(None, ge=1, le=100)
    """The longest span, in words; 10 when left out."""
    held_out: float = Field(0.01, gt=0, lt=1)
    """Share of the blocks on which the validation loss is measured, with masks that never change."""
    most_held_out: int = Field(256, ge=1)
    """Blocks held out at most."""
    gradient_checkpointing: bool = False
    """Compute the inside of each layer again for the gradient: less memory, one more forward pass."""
    corpus_folder: Path | None = None
    """Where the corpus is prepared, to be used by several runs; OUTPUT/corpus when left out."""
    corpus_settings: dict[str, Any] = Field(default_factory=dict)
    """Settings of reading and packing by name, as `--corpus-settings.NAME VALUE`."""

    @model_validator(mode="before")
    @classmethod
    def _epochs_in_place_of_the_usual_steps(cls, given: Any) -> Any:
        return {"steps": None, **given} if isinstance(given, Mapping) and "epochs" in given else given


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
        raise SettingsError(f"{place}: {problems(error, kind)}") from None


def problems(error: ValidationError, kind: type[BaseModel] = BaseModel) -> str:
    """What is wrong with values that were given for settings of a kind, in one line."""
    return "; ".join(_problem(problem, kind) for problem in error.errors())


def _problem(problem: Any, kind: type[BaseModel]) -> str:
    name = ".".join(map(str, problem["loc"]))
    if not name:  # of several settings together
        return str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        near = get_close_matches(name, kind.model_fields, n=1)
        meant = f"did you mean {near[0]}?" if near else f"choose of {', '.join(kind.model_fields)}"
        return f"unknown setting {name}: {meant}"
    if problem["type"] == "missing":
        return f"{name} is missing"
    return f"{name}: {problem['msg'][0].lower()}{problem['msg'][1:]}, got {problem['input']!r}"
