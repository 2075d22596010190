"""What a pretraining run would take, reckoned before it is started."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from spanbert.nn.config import EncoderConfig
from spanbert.pretraining.batch import PretrainingBatch
from spanbert.pretraining.corpus.prepare import Listener as PreparationListener
from spanbert.pretraining.model import PretrainingModel
from spanbert.training.loop import training_arithmetic
from spanbert.training.optimizer import build_optimizer
from spanbert.training.order import epoch_batches
from spanbert.workflows.pretrain import Start
from spanbert.workflows.pretraining_data import objective_of, prepare_corpus, split
from spanbert.workflows.settings import PretrainSettings, checked

TRIAL_PIECES = 2048
BYTES_A_PARAMETER = 16
"""float32 weight, gradient and AdamW's two moments."""


@dataclass(frozen=True)
class Plan:
    """Figures of a run.

    Args:
        corpus_pieces: pieces in the corpus.
        blocks: sequences in the corpus.
        held_out: blocks that the validation loss is measured on.
        pairs: training sequences that are pairs of texts, whose order is predicted; 0 where all are single.
        mean_length: pieces of a sequence, [CLS] and [SEP] included.
        padding_share: of the cells that batches of padded rows (of the longest sequence) would waste; packed
            batches, which are used, waste none.
        layers: of the encoder.
        width: of its states.
        vocabulary: pieces that it knows.
        parameters: that are trained.
        flops_a_piece: floating-point operations of forward and backward for one piece.
        memory_mib: weights, gradients, moments and the activations of a batch.
        steps: updates.
        pieces_a_second: of one process, measured here in a small trial update.
        hours: for all updates at that speed.
    """

    corpus_pieces: int
    blocks: int
    held_out: int
    pairs: int
    mean_length: float
    padding_share: float
    layers: int
    width: int
    vocabulary: int
    parameters: int
    flops_a_piece: float
    memory_mib: float
    steps: int
    pieces_a_second: float
    hours: float


def plan_pretraining(
    corpus: str | Path | Sequence[str | Path],
    output: str | Path,
    *,
    model: str | Path | None = None,
    preset: str | None = None,
    tokenizer: str | Path | None = None,
    offline: bool = False,
    preparation: PreparationListener | None = None,
    **settings: Any,
) -> Plan:
    """Prepare the corpus (it is used by the run that follows), try one small update, and reckon.

    Args:
        corpus, output, model, preset, tokenizer, offline, preparation, settings: as of `pretrain`.

    Raises:
        SpanbertError: as `pretrain`.
    """
    chosen = checked(PretrainSettings, settings, "settings")
    start = Start.of(model, preset, tokenizer, offline=offline)
    prepared = prepare_corpus(
        corpus,
        Path(output),
        start.tokenizer,
        positions=start.config.max_positions,
        settings=chosen,
        progress=preparation,
        offline=offline,
    )
    network = start.network(chosen)
    data, validation = split(prepared, start.tokenizer, chosen, places=network.places)
    epoch = data.epoch(chosen.seed, 0)
    lengths = epoch.lengths
    longest = int(lengths.max())
    mixed = np.random.default_rng(chosen.seed).permutation(len(lengths))
    trial = mixed[: max(1, int(np.searchsorted(np.cumsum(lengths[mixed]), TRIAL_PIECES)))]
    batch = epoch.batch(trial)
    passes, weights = trial_update(network, batch, chosen)
    tried = float(lengths[trial].sum())
    parameters = sum(parameter.numel() for parameter in network.parameters())
    predictions = objective_of(chosen).predictions
    batches = epoch_batches(lengths, chosen.batch_pieces, chosen.seed, 0, chosen.accumulate)
    updates = len(batches) // chosen.accumulate
    steps = chosen.steps or max(1, round(chosen.epochs * updates))
    pieces = float(lengths.sum()) / updates
    seconds = passes * pieces / tried + weights
    read = sum(map(len, batch.read)) / tried
    activations = chosen.batch_pieces * activation_bytes(
        start.config, predictions, read, recompute=chosen.gradient_checkpointing
    )
    return Plan(
        corpus_pieces=prepared.pieces,
        blocks=prepared.blocks,
        held_out=len(validation.blocks),
        pairs=epoch.pairs,
        mean_length=float(lengths.mean()),
        padding_share=1 - float(lengths.mean()) / longest,
        layers=start.config.layers,
        width=start.config.width,
        vocabulary=start.config.vocabulary_size,
        parameters=parameters,
        flops_a_piece=flops_a_piece(start.config, lengths, predictions, read, epoch.pairs),
        memory_mib=(BYTES_A_PARAMETER * parameters + activations) / 2**20,
        steps=steps,
        pieces_a_second=pieces / seconds,
        hours=steps * seconds / 3600,
    )


def flops_a_piece(
    config: EncoderConfig, lengths: NDArray[np.int64], predictions: float, read: float, pairs: int = 0
) -> float:
    """Floating-point operations of a training step for one piece, forward and (twice as many) backward.

    Args:
        config: shape of the encoder.
        lengths: pieces of each sequence; a piece attends to all of its own.
        predictions: over the vocabulary, for each piece.
        read: states of the last layer that heads read, for each piece.
        pairs: how many of the sequences are pairs of texts.
    """
    width, wide = config.width, config.feed_forward_width
    attended = float((lengths.astype(np.float64) ** 2).sum() / lengths.sum())
    attention = 6 * width * width + 4 * width * attended
    behind = 2 * width * width + 4 * width * wide
    layers = config.layers * attention + (config.layers - 1 + read) * behind
    head = predictions * 2 * width * (config.vocabulary_size + width)
    next_sentence = pairs / lengths.sum() * 2 * width * (width + 2)
    return float(3 * (layers + head + next_sentence))


def activation_bytes(config: EncoderConfig, predictions: float, read: float, *, recompute: bool) -> float:
    """Bytes that training keeps for one piece between forward and backward, in float32, without dropout.

    Each layer keeps its input, queries, keys, values and (twice) mixed values, what both norms and the
    activation need; a recomputed layer its input alone. Of the last layer, what follows attention is kept for
    the states that heads read alone. Scores over the vocabulary give their place to their gradient.

    Args:
        config, predictions, read: as of `flops_a_piece`.
        recompute: whether layers are computed again for the gradient.
    """
    attention = 6 * config.width
    behind = 3 * config.width + 2 * config.feed_forward_width
    kept = config.width  # the embeddings
    if recompute:  # one layer at a time is computed again
        kept += config.layers * config.width + attention + behind
    else:
        kept += (config.layers - 1) * (attention + behind) + attention
    last = 0.0 if recompute else read * behind
    return 4 * (kept + last + predictions * config.vocabulary_size)


def trial_update(
    network: PretrainingModel, batch: PretrainingBatch, settings: PretrainSettings
) -> tuple[float, float]:
    """Seconds of an update on the device and in the arithmetic of the run, not compiled; the second of two.

    Args:
        network: is changed by it.
        batch: of the run's data.
        settings: of the run.

    Returns:
        Those of forward and backward pass, which grow with the batch, and those of the change of weights.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network.to(device).train()
    optimizer = build_optimizer(network, settings.learning_rate, settings.weight_decay)
    for _ in range(2):  # the first one makes room
        began = _now(device)
        with training_arithmetic(settings, device):
            output = network(batch.to(device))
        total = sum(output.losses[name] / max(count, 1) for name, count in batch.target_counts.items())
        total.backward()
        passed = _now(device)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        ended = _now(device)
    return passed - began, ended - passed


def _now(device: torch.device) -> float:
    """A time at which the device has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()
