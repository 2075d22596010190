"""From what a user calls a model to a task with a model that is ready to run or to train."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from spanbert.checkpoint.folder import Checkpoint, TaskDescription
from spanbert.checkpoint.heads import ARCHITECTURE_HEADS, CLASSIFIER, MASKED_LM, POOLER, boundary_shape
from spanbert.checkpoint.hf_config import label_kind, label_names
from spanbert.checkpoint.names import ENCODER_NAMES, NameTable
from spanbert.checkpoint.parts import part_names, with_part
from spanbert.checkpoint.source import called
from spanbert.checkpoint.weights import NoRandomStart, TensorReport, fill, random_tensors
from spanbert.errors import CheckpointError, SpanbertError
from spanbert.nn.encoder import Encoder
from spanbert.tasks import task_class
from spanbert.text.fields import shown
from spanbert.text.tokenizer import Tokenizer
from spanbert.workflows.settings import checked


@dataclass(frozen=True)
class TaskModel:
    """A task, its network and its tokenizer.

    Args:
        task: the task with its settings.
        model: encoder and head.
        tokenizer: cuts text into the encoder's pieces.
        checkpoint: where the weights came from.
        tensors: what became of each tensor.
    """

    task: Any
    model: nn.Module
    tokenizer: Tokenizer
    checkpoint: Checkpoint
    tensors: list[TensorReport]


def name_table(task: Any) -> NameTable:
    """Names of a task's whole model."""
    return NameTable.joined({"encoder": ENCODER_NAMES, **task.head_names})


def build_trained(
    checkpoint: Checkpoint, task_name: str | None, changes: Mapping[str, Any] | None = None
) -> TaskModel:
    """A model whose head is trained; dropout is off.

    Args:
        checkpoint: the folder.
        task_name: which task; None takes the one that the folder says.
        changes: settings of the task to be used in place of the stored ones.

    Raises:
        CheckpointError: the folder names no task, another task, or lacks weights that the task needs.
        SettingsError: the settings in its `task.json`, or the changes, are not those of the task.
    """
    if task_name in part_names(checkpoint.path):
        checkpoint = with_part(checkpoint, task_name)
    described = checkpoint.task
    if task_name is None:
        if described is None:
            raise CheckpointError(f"{checkpoint.path}: has no task.json; say for which task it is to be used")
        task_name = described.name
    if described is not None and described.name != task_name:
        if task_class(task_name)().head_names:
            raise _untrained(checkpoint, task_name, f"was trained for {described.name}, not for {task_name}")
        logging.getLogger(__name__).warning(
            "%s: was trained for %s; its encoder alone is used", called(checkpoint.path), described.name
        )
        checkpoint = replace(checkpoint, task=None)
    with NoRandomStart():  # nothing stays random: what is missing is refused
        made = build(checkpoint, stored_task(checkpoint, task_name, changes), dropout=0.0)
    missing = random_tensors(made.tensors)
    if missing:
        raise _untrained(checkpoint, task_name, f"has no trained {_listed(missing)}, which {task_name} needs")
    made.model.eval()
    return made


def starting_point(checkpoint: Checkpoint, task: Any) -> Checkpoint:
    """What the training of a task starts from: the folder's own model, whatever else the folder can do.

    Only a task without a head, such as the comparison of vectors, goes on from the folder's part for it: its
    whole skill is in the encoder.
    """
    if task.head_names or task.name not in part_names(checkpoint.path):
        return checkpoint
    return with_part(checkpoint, task.name)


def build_untrained(checkpoint: Checkpoint, task: Any, *, dropout: float) -> TaskModel:
    """As `build`, to be trained: a stored head goes on learning only where it scores the same labels.

    The pooler, which every BERT has, is kept in any case.
    """
    described = checkpoint.task
    if described is None:
        before = label_names(checkpoint.config_values) or ()
    else:
        before = tuple(described.settings.get("labels", task.labels))
    if before != tuple(task.labels) or (described is not None and described.name != task.name):
        table = name_table(task)
        head = {
            table.theirs(name)
            for name, _ in task.build(Encoder(checkpoint.config)).named_parameters()
            if not name.startswith("encoder.")
        } - set(POOLER.tensors)
        kept = {name: value for name, value in checkpoint.stored.tensors.items() if name not in head}
        if len(kept) < len(checkpoint.stored.tensors) and (described is None or described.name == task.name):
            _tell_of_new_head(checkpoint, before, task)
        checkpoint = replace(checkpoint, stored=replace(checkpoint.stored, tensors=kept))
    made = build(checkpoint, task, dropout=dropout)
    if set(random_tensors(made.tensors)) & set(MASKED_LM.tensors):
        logging.getLogger(__name__).warning(
            "%s: has no masked-LM head; one is begun at random, which takes a lot of text to learn (spanbert "
            "pretrain is for that)",
            called(checkpoint.path),
        )
    return made


def _tell_of_new_head(checkpoint: Checkpoint, before: Sequence[str], task: Any) -> None:
    logging.getLogger(__name__).warning(
        "%s: its head scores other labels (%s) than those of the training data (%s); a new one is begun",
        called(checkpoint.path),
        shown(list(before)),
        shown(list(task.labels)),
    )


def build(checkpoint: Checkpoint, task: Any, *, dropout: float) -> TaskModel:
    """The task's model on the checkpoint's encoder; a head that the folder lacks stays random.

    Raises:
        CheckpointError: a tensor of the encoder is missing or has another shape.
        SettingsError: longer sequences were chosen than the encoder reads.
    """
    task = task.within(checkpoint.config.max_positions)
    model = task.build(Encoder(checkpoint.config.with_dropout(dropout)))
    tensors = fill(model, checkpoint.stored, name_table(task))
    missing = set(random_tensors(tensors)) - set(POOLER.tensors)
    encoder = sorted(name for name in missing if name.startswith("bert."))
    if encoder:
        raise CheckpointError(
            f"{checkpoint.path}: {len(encoder)} tensors of the encoder are missing: {_listed(encoder)}"
        )
    return TaskModel(task, model, checkpoint.tokenizer(), checkpoint, tensors)


def stored_task(checkpoint: Checkpoint, name: str, changes: Mapping[str, Any] | None = None) -> Any:
    """The task with the settings that a checkpoint holds for it.

    A folder without `task.json` says no more than names and kind of labels and the shape of a boundary head.

    Raises:
        SettingsError: the settings in its `task.json`, or the changes, are not those of the task.
    """
    cls = task_class(name)
    told = {
        "labels": _labels(checkpoint),
        "kind": label_kind(checkpoint.config_values) or "auto",
        "boundary_shape": boundary_shape(checkpoint.stored),
    }
    of_task = {key: value for key, value in told.items() if key in cls.Settings.model_fields}
    settings = checkpoint.task.settings if checkpoint.task else of_task
    stored = checked(cls.Settings, settings, f"{checkpoint.path}: task.json")
    if changes:
        stored = checked(
            cls.Settings, {**stored.model_dump(exclude_unset=True), **changes}, f"settings of {name}"
        )
    return cls(stored)


def _untrained(checkpoint: Checkpoint, name: str, reason: str) -> CheckpointError:
    """The error that says why a model cannot do a task, and which command trains it."""
    model = called(checkpoint.path)
    if ARCHITECTURE_HEADS.get(task_class(name)().architecture) is MASKED_LM:
        return CheckpointError(
            f"{model}: has no trained masked-LM head, which {name} needs; "
            f"pretrain it first: spanbert pretrain CORPUS --model {model} --output DIR"
        )
    command = f"spanbert finetune {name} --model {model} ..."
    return CheckpointError(f"{model}: {reason}; fine-tune it first: {command}")


def _labels(checkpoint: Checkpoint) -> tuple[str, ...]:
    """Names in `config.json`; numbered ones where a classifier's labels have no names."""
    rows = checkpoint.stored.tensors.get(CLASSIFIER.tensors[0])
    unnamed = tuple(f"LABEL_{number}" for number in range(0 if rows is None else len(rows)))
    return label_names(checkpoint.config_values) or unnamed


def can_do(checkpoint: Checkpoint, task: str) -> bool:
    """Whether a checkpoint has all that a task needs; nothing is loaded."""
    if task in part_names(checkpoint.path):
        return True
    if checkpoint.task is not None and checkpoint.task.name != task:
        return not task_class(task)().head_names
    try:
        found = stored_task(checkpoint, task)
        if "labels" in type(found.settings).model_fields and not found.labels:
            return False
        with torch.device("meta"):  # names only, no memory
            model = found.build(Encoder(checkpoint.config))
    except SpanbertError:
        return False
    names = name_table(found)
    return all(names.theirs(name) in checkpoint.stored.tensors for name, _ in model.named_parameters())


def describe(task: Any) -> TaskDescription:
    """The task as `task.json` holds it."""
    return TaskDescription(task.name, task.settings.model_dump())


def _listed(names: list[str]) -> str:
    return ", ".join(names[:3]) + (" ..." if len(names) > 3 else "")
