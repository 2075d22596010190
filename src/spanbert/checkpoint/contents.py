"""What a checkpoint holds: the fate of each tensor when the encoder and all known heads are asked for."""

from __future__ import annotations

import torch

from spanbert.checkpoint.folder import Checkpoint
from spanbert.checkpoint.heads import (
    ARCHITECTURE_HEADS,
    HEAD_KINDS,
    MASKED_LM,
    POOLER,
    HeadKind,
    heads_in,
    layers_beyond,
)
from spanbert.checkpoint.names import ENCODER_NAMES, MASKED_LM_NAMES, POOLER_NAMES, NameTable
from spanbert.checkpoint.weights import Fate, TensorReport, leftovers, match
from spanbert.errors import CheckpointError
from spanbert.nn.config import EncoderConfig
from spanbert.nn.encoder import Encoder
from spanbert.nn.heads import MaskedLmHead, Pooler


def account(checkpoint: Checkpoint) -> list[TensorReport]:
    """One line for each tensor: those of the encoder, of the heads, and what else the file holds.

    A head that is wholly absent is listed as random where its shape is known (pooler, masked language model),
    and as missing where the checkpoint's own config names it.

    Raises:
        CheckpointError: a tensor's shape contradicts the config, or the file has more layers.
    """
    stored = checkpoint.stored
    if extra := layers_beyond(stored, checkpoint.config.layers):
        raise CheckpointError(
            f"{stored.path}: holds {extra[0]!r}, but config.json says {checkpoint.config.layers} layers"
        )
    shapes = _known_shapes(checkpoint.config)
    report: list[TensorReport] = []
    for name, shape in shapes.items():
        if not any(name in kind.tensors for kind in HEAD_KINDS):
            line = match(name, shape, stored)
            report.append(_as_missing(line) if line.fate is Fate.RANDOM else line)
    stated = [ARCHITECTURE_HEADS[name] for name in checkpoint.architectures if name in ARCHITECTURE_HEADS]
    present = heads_in(stored)
    for kind in HEAD_KINDS:
        if kind in present or kind in stated or kind in (POOLER, MASKED_LM):
            report += _head(kind, checkpoint, shapes, expected=kind in present or kind in stated)
    used = {line.name for line in report if line.stored_as is not None}
    return report + leftovers(stored, used)


def require_encoder(checkpoint: Checkpoint) -> None:
    """Check that the whole encoder is there in the shapes that the config says.

    Raises:
        CheckpointError: it is not; also as `account`.
    """
    missing = [line.name for line in account(checkpoint) if line.fate is Fate.MISSING]
    encoder = [name for name in missing if name.startswith("bert.") and name not in POOLER.tensors]
    if encoder:
        raise CheckpointError(
            f"{checkpoint.stored.path}: {len(encoder)} tensors of the encoder are missing, {encoder[0]!r} "
            "first; the file is no complete BERT model"
        )


def broken_tensors(checkpoint: Checkpoint) -> list[str]:
    """Names, as stored, of tensors with values that are not finite."""
    return [
        checkpoint.stored.stored_as[name]
        for name, value in checkpoint.stored.tensors.items()
        if value.is_floating_point() and not value.isfinite().all()
    ]


def _head(
    kind: HeadKind, checkpoint: Checkpoint, shapes: dict[str, tuple[int, ...]], *, expected: bool
) -> list[TensorReport]:
    lines: list[TensorReport] = []
    for name in kind.tensors:
        found = checkpoint.stored.tensors.get(name)
        shape = shapes.get(name) or (tuple(found.shape) if found is not None else None)
        line = (
            TensorReport(name, Fate.RANDOM, None, None)
            if shape is None
            else match(name, shape, checkpoint.stored)
        )
        lines.append(_as_missing(line) if expected and line.fate is Fate.RANDOM else line)
    return lines


def _as_missing(line: TensorReport) -> TensorReport:
    return TensorReport(line.name, Fate.MISSING, line.shape, None)


def _known_shapes(config: EncoderConfig) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):  # shapes only, no memory
        encoder = Encoder(config)
        parts = (
            (encoder, ENCODER_NAMES),
            (Pooler(config), POOLER_NAMES),
            (MaskedLmHead(config, encoder.embeddings.word), MASKED_LM_NAMES),
        )
        return {
            NameTable(names).theirs(name): tuple(parameter.shape)
            for module, names in parts
            for name, parameter in module.named_parameters()
            if name != "decoder.weight"  # tied
        }
