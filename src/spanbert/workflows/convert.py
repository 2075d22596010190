"""Write a checkpoint of any known form as a plain Hugging Face folder."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from spanbert.checkpoint.contents import broken_tensors, require_encoder
from spanbert.checkpoint.folder import Checkpoint, write_files
from spanbert.checkpoint.heads import architecture_for, heads_in
from spanbert.checkpoint.hf_config import hf_config
from spanbert.checkpoint.source import read_checkpoint
from spanbert.checkpoint.vocabulary import tokenizer_from
from spanbert.errors import CheckpointError, SettingsError, SpanbertError
from spanbert.workflows.model_source import build_trained, describe, name_table

Dtype = Literal["float32", "float16", "bfloat16"]


@dataclass(frozen=True)
class Conversion:
    """What was written.

    Args:
        path: the folder.
        architecture: the Hugging Face class that reads it.
        heads: kinds of head that were kept.
        notes: what had to be concluded, and what was left out.
    """

    path: Path
    architecture: str
    heads: list[str]
    notes: list[str]


def convert(
    source: str | Path,
    output: Path,
    *,
    task: str | None = None,
    vocabulary: Path | None = None,
    lowercase: bool | None = None,
    dtype: Dtype = "float32",
    force: bool = False,
    offline: bool = False,
) -> Conversion:
    """Write a model as a folder that Hugging Face's Auto classes and this package read alike.

    Args:
        source: shipped name, folder, archive, weights file or hub id.
        output: the new folder; it appears complete or not at all.
        task: keep the head of this task alone.
        vocabulary: a `vocab.txt`, `tokenizer.json` or folder with one, to be used in place of the source's.
        lowercase: whether text is lower-cased; what the files say when left out.
        dtype: number type of the written weights.
        force: replace a model folder that stands at `output`.
        offline: take a hub id from the cache only.

    Raises:
        SpanbertError: the source is damaged or has no vocabulary, the task's head is not in it, or `output`
            is not empty or not writable.
    """
    _check_output(output, force)
    checkpoint = with_vocabulary(read_checkpoint(source, offline=offline), vocabulary, lowercase)
    require_encoder(checkpoint)
    tokenizer = checkpoint.tokenizer()
    notes = list(checkpoint.notes)
    if broken := broken_tensors(checkpoint):
        notes.append(f"{len(broken)} tensors hold NaN or infinity, {broken[0]} first")
    if redundant := sorted(checkpoint.stored.stored_as[name] for name in checkpoint.stored.redundant):
        notes.append(f"left out, for another tensor says the same: {', '.join(redundant)}")
    tensors = checkpoint.stored.parameters()
    architecture = architecture_for(checkpoint.stored, checkpoint.architectures)
    description = checkpoint.task
    labels: tuple[str, ...] = ()
    if task is not None:
        made = build_trained(checkpoint, task)
        names = name_table(made.task)
        wanted = {names.theirs(name) for name, _ in made.model.named_parameters()}
        tensors = {name: value for name, value in made.checkpoint.stored.tensors.items() if name in wanted}
        architecture, description, labels = made.task.architecture, describe(made.task), made.task.labels
        if dropped := sorted(set(checkpoint.stored.parameters()) - set(tensors)):
            notes.append(f"left out, for {task} does not use them: {', '.join(dropped)}")
    number_type: torch.dtype = getattr(torch, dtype)
    if dtype == "float16" and (
        large := [name for name, value in tensors.items() if value.numel() and value.abs().max() > 65504]
    ):
        raise SettingsError(
            f"{large[0]} holds values beyond float16's range; use --dtype float32 or bfloat16"
        )
    _write(
        output,
        hf_config(
            checkpoint.config, architecture, labels or None, dtype=dtype, other=checkpoint.config_values
        ),
        {
            name: value.to(number_type) if value.is_floating_point() else value
            for name, value in tensors.items()
        },
        replace(checkpoint, found_tokenizer=tokenizer, task=description),
        force,
    )
    kept = [kind.name for kind in heads_in(replace(checkpoint.stored, tensors=tensors))]
    return Conversion(output, architecture, kept, notes)


def with_vocabulary(checkpoint: Checkpoint, vocabulary: Path | None, lowercase: bool | None) -> Checkpoint:
    """A checkpoint with another tokenizer, or its own with case said explicitly.

    Raises:
        CheckpointError: the vocabulary cannot be read, or text of a cased one would be lower-cased.
    """
    if vocabulary is None and lowercase is None:
        return checkpoint
    place = vocabulary or checkpoint.path
    if not place.exists():
        raise CheckpointError(f"{place}: no such vocabulary file")
    if vocabulary is None and not place.is_dir():
        raise SettingsError("--lowercase and --no-lowercase need a model folder or --vocab FILE")
    tokenizer, notes = tokenizer_from(place, lowercase)
    return replace(checkpoint, found_tokenizer=tokenizer, notes=(*checkpoint.notes, *notes))


def _check_output(output: Path, force: bool) -> None:
    if not output.exists() and not output.is_symlink():
        return
    if not output.is_dir():
        raise SettingsError(f"{output}: is a file; name a folder that is new or empty")
    entries = list(output.iterdir())
    if not entries:
        return
    if not force:
        raise SettingsError(f"{output}: is not empty; name a new folder, or replace this one with --force")
    if not (output / "config.json").is_file() or any(entry.is_dir() for entry in entries):
        raise SettingsError(
            f"{output}: holds more than a model (or none), so it is not replaced; name a new folder"
        )


def _write(
    output: Path,
    config_values: Mapping[str, object],
    tensors: Mapping[str, Tensor],
    checkpoint: Checkpoint,
    force: bool,
) -> None:
    """Write beside `output`, then rename, so that a folder of this name is always a whole one."""
    output = output.absolute()
    temporary = output.with_name(f".{output.name}.{secrets.token_hex(4)}.part")
    replaced = output.with_name(f".{output.name}.{secrets.token_hex(4)}.old")
    try:
        write_files(temporary, config_values, tensors, checkpoint.tokenizer(), checkpoint.task)
        _check_output(output, force)
        if output.exists():
            output.rename(replaced)
        try:
            temporary.rename(output)
        except OSError:
            if replaced.exists():
                replaced.rename(output)
            raise
    except OSError as error:
        raise SpanbertError(f"{output}: cannot be written ({error.strerror})") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        if output.exists():
            shutil.rmtree(replaced, ignore_errors=True)
