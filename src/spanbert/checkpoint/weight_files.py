"""Weights in files: safetensors, weights-only pickles, shards of either and compact storage."""

from __future__ import annotations

import json
import os
import pickle
import re
import secrets
from argparse import Namespace
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from spanbert.checkpoint.compact import COMPACT_FORMAT, expanded
from spanbert.checkpoint.weights import StoredTensors, canonical
from spanbert.errors import CheckpointError, DataError, SpanbertError
from spanbert.text.files import read_json

COMPACT_FILE = "compact.safetensors"
FAIRSEQ_FILE = "model.pt"
"""What the training code of SpanBERT saved."""
WEIGHT_FILES = (
    "model.safetensors",
    "model.safetensors.index.json",
    COMPACT_FILE,
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
    FAIRSEQ_FILE,
)
FOREIGN_FILES = re.compile(
    r"(tf_model\.h5|flax_model\.msgpack|.*\.ckpt\.(index|meta|data-.*)|rust_model\.ot|.*\.onnx)$"
)
SHARD_FILES = re.compile(r"(model-.*\.safetensors|pytorch_model-.*\.bin)$")


class _Ignored:
    """Stands for an object beside the weights that a training run stored; takes any state and keeps none."""

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def __setstate__(self, state: Any) -> None: ...


# What fairseq's `model.pt` holds beside tensors. A namespace is plain data; the meters are never rebuilt.
PLAIN_OBJECTS: list[Any] = [
    Namespace,
    *((_Ignored, f"fairseq.meters.{name}") for name in ("AverageMeter", "TimeMeter", "StopwatchMeter")),
]


def weights_in(folder: Path) -> Path:
    """The weights file of a folder, the best-kept form first.

    Raises:
        CheckpointError: there is none, with what is there instead.
    """
    for name in WEIGHT_FILES:
        if (folder / name).is_file():
            return folder / name
    raise no_weights(folder, (entry.name for entry in folder.iterdir()))


def no_weights(place: Path, names: Iterable[str]) -> CheckpointError:
    """The error for a place that holds these files, none of them weights that we read."""
    foreign = sorted(name for name in names if FOREIGN_FILES.match(name))
    if foreign:
        return CheckpointError(
            f"{place}: only weights of other programs ({', '.join(foreign[:3])}); "
            "save the model with PyTorch (model.safetensors or pytorch_model.bin) first"
        )
    return CheckpointError(f"{place}: no weights ({', '.join(WEIGHT_FILES)})")


def read_weights(path: Path) -> StoredTensors:
    """Tensors of a `.safetensors` file, a weights-only pickle, or the index of several such files.

    Raises:
        CheckpointError: a file is missing, truncated, of another kind, or asks to run code.
    """
    if path.name.endswith(".index.json"):
        return canonical(_read_shards(path), path)
    tensors, metadata = _read_file(path)
    if metadata.get("format") == COMPACT_FORMAT:
        tensors, dtypes = expanded(tensors, path)
        return canonical(tensors, path, metadata=metadata, dtypes=dtypes)
    return canonical(tensors, path, metadata=metadata)


def _read_file(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    if not path.is_file():
        raise CheckpointError(f"{path}: no such weights file")
    try:
        with path.open("rb") as stream:
            start = stream.read(64)
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror})") from error
    if start.startswith(b"version https://git-lfs"):
        raise CheckpointError(f"{path}: is a Git LFS pointer, not the weights; fetch them with: git lfs pull")
    return _read_safetensors(path) if path.suffix == ".safetensors" else (_read_pickle(path), {})


def _read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        with safe_open(path, "pt") as stream:
            return {name: stream.get_tensor(name) for name in stream.keys()}, stream.metadata() or {}  # noqa: SIM118
    except (SafetensorError, OSError, RuntimeError, ValueError) as error:
        raise CheckpointError(f"{path}: damaged or no safetensors file ({_first_line(error)})") from error


def _read_pickle(path: Path) -> dict[str, Tensor]:
    try:
        with torch.serialization.safe_globals(PLAIN_OBJECTS):
            found = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if asked := re.search(r"GLOBAL (\S+)", str(error)):
            raise CheckpointError(
                f"{path}: refused, the pickle asks for {asked[1]}, which is no plain weight data; "
                "save the state dictionary alone, as safetensors"
            ) from error
        raise CheckpointError(f"{path}: damaged or no PyTorch weights file") from error
    except MemoryError:
        raise
    except Exception as error:  # a damaged pickle can raise anything
        raise CheckpointError(f"{path}: damaged or no PyTorch weights file ({_first_line(error)})") from error
    for wrapper in ("model", "state_dict"):
        if isinstance(found, Mapping) and isinstance(found.get(wrapper), Mapping):
            found = found[wrapper]
    if not isinstance(found, Mapping):
        raise CheckpointError(f"{path}: holds a {type(found).__name__}, a dictionary of tensors is needed")
    tensors = {str(name): value for name, value in found.items() if isinstance(value, Tensor)}
    if not tensors:
        raise CheckpointError(f"{path}: holds no tensors")
    return tensors


def _read_shards(index: Path) -> dict[str, Tensor]:
    try:
        places = read_json(index)["weight_map"]
        files = sorted(set(places.values()))
    except DataError as error:
        raise CheckpointError(str(error)) from error
    except (KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{index}: no 'weight_map' of tensor names to files") from error
    if strange := [
        name for name in files if not isinstance(name, str) or not SHARD_FILES.match(name) or "/" in name
    ]:
        raise CheckpointError(f"{index}: {strange[0]!r} is no file name of a shard")
    tensors: dict[str, Tensor] = {}
    for name in files:
        tensors |= _read_file(index.with_name(name))[0]
    if lost := sorted(set(places) - set(tensors)):
        raise CheckpointError(f"{index}: {len(lost)} tensors are in no shard, {lost[0]!r} among them")
    return tensors


def write_weights(
    path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    """Write a safetensors file that is complete or absent.

    Args:
        path: the file.
        tensors: what it holds.
        metadata: text beside them; `{"format": "pt"}`, which other readers ask for, when left out.

    Raises:
        SpanbertError: the disk is full or not writable; an earlier file is left as it was.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        save_file(
            {name: value.detach().cpu().contiguous() for name, value in tensors.items()},
            temporary,
            metadata={"format": "pt"} | dict(metadata or {}),
        )
        with temporary.open("rb+") as stream:
            _sort_metadata(stream)
            os.fsync(stream.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except (OSError, SafetensorError) as error:
        reason = f"cannot be written ({_first_line(error)}); nothing there was changed"
        raise SpanbertError(f"{path}: {reason}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _sort_metadata(stream: BinaryIO) -> None:
    """The library writes metadata in an order that differs each time; equal weights make equal files."""
    size = int.from_bytes(stream.read(8), "little")
    header = json.loads(stream.read(size))
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    if len(text) <= size:
        stream.seek(8)
        stream.write(text.ljust(size))


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
