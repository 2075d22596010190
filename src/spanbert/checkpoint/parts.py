"""Further tasks of a model folder: one encoder, and for each task the tensors in which it differs.

`FOLDER/tasks/NAME/` holds a task's `task.json` and the weights that are its own: the head, and the layers
that were not frozen when it was trained from the folder's model.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import torch

from spanbert.checkpoint.compact import COMPACT_FORMAT, compacted
from spanbert.checkpoint.folder import TASK_ENTRY, Checkpoint, read_task, task_values, write_task
from spanbert.checkpoint.weight_files import COMPACT_FILE, read_weights, weights_in, write_weights
from spanbert.errors import CheckpointError
from spanbert.text.files import make_folder

PARTS = "tasks"
BASE_ENTRY = "spanbert_base"
"""Where a part's weights carry the digest of the weights that they stand on."""


def part_names(folder: Path) -> list[str]:
    """The tasks that a folder holds besides the one of its own `task.json`."""
    return sorted(path.parent.name for path in folder.glob(f"{PARTS}/*/task.json"))


def with_part(checkpoint: Checkpoint, task: str) -> Checkpoint:
    """The model of a further task: the folder's tensors with those of the part in their place.

    Raises:
        CheckpointError: there is no such part, or it was cut from other weights than the folder's.
    """
    folder = checkpoint.path / PARTS / task
    if task not in part_names(checkpoint.path):
        held = ", ".join(part_names(checkpoint.path)) or "none"
        raise CheckpointError(f"{checkpoint.path}: holds no part for {task} (parts: {held})")
    own = read_weights(weights_in(folder))
    if own.metadata.get(BASE_ENTRY) != _digest(checkpoint.stored.path):
        raise CheckpointError(f"{folder}: was made for other weights than those of {checkpoint.path}")
    stored = replace(
        checkpoint.stored,
        tensors={**checkpoint.stored.tensors, **own.tensors},
        stored_as={**checkpoint.stored.stored_as, **own.stored_as},
        dtypes={**checkpoint.stored.dtypes, **own.dtypes},
    )
    return replace(checkpoint, stored=stored, task=read_task(folder / "task.json", own), architectures=())


def write_part(base: Checkpoint, trained: Checkpoint) -> Path:
    """Add a model that was trained from a folder's model to that folder, in compact storage.

    Args:
        base: the folder's model; the tensors that both share are left out.
        trained: the model of the further task.

    Returns:
        The part's folder.

    Raises:
        CheckpointError: the trained model says no task, or has another tokenizer or shape than the folder's.
        SpanbertError: the folder cannot be written.
    """
    if trained.task is None:
        raise CheckpointError(f"{trained.path}: has no task.json, so it cannot be a part of {base.path}")
    if trained.config != base.config or not _same_tokenizer(base, trained):
        raise CheckpointError(f"{trained.path}: was not trained from {base.path}")
    before = base.stored.parameters()
    own = {
        name: value
        for name, value in trained.stored.parameters().items()
        if name not in before or not torch.equal(value, before[name])
    }
    folder = base.path / PARTS / trained.task.name
    make_folder(folder)
    metadata = {
        "format": COMPACT_FORMAT,
        TASK_ENTRY: json.dumps(task_values(trained.task)),
        BASE_ENTRY: _digest(base.stored.path),
    }
    write_weights(folder / COMPACT_FILE, compacted(own), metadata)
    write_task(folder, trained.task)
    return folder


def _same_tokenizer(one: Checkpoint, other: Checkpoint) -> bool:
    return one.tokenizer().backend.to_str() == other.tokenizer().backend.to_str()


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
