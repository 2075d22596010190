"""Losses and accuracies on held-out blocks under masks that never change."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from spanbert.pretraining.batch import PretrainingBatch
from spanbert.pretraining.data import BlockData, PretrainingEpoch
from spanbert.pretraining.model import PretrainingOutput
from spanbert.pretraining.objectives import BOUNDARY
from spanbert.scoring.report import Report

MASK_SEED = 0
CHECKED_PIECES = 1 << 16
TOTAL = "validation_loss"
FARTHEST = 8
"""Distances from the span's end that are told apart; the last stands for all beyond."""


def validate(model: nn.Module, data: BlockData, *, batch_pieces: int, device: torch.device) -> Report:
    """Score a model on held-out blocks: each loss in nats, its accuracy, and the boundary's by distance.

    Masks (and pairs) depend on the blocks alone, so values can be compared between updates and between runs
    on a corpus with the same objective.

    Args:
        model: a `PretrainingModel` in evaluation mode.
        data: the held-out blocks.
        batch_pieces: pieces in a batch.
        device: where the model is.
    """
    fixed = _with_fixed_masks(data)
    tally = _Tally()
    for batch in _batches(fixed, batch_pieces):
        with torch.inference_mode():
            tally.add(batch, model(batch.to(device)))
    return tally.report(len(fixed.lengths), int(fixed.lengths.sum()))


def losses_without_target(data: BlockData) -> list[str]:
    """Names of the losses that `validate` cannot measure on these blocks, as a mean over nothing."""
    counts: Counter[str] = Counter()
    for batch in _batches(_with_fixed_masks(data), CHECKED_PIECES):
        counts.update(batch.target_counts)
    return [name for name, count in counts.items() if not count]


def _with_fixed_masks(data: BlockData) -> PretrainingEpoch:
    return replace(data, masker=replace(data.masker, seed=MASK_SEED)).epoch(MASK_SEED, 0)


def _batches(fixed: PretrainingEpoch, batch_pieces: int) -> Iterator[PretrainingBatch]:
    ends = np.cumsum(fixed.lengths)
    for group in np.split(np.arange(len(ends)), np.flatnonzero(np.diff(ends // batch_pieces)) + 1):
        yield fixed.batch(group)


class _Tally:
    def __init__(self) -> None:
        self.losses: dict[str, float] = defaultdict(float)
        self.targets: dict[str, int] = defaultdict(int)
        self.hits: dict[str, int] = defaultdict(int)
        self.at_distance = np.zeros((2, FARTHEST + 1), dtype=np.int64)

    def add(self, batch: PretrainingBatch, output: PretrainingOutput) -> None:
        for name, count in batch.target_counts.items():
            self.losses[name] += float(output.losses[name])
            self.targets[name] += count
            self.hits[name] += int(output.hits[name].sum())
        if batch.boundary is not None:
            distances = batch.boundary.distances.clamp(max=FARTHEST).cpu().numpy()
            right = output.hits[BOUNDARY].cpu().numpy()
            self.at_distance[0] += np.bincount(distances, minlength=FARTHEST + 1)
            self.at_distance[1] += np.bincount(distances[right], minlength=FARTHEST + 1)

    def report(self, blocks: int, pieces: int) -> Report:
        means = {name: self.losses[name] / max(count, 1) for name, count in self.targets.items()}
        values = {TOTAL: sum(means.values())}
        for name, mean in means.items():
            values[f"{name}_loss"] = mean
            values[f"{name}_accuracy"] = 100 * self.hits[name] / max(self.targets[name], 1)
        for distance, (asked, right) in enumerate(self.at_distance.T.tolist()):
            if asked:
                beyond = "+" if distance == FARTHEST else ""
                values[f"boundary_accuracy_at_{distance}{beyond}"] = 100 * right / asked
        return Report(
            "pretraining",
            {name: round(value, 6) for name, value in values.items()},
            TOTAL,
            counts={
                "blocks": blocks,
                "pieces": pieces,
                **{f"{n} targets": c for n, c in self.targets.items()},
            },
            lower_is_better=True,
        )
