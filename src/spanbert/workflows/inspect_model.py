"""What a checkpoint is, what it holds and what can be done with it."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from spanbert.checkpoint.contents import account, broken_tensors
from spanbert.checkpoint.folder import Checkpoint
from spanbert.checkpoint.heads import CLASSIFIER, HEAD_KINDS, classifier_architecture
from spanbert.checkpoint.hf_config import label_names
from spanbert.checkpoint.source import read_checkpoint
from spanbert.checkpoint.vocabulary import is_cased
from spanbert.checkpoint.weights import Fate, TensorReport
from spanbert.errors import CheckpointError
from spanbert.tasks import task_names
from spanbert.workflows.model_source import can_do


@dataclass(frozen=True)
class ModelDescription:
    """What `inspect` finds.

    Args:
        path: where the model is.
        layers: number of layers.
        width: of the hidden states.
        heads: attention heads of a layer.
        feed_forward_width: inner width of a layer.
        vocabulary: rows of the word embeddings.
        positions: longest input in pieces.
        parameters: numbers in all tensors, tied ones once.
        weights_file: name of the file they are in.
        precision: number type in the file -> how many tensors have it.
        tokenizer: what cuts the text; a reason when there is none.
        cased: whether upper and lower case differ to the model; None without a tokenizer.
        model_heads: kinds of head with all their tensors, with what is known of their labels.
        trained_for: the task that `task.json` names.
        ready_for: tasks that it can do now.
        can_be_tuned_for: tasks that it could be fine-tuned for.
        tensors: one line for each tensor.
        notes: what had to be concluded.
        warnings: what is wrong.
    """

    path: str
    layers: int
    width: int
    heads: int
    feed_forward_width: int
    vocabulary: int
    positions: int
    parameters: int
    weights_file: str
    precision: dict[str, int]
    tokenizer: str
    cased: bool | None
    model_heads: list[str]
    trained_for: str | None
    ready_for: list[str]
    can_be_tuned_for: list[str]
    tensors: list[TensorReport]
    notes: list[str]
    warnings: list[str]

    def to_json(self) -> dict[str, Any]:
        """Plain types."""
        values = asdict(self)
        values["tensors"] = [{**asdict(line), "fate": line.fate.value} for line in self.tensors]
        return values


def inspect_model(model: str | Path, *, offline: bool = False) -> ModelDescription:
    """Describe a checkpoint in any form that can be read.

    Args:
        model: shipped name, folder, archive, weights file or hub id.
        offline: take a hub id from the cache only.

    Raises:
        CheckpointError: there is no such model, or it is damaged or contradicts itself.
    """
    checkpoint = read_checkpoint(model, offline=offline)
    config, stored = checkpoint.config, checkpoint.stored
    tensors = account(checkpoint)
    missing = {line.name for line in tensors if line.fate is Fate.MISSING}
    notes, warnings = list(checkpoint.notes), _warnings(checkpoint, missing, tensors)
    cased: bool | None = None
    try:
        tokenizer = checkpoint.tokenizer()
        pieces = tokenizer.vocabulary_size
        cased = not tokenizer.lowercase
        described = f"WordPiece, {pieces:,} pieces, {'cased' if cased else 'uncased (text is lower-cased)'}"
        if pieces != config.vocabulary_size:
            notes.append(
                f"the model has {config.vocabulary_size:,} word vectors, the tokenizer {pieces:,} pieces"
            )
        if cased and not is_cased(tokenizer.backend.get_vocab()):
            notes.append(
                "text is not lower-cased, but no piece holds upper-case letters: such words are unknown"
            )
    except CheckpointError as error:
        described = f"none that can be used: {error}"
    usable = cased is not None and not any(_is_encoders(name) for name in missing)
    return ModelDescription(
        path=str(checkpoint.path),
        layers=config.layers,
        width=config.width,
        heads=config.heads,
        feed_forward_width=config.feed_forward_width,
        vocabulary=config.vocabulary_size,
        positions=config.max_positions,
        parameters=sum(value.numel() for value in stored.parameters().values()),
        weights_file=stored.path.name,
        precision=dict(Counter(stored.dtype(name) for name in stored.parameters())),
        tokenizer=described,
        cased=cased,
        model_heads=_heads(checkpoint),
        trained_for=checkpoint.task.name if checkpoint.task else None,
        ready_for=[name for name in task_names() if usable and can_do(checkpoint, name)],
        can_be_tuned_for=[name for name in task_names() if usable],
        tensors=tensors,
        notes=notes,
        warnings=warnings,
    )


def _heads(checkpoint: Checkpoint) -> list[str]:
    stored = checkpoint.stored
    found: list[str] = []
    for kind in HEAD_KINDS:
        if any(name not in stored.tensors for name in kind.tensors):
            continue
        if kind is not CLASSIFIER:
            found.append(kind.name)
            continue
        labels = stored.tensors["classifier.weight"].shape[0]
        of = "token" if "Token" in classifier_architecture(stored, checkpoint.architectures) else "sequence"
        names = label_names(checkpoint.config_values)
        shown = f": {', '.join(names[:12])}{', ...' if len(names) > 12 else ''}" if names else ""
        found.append(f"{of} classification ({labels} labels{shown})")
    return found


def _is_encoders(name: str) -> bool:
    return name.startswith(("bert.embeddings.", "bert.encoder."))


def _warnings(checkpoint: Checkpoint, missing: set[str], tensors: list[TensorReport]) -> list[str]:
    warnings: list[str] = []
    if encoder := sorted(name for name in missing if _is_encoders(name)):
        warnings.append(
            f"{len(encoder)} tensors of the encoder are missing, {encoder[0]} first: it cannot be loaded"
        )
    if heads := sorted(name for name in missing if not _is_encoders(name)):
        warnings.append(
            f"{len(heads)} tensors of heads are missing, {heads[0]} first: those heads are not trained"
        )
    if broken := broken_tensors(checkpoint):
        warnings.append(
            f"{len(broken)} tensors hold NaN or infinity, {broken[0]} first: outputs will be meaningless"
        )
    if unused := [line.name for line in tensors if line.fate is Fate.UNUSED]:
        warnings.append(f"{len(unused)} tensors are of no known kind and stay unused, {unused[0]} first")
    return warnings
