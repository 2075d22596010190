"""Settings of the workflows; the command line makes its flags, and TOML files their keys, of these fields."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from spanbert.training.settings import TrainingSettings


class FinetuneSettings(TrainingSettings):
    """What `finetune` can be told besides its files."""

    task_settings: dict[str, Any] = Field(default_factory=dict)
    """Settings of the task by name (`spanbert tasks` lists them)."""
    fit: Path | None = None
    """Held-out file for threshold and temperature; the dev file when left out."""
