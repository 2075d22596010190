"""What the loop asks of data and of a model's output."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor


class Batch(Protocol):
    """What a model is called with."""

    @property
    def target_counts(self) -> Mapping[str, int]:
        """For each loss, how many targets it is a sum over in this batch."""
        ...

    def to(self, device: Any) -> Any:
        """The same batch on another device."""
        ...


class Output(Protocol):
    """What a model returns for a batch with targets."""

    @property
    def losses(self) -> Mapping[str, Tensor]:
        """Each loss as its sum over the batch's targets, in nats."""
        ...

    @property
    def hits(self) -> Mapping[str, Tensor]:
        """For losses with an accuracy: booleans, which targets were scored best."""
        ...


class Epoch(Protocol):
    """One pass over the data."""

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Pieces of each sequence."""
        ...

    def batch(self, indices: NDArray[np.int64], progress: float = 1.0) -> Batch:
        """Some sequences as a batch, as they are after a share of the run's updates."""
        ...

    def named(self, indices: NDArray[np.int64]) -> list[str]:
        """What to call some sequences in a message."""
        ...


class TrainingData(Protocol):
    """Data of a run."""

    def epoch(self, seed: int, epoch: int) -> Epoch:
        """A pass, a pure function of (seed, epoch)."""
        ...


@dataclass(frozen=True)
class FeatureEpoch:
    """A pass over features in memory.

    Args:
        features: each with `piece_count`.
        collate: features to a batch.
    """

    features: Sequence[Any]
    collate: Callable[[Sequence[Any]], Any]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Pieces of each feature."""
        return np.asarray([feature.piece_count for feature in self.features], dtype=np.int64)

    def batch(self, indices: NDArray[np.int64], progress: float = 1.0) -> Any:
        """Some features as a batch, the same all along."""
        return self.collate([self.features[index] for index in indices])

    def named(self, indices: NDArray[np.int64]) -> list[str]:
        """Their numbers."""
        return [f"sequence {index}" for index in indices]
