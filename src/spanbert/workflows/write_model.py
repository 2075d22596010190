"""Putting a trained model in its place: whole, or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from torch import nn

from spanbert.checkpoint.folder import TaskDescription, write_folder
from spanbert.checkpoint.names import NameTable
from spanbert.errors import TrainingError
from spanbert.nn.config import EncoderConfig
from spanbert.text.tokenizer import Tokenizer


def write_model(
    target: Path,
    module: nn.Module,
    names: NameTable,
    config: EncoderConfig,
    tokenizer: Tokenizer,
    *,
    architecture: str,
    card: str,
    labels: Sequence[str] | None = None,
    task: TaskDescription | None = None,
) -> None:
    """Write a model folder with its card beside its place, then move the files in.

    Raises:
        TrainingError: the disk is full; the earlier model is left as it was.
    """
    staged = target / ".staged"
    shutil.rmtree(staged, ignore_errors=True)
    try:
        write_folder(
            staged, module, names, config, tokenizer, architecture=architecture, task=task, labels=labels
        )
        (staged / "README.md").write_text(card, encoding="utf-8")
        for file in sorted(staged.iterdir()):
            file.replace(target / file.name)
    except OSError as error:
        raise TrainingError(
            f"{target}: cannot write the model ({error}); what was kept before is intact; make room, then "
            "--resume goes on"
        ) from error
    finally:
        shutil.rmtree(staged, ignore_errors=True)
