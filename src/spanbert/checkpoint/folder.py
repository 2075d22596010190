"""A model folder: config.json, weights, tokenizer, task.json; read whole, written whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from spanbert.checkpoint.compact import COMPACT_FORMAT, compacted
from spanbert.checkpoint.hf_config import config_from_shapes, encoder_config, hf_config
from spanbert.checkpoint.json_object import json_object
from spanbert.checkpoint.names import NameTable
from spanbert.checkpoint.vocabulary import read_tokenizer
from spanbert.checkpoint.weight_files import (
    COMPACT_FILE,
    FAIRSEQ_FILE,
    read_weights,
    weights_in,
    write_weights,
)
from spanbert.checkpoint.weights import StoredTensors
from spanbert.errors import CheckpointError, SpanbertError
from spanbert.nn.config import EncoderConfig
from spanbert.text.files import write_json
from spanbert.text.tokenizer import Tokenizer

FORMAT = 1
CONFIG_FILES = ("config.json", "bert_config.json")
TASK_ENTRY = "spanbert_task"
"""Where the weights file's metadata carries the task description that it was written with."""


@dataclass(frozen=True, slots=True)
class TaskDescription:
    """What `task.json` says: which task the head is for and with which settings it was trained."""

    name: str
    settings: dict[str, Any]


@dataclass(frozen=True)
class Checkpoint:
    """A model in memory.

    Args:
        path: the folder or archive it was read from.
        config: shape of the encoder.
        stored: all tensors.
        task: the description in `task.json`; None in a folder that we did not write.
        architectures: Hugging Face class names in `config.json`.
        config_values: all of `config.json`.
        found_tokenizer: the tokenizer, or why there is none.
        notes: what had to be concluded because the folder does not say it.
    """

    path: Path
    config: EncoderConfig
    stored: StoredTensors
    task: TaskDescription | None
    architectures: tuple[str, ...]
    config_values: Mapping[str, Any]
    found_tokenizer: Tokenizer | CheckpointError
    notes: tuple[str, ...] = field(default=())

    def tokenizer(self) -> Tokenizer:
        """The model's tokenizer.

        Raises:
            CheckpointError: there is none, or its vocabulary is larger than the model's.
        """
        if isinstance(self.found_tokenizer, CheckpointError):
            raise self.found_tokenizer
        if self.found_tokenizer.vocabulary_size > self.config.vocabulary_size:
            raise CheckpointError(
                f"{self.path}: the tokenizer has {self.found_tokenizer.vocabulary_size} pieces, the model "
                f"only {self.config.vocabulary_size}; give the vocabulary that the model was trained with"
            )
        return self.found_tokenizer


def read_folder(path: Path, weights: Path | None = None) -> Checkpoint:
    """Read config, weights, tokenizer and task description of a folder.

    Args:
        path: the folder.
        weights: the file to read the weights of; the folder's best-kept form when left out.

    Raises:
        CheckpointError: it is no model folder, or a part of it is damaged.
    """
    config_path = next((path / name for name in CONFIG_FILES if (path / name).is_file()), None)
    notes: list[str] = []
    if config_path is not None:
        values = json_object(config_path)
        config = encoder_config(values, str(config_path))
        stored = read_weights(weights or weights_in(path))
    else:
        if weights is None and not (path / FAIRSEQ_FILE).is_file():
            raise CheckpointError(f"{path}: no model folder (it has no config.json)")
        stored = read_weights(weights or path / FAIRSEQ_FILE)
        shapes = {name: tuple(value.shape) for name, value in stored.tensors.items()}
        values = config_from_shapes(shapes) or {}
        if not values:
            raise CheckpointError(
                f"{path}: no config.json, and the weights are not of BERT's base or large width"
            )
        config = encoder_config(values, str(path))
        notes.append(f"no config.json: sizes are those of the tensors, {config.heads} heads as in BERT")
    tokenizer: Tokenizer | CheckpointError
    try:
        tokenizer, more = read_tokenizer(path)
        notes += more
    except CheckpointError as error:
        tokenizer = error
    return Checkpoint(
        path,
        config,
        stored,
        read_task(path / "task.json", stored),
        tuple(map(str, values.get("architectures") or ())),
        values,
        tokenizer,
        tuple(notes),
    )


def write_folder(
    path: Path,
    model: nn.Module,
    names: NameTable,
    config: EncoderConfig,
    tokenizer: Tokenizer,
    *,
    architecture: str,
    task: TaskDescription | None,
    labels: Sequence[str] | None = None,
) -> None:
    """Write a model as a plain Hugging Face folder.

    Raises:
        SpanbertError: the disk is full or not writable; each file there is whole, the new or the old one.
    """
    tensors = {names.theirs(name): value for name, value in model.named_parameters()}
    kind = task.settings.get("kind", "number" if labels and len(labels) == 1 else None) if task else None
    write_files(path, hf_config(config, architecture, labels, kind=kind), tensors, tokenizer, task)


def write_files(
    path: Path,
    config_values: Mapping[str, Any],
    tensors: Mapping[str, Tensor],
    tokenizer: Tokenizer,
    task: TaskDescription | None,
    *,
    compact: bool = False,
) -> None:
    """Write the files of a model folder; weights last, so that a folder with weights is complete.

    Where a folder is written anew over an old one and the process dies between two files, the weights still
    carry the task description that belongs to them (see `read_task`).

    Args:
        path: the folder.
        config_values: content of `config.json`.
        tensors: Hugging Face name -> values.
        tokenizer: of the model.
        task: what the head is for.
        compact: keep the weights as compact storage.

    Raises:
        SpanbertError: the disk is full or not writable.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SpanbertError(f"{path}: cannot be made a folder ({error.strerror})") from error
    write_json(path / "config.json", dict(config_values))
    tokenizer.save(path, max_pieces=int(config_values["max_position_embeddings"]))
    metadata = {}
    if task is not None:
        metadata[TASK_ENTRY] = json.dumps(task_values(task))
        write_json(path / "task.json", task_values(task) | {"trained_as": _digest(metadata[TASK_ENTRY])})
    else:
        (path / "task.json").unlink(missing_ok=True)
    if compact:
        write_weights(path / COMPACT_FILE, compacted(tensors), metadata | {"format": COMPACT_FORMAT})
    else:
        write_weights(path / "model.safetensors", tensors, metadata)


def write_compact(source: Path, output: Path) -> None:
    """Write a model folder anew with its weights in compact storage.

    Raises:
        CheckpointError: `source` is no complete model folder, or holds values that are not finite.
        SpanbertError: `output` cannot be written.
    """
    checkpoint = read_folder(source)
    write_files(
        output,
        hf_config(
            checkpoint.config,
            checkpoint.architectures[0] if checkpoint.architectures else "BertModel",
            other=checkpoint.config_values,
        ),
        checkpoint.stored.parameters(),
        checkpoint.tokenizer(),
        checkpoint.task,
        compact=True,
    )


def write_task(path: Path, task: TaskDescription) -> None:
    """Write `task.json` alone (a threshold fitted later) beside weights that stay as they are.

    Raises:
        SpanbertError: the disk is full or not writable.
    """
    values = task_values(task)
    for name in ("model.safetensors", COMPACT_FILE):
        if (path / name).is_file() and (carried := _metadata(path / name).get(TASK_ENTRY)):
            values["trained_as"] = _digest(carried)
            break
    write_json(path / "task.json", values)


def read_task(path: Path, stored: StoredTensors) -> TaskDescription | None:
    """The description in `task.json`, unless a write that was cut short left one of other weights there.

    `trained_as` is the digest of the description that the weights carry. It stays when a threshold is fitted
    anew or edited by hand, so such a file holds; one whose digest differs was written for other weights.
    """
    carried = stored.metadata.get(TASK_ENTRY)
    described = json_object(path) if path.is_file() else None
    stale = described is None or described.get("trained_as", "") not in ("", _digest(carried or ""))
    if carried is not None and stale:
        described = json.loads(carried)
    if described is None:
        return None
    settings = described.get("settings", {})
    if (
        described.get("format") != FORMAT
        or not isinstance(described.get("task"), str)
        or not isinstance(settings, dict)
    ):
        raise CheckpointError(f"{path}: not a task description of format {FORMAT}")
    return TaskDescription(described["task"], settings)


def _metadata(path: Path) -> dict[str, str]:
    try:
        with safe_open(path, "pt") as stream:
            return dict(stream.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path}: damaged or no safetensors file ({error})") from error


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def task_values(task: TaskDescription) -> dict[str, Any]:
    """What `task.json` holds of a description."""
    # JSON has no infinity; a threshold without bound is written as a string that pydantic reads back.
    settings = {
        key: str(value) if isinstance(value, float) and value in (float("inf"), float("-inf")) else value
        for key, value in task.settings.items()
    }
    return {"format": FORMAT, "task": task.name, "settings": settings}
