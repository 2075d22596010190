"""Tensors under canonical Hugging Face names, and filling a module with an account of each one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from spanbert.checkpoint.names import NameTable
from spanbert.errors import CheckpointError

WORD_EMBEDDINGS = "bert.embeddings.word_embeddings.weight"
TIED: dict[str, str] = {
    # second name of a tensor -> the name under which we keep it
    "cls.predictions.decoder.weight": WORD_EMBEDDINGS,
    "cls.predictions.decoder.bias": "cls.predictions.bias",
    "cls.pair_target_predictions.decoder.weight": WORD_EMBEDDINGS,
}


class Fate(Enum):
    """What became of one tensor."""

    LOADED = "loaded"
    RENAMED = "renamed"
    """Loaded from a tensor that the file holds under an older or unprefixed name."""
    MISSING = "missing"
    """The file should have it and does not: the encoder, or part of a head whose other tensors are there."""
    RANDOM = "random"
    """The model has it, the file does not: it stays at its random start."""
    REDUNDANT = "redundant"
    """The file has it a second time (a tied matrix) or needlessly (a buffer of numbers 0, 1, 2, ...)."""
    UNUSED = "unused"
    """The file has it, the model does not."""


@dataclass(frozen=True, slots=True)
class TensorReport:
    """One line of the tensor-by-tensor report.

    Args:
        name: Hugging Face name.
        fate: what became of it.
        shape: its shape; None when nothing says it.
        stored_as: name in the file; None when the file lacks it.
        dtype: number type in the file; None when the file lacks it.
    """

    name: str
    fate: Fate
    shape: tuple[int, ...] | None
    stored_as: str | None
    dtype: str | None = None


@dataclass(frozen=True, slots=True)
class StoredTensors:
    """Tensors of one model.

    Args:
        tensors: canonical Hugging Face name -> values.
        stored_as: canonical name -> name in the file.
        redundant: canonical names that say what another tensor says, or nothing.
        path: where they were read.
        metadata: text that the weights file carries.
        dtypes: name in the file -> number type there, for tensors that were expanded from compact storage.
    """

    tensors: dict[str, Tensor]
    stored_as: dict[str, str]
    redundant: frozenset[str] = frozenset()
    path: Path = Path()
    metadata: Mapping[str, str] = field(default_factory=dict)
    dtypes: Mapping[str, str] = field(default_factory=dict)

    def dtype(self, name: str) -> str:
        """Number type that the file holds a tensor in: `float32`, `int8`, ..."""
        return self.dtypes.get(self.stored_as[name], dtype_name(self.tensors[name]))

    def parameters(self) -> dict[str, Tensor]:
        """The tensors without the redundant ones."""
        return {name: value for name, value in self.tensors.items() if name not in self.redundant}


def canonical(
    tensors: Mapping[str, Tensor],
    path: Path,
    *,
    metadata: Mapping[str, str] | None = None,
    dtypes: Mapping[str, str] | None = None,
) -> StoredTensors:
    """Undo the older spellings: `module.` and fairseq's `decoder.` in front, `gamma`/`beta`, no `bert.`.

    Raises:
        CheckpointError: two tensors of the file come to one name.
    """
    bare = not any(re.match(r"(module\.)?(decoder\.)?bert\.", name) for name in tensors)
    renamed: dict[str, str] = {}
    for name in tensors:
        new = re.sub(r"^(module\.)?(decoder\.(?=bert\.|cls\.))?", "", name)
        if bare and new.startswith(("embeddings.", "encoder.", "pooler.")):
            new = f"bert.{new}"
        new = re.sub(r"\.gamma$", ".weight", re.sub(r"\.beta$", ".bias", new))
        if new in renamed:
            raise CheckpointError(f"{path}: {name!r} and {renamed[new]!r} are both {new!r}")
        renamed[new] = name
    for second, kept in TIED.items():
        if second in renamed and kept not in renamed:
            renamed[kept] = renamed.pop(second)
    found = {new: tensors[old] for new, old in renamed.items()}
    redundant = {name for name in found if name.endswith((".position_ids", ".token_type_ids"))}
    redundant |= {
        name for name, kept in TIED.items() if name in found and torch.equal(found[name], found[kept])
    }
    return StoredTensors(found, renamed, frozenset(redundant), path, metadata or {}, dtypes or {})


def fill(module: nn.Module, stored: StoredTensors, names: NameTable) -> list[TensorReport]:
    """Copy stored tensors into a module's parameters and account for every tensor on both sides.

    Args:
        module: its parameters take the stored values in their own dtype.
        stored: tensors under Hugging Face names.
        names: our parameter names to Hugging Face names.

    Raises:
        CheckpointError: a tensor has another shape than the parameter, or holds no floating-point numbers.
    """
    report: list[TensorReport] = []
    used: set[str] = set()
    for name, parameter in module.named_parameters():
        line = match(names.theirs(name), tuple(parameter.shape), stored)
        report.append(line)
        if line.fate is not Fate.RANDOM:
            with torch.no_grad():
                parameter.copy_(stored.tensors[line.name])
            used.add(line.name)
    return report + leftovers(stored, used)


DRAWING = {nn.init.kaiming_uniform_, nn.init.uniform_, nn.init.normal_, Tensor.uniform_, Tensor.normal_}
"""What the constructors of torch's modules and of ours draw numbers with."""


class NoRandomStart(TorchFunctionMode):
    """In here modules are built without drawing their random start: memory as it is, to be filled.

    Drawing numbers that are then overwritten is a good part of the time to load a model. Torch's random state
    is left as it is, too.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Leave out the drawing, do all else."""
        given = kwargs or {}
        if func in DRAWING:
            return args[0] if args else given["tensor"]
        return func(*args, **given)


def match(name: str, shape: tuple[int, ...], stored: StoredTensors) -> TensorReport:
    """The report line of a tensor that a model wants: loaded, renamed or random.

    Raises:
        CheckpointError: it is stored with another shape, or not as floating-point numbers.
    """
    value = stored.tensors.get(name)
    if value is None:
        return TensorReport(name, Fate.RANDOM, shape, None)
    stored_as = stored.stored_as[name]
    if tuple(value.shape) != shape:
        raise CheckpointError(
            f"{stored.path}: tensor {stored_as!r} has shape {list(value.shape)}, "
            f"config.json asks for {list(shape)}"
        )
    if not value.is_floating_point():
        raise CheckpointError(
            f"{stored.path}: tensor {stored_as!r} holds {dtype_name(value)} numbers, floating point is needed"
        )
    fate = Fate.LOADED if stored_as == name else Fate.RENAMED
    return TensorReport(name, fate, shape, stored_as, stored.dtype(name))


def leftovers(stored: StoredTensors, used: set[str]) -> list[TensorReport]:
    """Report lines of the stored tensors that no model took."""
    return [
        TensorReport(
            name,
            Fate.REDUNDANT if name in stored.redundant else Fate.UNUSED,
            tuple(value.shape),
            stored.stored_as[name],
            stored.dtype(name),
        )
        for name, value in stored.tensors.items()
        if name not in used
    ]


def random_tensors(report: Iterable[TensorReport]) -> list[str]:
    """Names of the tensors that stayed random."""
    return [line.name for line in report if line.fate is Fate.RANDOM]


def dtype_name(value: Tensor) -> str:
    """`float32`, `int8`, ..."""
    return str(value.dtype).removeprefix("torch.")
