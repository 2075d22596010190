"""Models for measurements of speed where none is trained: an encoder with a random head for a task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from spanbert.checkpoint.folder import write_folder
from spanbert.checkpoint.source import read_checkpoint
from spanbert.tasks import task_class
from spanbert.workflows.model_source import build_untrained, describe, name_table


def write_with_random_head(
    task: str,
    model: str,
    examples: Sequence[Any],
    output: Path,
    adjust: Callable[[nn.Module], None] = lambda module: None,
) -> None:
    """Write an encoder with a random head for a task.

    Args:
        task: its name.
        model: where the encoder comes from.
        examples: with the labels that the head is to have.
        output: the new folder.
        adjust: changes the model before it is written.
    """
    checkpoint = read_checkpoint(model)
    made = build_untrained(checkpoint, task_class(task)().learn(examples), dropout=0.0)
    adjust(made.model)
    write_folder(
        output,
        made.model,
        name_table(made.task),
        checkpoint.config,
        made.tokenizer,
        architecture=made.task.architecture,
        task=describe(made.task),
        labels=made.task.labels,
    )
