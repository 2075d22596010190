"""Tensors of a file, and filling a module with them while accounting for each one."""

from __future__ import annotations

import os
import pickle
import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from spanbert.checkpoint.names import NameTable
from spanbert.errors import CheckpointError


class Fate(Enum):
    """What became of one tensor."""

    LOADED = "loaded"
    RENAMED = "renamed"
    """Loaded from a tensor that the file holds under an older or unprefixed name."""
    RANDOM = "random"
    """The model has it, the file does not: it stays at its random start."""
    UNUSED = "unused"
    """The file has it, the model does not."""


@dataclass(frozen=True, slots=True)
class TensorReport:
    """One line of the tensor-by-tensor report.

    Args:
        name: Hugging Face name.
        fate: what became of it.
        shape: its shape.
        stored_as: name in the file; None when the file lacks it.
    """

    name: str
    fate: Fate
    shape: tuple[int, ...]
    stored_as: str | None


@dataclass(frozen=True, slots=True)
class StoredTensors:
    """Tensors under canonical Hugging Face names, each with the name it has in its file."""

    tensors: dict[str, Tensor]
    stored_as: dict[str, str]


def read_weights(path: Path) -> StoredTensors:
    """Tensors of a `.safetensors` file or a weights-only pickle.

    Raises:
        CheckpointError: the file is missing, truncated, of another kind, or holds code.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: no such weights file")
    try:
        if path.suffix == ".safetensors":
            found = load_file(path)
        else:
            found = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, RuntimeError, pickle.UnpicklingError, EOFError, OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(f"{path}: damaged or no weights file ({reason})") from error
    if not isinstance(found, Mapping):
        raise CheckpointError(f"{path}: holds a {type(found).__name__}, a dictionary of tensors is needed")
    found = found.get("model", found) if isinstance(found.get("model"), Mapping) else found
    return canonical({name: value for name, value in found.items() if isinstance(value, Tensor)}, path)


def canonical(tensors: Mapping[str, Tensor], path: Path) -> StoredTensors:
    """Undo the older spellings: fairseq's `decoder.` prefix, `gamma`/`beta`, an encoder without `bert.`.

    Raises:
        CheckpointError: two tensors of the file come to one name.
    """
    wrapped = any(name.startswith(("decoder.bert.", "decoder.cls.")) for name in tensors)
    bare = not any(re.match(r"(decoder\.)?bert\.", name) for name in tensors)
    renamed: dict[str, str] = {}
    for name in tensors:
        new = name.removeprefix("decoder.") if wrapped else name
        if bare and new.startswith(("embeddings.", "encoder.", "pooler.")):
            new = f"bert.{new}"
        new = re.sub(r"\.gamma$", ".weight", re.sub(r"\.beta$", ".bias", new))
        if new in renamed:
            raise CheckpointError(f"{path}: {name!r} and {renamed[new]!r} are both {new!r}")
        renamed[new] = name
    return StoredTensors({new: tensors[old] for new, old in renamed.items()}, renamed)


def fill(module: nn.Module, stored: StoredTensors, names: NameTable) -> list[TensorReport]:
    """Copy stored tensors into a module's parameters and account for every tensor on both sides.

    Args:
        module: its parameters take the stored values in their own dtype.
        stored: tensors under Hugging Face names.
        names: our parameter names to Hugging Face names.

    Raises:
        CheckpointError: a tensor has another shape than the parameter.
    """
    report: list[TensorReport] = []
    used: set[str] = set()
    for name, parameter in module.named_parameters():
        theirs = names.theirs(name)
        value = stored.tensors.get(theirs)
        if value is None:
            report.append(TensorReport(theirs, Fate.RANDOM, tuple(parameter.shape), None))
            continue
        if value.shape != parameter.shape:
            raise CheckpointError(
                f"tensor {stored.stored_as[theirs]!r} has shape {list(value.shape)}, the configuration asks for "
                f"{list(parameter.shape)}"
            )
        with torch.no_grad():
            parameter.copy_(value)
        used.add(theirs)
        fate = Fate.LOADED if stored.stored_as[theirs] == theirs else Fate.RENAMED
        report.append(TensorReport(theirs, fate, tuple(value.shape), stored.stored_as[theirs]))
    report += [
        TensorReport(name, Fate.UNUSED, tuple(value.shape), stored.stored_as[name])
        for name, value in stored.tensors.items()
        if name not in used
    ]
    return report


def random_tensors(report: Iterable[TensorReport]) -> list[str]:
    """Names of the tensors that stayed random."""
    return [line.name for line in report if line.fate is Fate.RANDOM]


def write_weights(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write a safetensors file that is complete or absent.

    Raises:
        OSError: the disk is full or not writable; an earlier file is left as it was.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    os.close(handle)
    try:
        save_file(
            {name: value.detach().cpu().contiguous() for name, value in tensors.items()},
            temporary,
            metadata={"format": "pt"},
        )
        with Path(temporary).open("rb") as stream:
            os.fsync(stream.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except SafetensorError as error:
        raise OSError(f"{path}: cannot be written ({error})") from error
    finally:
        Path(temporary).unlink(missing_ok=True)
