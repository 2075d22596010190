"""A model folder: config.json, weights, tokenizer, task.json; read whole, written whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from spanbert.checkpoint.hf_config import encoder_config, hf_config
from spanbert.checkpoint.names import NameTable
from spanbert.checkpoint.weights import StoredTensors, read_weights, write_weights
from spanbert.errors import CheckpointError, DataError
from spanbert.nn.config import EncoderConfig
from spanbert.text.files import read_json, write_json
from spanbert.text.tokenizer import Tokenizer

FORMAT = 1
WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin", "model.pt")


@dataclass(frozen=True, slots=True)
class TaskDescription:
    """What `task.json` says: which task the head is for and with which settings it was trained."""

    name: str
    settings: dict[str, Any]


@dataclass(frozen=True)
class Checkpoint:
    """A model folder in memory.

    Args:
        path: the folder.
        config: shape of the encoder.
        stored: all tensors.
        task: the description in `task.json`; None in a folder that we did not write.
        architectures: Hugging Face class names in `config.json`.
    """

    path: Path
    config: EncoderConfig
    stored: StoredTensors
    task: TaskDescription | None
    architectures: tuple[str, ...]

    def tokenizer(self) -> Tokenizer:
        """The folder's tokenizer.

        Raises:
            CheckpointError: there is none, or its vocabulary is larger than the model's.
        """
        tokenizer = read_tokenizer(self.path)
        if tokenizer.vocabulary_size > self.config.vocabulary_size:
            raise CheckpointError(
                f"{self.path}: the tokenizer has {tokenizer.vocabulary_size} pieces, the model only "
                f"{self.config.vocabulary_size}"
            )
        return tokenizer


def read_folder(path: Path) -> Checkpoint:
    """Read config, weights and task description of a folder.

    Raises:
        CheckpointError: it is no model folder, or a part of it is damaged.
    """
    config_path = path / "config.json"
    if not config_path.is_file():
        raise CheckpointError(f"{path}: no model folder (it has no config.json)")
    values = _json_object(config_path)
    weights = next((path / name for name in WEIGHT_FILES if (path / name).is_file()), None)
    if weights is None:
        raise CheckpointError(f"{path}: no weights ({' or '.join(WEIGHT_FILES)})")
    task = None
    if (path / "task.json").is_file():
        described = _json_object(path / "task.json")
        if described.get("format") != FORMAT or not isinstance(described.get("task"), str):
            raise CheckpointError(f"{path / 'task.json'}: not a task description of format {FORMAT}")
        task = TaskDescription(described["task"], dict(described.get("settings", {})))
    return Checkpoint(
        path,
        encoder_config(values, str(config_path)),
        read_weights(weights),
        task,
        tuple(values.get("architectures") or ()),
    )


def read_tokenizer(path: Path) -> Tokenizer:
    """The tokenizer of a folder: `tokenizer.json`, else `vocab.txt` with what `tokenizer_config.json` says.

    Raises:
        CheckpointError: neither is there, or nothing says whether text is lower-cased.
    """
    if (path / "tokenizer.json").is_file():
        return Tokenizer.from_file(path / "tokenizer.json")
    if not (path / "vocab.txt").is_file():
        raise CheckpointError(
            f"{path}: no vocabulary; put the vocab.txt (or tokenizer.json) of the model it was trained with there"
        )
    config = path / "tokenizer_config.json"
    values = _json_object(config) if config.is_file() else {}
    if "do_lower_case" not in values:
        raise CheckpointError(
            f"{path}: nothing says whether text is lower-cased; write tokenizer_config.json with "
            '{"do_lower_case": false} for a cased model or true for an uncased one'
        )
    return Tokenizer.from_vocabulary(
        path / "vocab.txt",
        lowercase=bool(values["do_lower_case"]),
        strip_accents=values.get("strip_accents"),
        split_chinese=values.get("tokenize_chinese_chars", True),
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
    labels: list[str] | None = None,
) -> None:
    """Write a plain Hugging Face folder; weights last, so that a folder with weights is complete.

    Raises:
        OSError: the disk is full or not writable.
    """
    path.mkdir(parents=True, exist_ok=True)
    write_json(path / "config.json", hf_config(config, architecture, labels))
    tokenizer.save(path, max_pieces=config.max_positions)
    if task is not None:
        write_task(path, task)
    write_weights(
        path / "model.safetensors", {names.theirs(name): value for name, value in model.named_parameters()}
    )


def write_task(path: Path, task: TaskDescription) -> None:
    """Write `task.json` alone (a threshold fitted later)."""
    write_json(path / "task.json", {"format": FORMAT, "task": task.name, "settings": _plain(task.settings)})


def _plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    # JSON has no infinity; a threshold without bound is written as a string that pydantic reads back.
    return {
        key: str(value) if isinstance(value, float) and value in (float("inf"), float("-inf")) else value
        for key, value in settings.items()
    }


def _json_object(path: Path) -> dict[str, Any]:
    try:
        value = read_json(path)
    except DataError as error:
        raise CheckpointError(str(error)) from error
    if not isinstance(value, dict):
        raise CheckpointError(f"{path}: a JSON object is needed, found {json.dumps(value)[:40]}")
    return value
