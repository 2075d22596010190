"""From blocks of a corpus to a training batch: frame, mask, corrupt, and note what is to be predicted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spanbert.nn.batch import PieceBatch
from spanbert.nn.heads import PLACES
from spanbert.nn.mask import PackedMask
from spanbert.pretraining.boundary_targets import BoundaryTargets, boundary_targets
from spanbert.pretraining.corruption import Corruption
from spanbert.pretraining.masked_spans import MaskedSpans
from spanbert.pretraining.objectives import BOUNDARY, NEXT_SENTENCE, Objective
from spanbert.pretraining.randomness import SampleRandom
from spanbert.pretraining.sequences import Sequences


@dataclass(frozen=True)
class MaskedTargets:
    """What a masked-LM loss asks for.

    Args:
        positions: integers (M,), places in the packed row.
        piece_ids: integers (M,), the original pieces.
    """

    positions: Tensor
    piece_ids: Tensor

    def to(self, device: torch.device) -> MaskedTargets:
        """The same on another device."""
        return MaskedTargets(self.positions.to(device), self.piece_ids.to(device))


@dataclass(frozen=True)
class BoundaryTensors:
    """What the boundary loss asks for (see `BoundaryTargets`): M targets in N spans.

    Args:
        lefts: integers (N,).
        rights: integers (N,).
        spans: integers (M,).
        places: integers (M,).
        distances: integers (M,), pieces to the nearer end of the span, 1 for its first and last piece.
        piece_ids: integers (M,), the original pieces.
    """

    lefts: Tensor
    rights: Tensor
    spans: Tensor
    places: Tensor
    distances: Tensor
    piece_ids: Tensor

    def to(self, device: torch.device) -> BoundaryTensors:
        """The same on another device."""
        return BoundaryTensors(
            *(
                getattr(self, name).to(device)
                for name in ("lefts", "rights", "spans", "places", "distances", "piece_ids")
            )
        )


@dataclass(frozen=True)
class NextSentenceTargets:
    """What the next-sentence loss asks for.

    Args:
        positions: integers (N,), places of the pairs' [CLS] in the packed row.
        labels: integers (N,), 0 where the second text follows the first, 1 where it is from another document.
    """

    positions: Tensor
    labels: Tensor

    def to(self, device: torch.device) -> NextSentenceTargets:
        """The same on another device."""
        return NextSentenceTargets(self.positions.to(device), self.labels.to(device))


@dataclass(frozen=True)
class PretrainingBatch:
    """Corrupted sequences, packed, and the targets of each loss."""

    pieces: PieceBatch
    masked: Mapping[str, MaskedTargets]
    boundary: BoundaryTensors | None
    next_sentence: NextSentenceTargets | None = None

    @property
    def read(self) -> list[Tensor]:
        """Which pieces the heads read, places in the packed row: those of each masked-LM loss, those left and
        right of the spans, the first ones of pairs.
        """
        found = [targets.positions for targets in self.masked.values()]
        if self.boundary is not None:
            found += [self.boundary.lefts, self.boundary.rights]
        if self.next_sentence is not None:
            found.append(self.next_sentence.positions)
        return found

    @property
    def target_counts(self) -> dict[str, int]:
        """How many targets each loss has here."""
        found = {name: len(targets.positions) for name, targets in self.masked.items()}
        if self.boundary is not None:
            found[BOUNDARY] = len(self.boundary.piece_ids)
        if self.next_sentence is not None:
            found[NEXT_SENTENCE] = len(self.next_sentence.labels)
        return found

    def to(self, device: torch.device) -> PretrainingBatch:
        """The same batch on another device."""
        return PretrainingBatch(
            self.pieces.to(device),
            {name: targets.to(device) for name, targets in self.masked.items()},
            None if self.boundary is None else self.boundary.to(device),
            None if self.next_sentence is None else self.next_sentence.to(device),
        )


@dataclass(frozen=True)
class Masker:
    """Makes batches: a pure function of (seed, epoch, progress) and the sequences' sample numbers.

    Args:
        objective: what is hidden and predicted.
        corruption: what stands in its place.
        seed: of the run.
        places: pieces of a span that the boundary objective can predict.
    """

    objective: Objective
    corruption: Corruption
    seed: int
    places: int = PLACES

    def batch(self, sequences: Sequences, epoch: int, progress: float = 1.0) -> PretrainingBatch:
        """Masked sequences with their targets.

        Args:
            sequences: as they stand in the corpus.
            epoch: counted from 0; each masks anew.
            progress: share of the run's updates that are made, where the budget changes with them.
        """
        objective = self.objective.after(progress)
        seen = sequences.piece_ids
        open_sequences = sequences
        masked: dict[str, MaskedTargets] = {}
        boundary: BoundaryTensors | None = None
        for choice, (loss, scheme) in enumerate(objective.schemes.items()):
            random = SampleRandom(self.seed, epoch, sequences.samples, choice)
            spans = scheme.choose(open_sequences, random)
            positions = spans.positions
            masked[loss] = MaskedTargets(_tensor(positions), _tensor(sequences.piece_ids[positions]))
            seen = self.corruption.apply(replace(sequences, piece_ids=seen), spans, random)
            if choice == 0 and objective.boundary:
                boundary = _boundary(spans, sequences.piece_ids, self.places)
            open_sequences = open_sequences.without(spans)
        lengths = sequences.lengths
        position_ids = np.arange(len(seen)) - np.repeat(sequences.starts[:-1], lengths)
        pieces = PieceBatch(
            _tensor(seen)[None],
            _segment_ids(sequences)[None],
            _tensor(position_ids)[None],
            PackedMask(tuple(lengths.tolist())),
        )
        return PretrainingBatch(pieces, masked, boundary, _next_sentence(sequences))


def _boundary(spans: MaskedSpans, piece_ids: NDArray[np.int32], places: int) -> BoundaryTensors:
    found: BoundaryTargets = boundary_targets(spans, places)
    to_end = spans.lengths[found.spans] - found.places
    return BoundaryTensors(
        _tensor(found.lefts),
        _tensor(found.rights),
        _tensor(found.spans),
        _tensor(found.places),
        _tensor(np.minimum(found.places + 1, to_end)),
        _tensor(piece_ids[found.positions]),
    )


def _segment_ids(sequences: Sequences) -> Tensor:
    if sequences.pairs is None:
        return torch.zeros(len(sequences.piece_ids), dtype=torch.long)
    first_pieces = sequences.pairs.first_pieces
    texts = np.column_stack([first_pieces, sequences.lengths - first_pieces]).ravel()
    return _tensor(np.repeat(np.tile([0, 1], len(first_pieces)), texts))


def _next_sentence(sequences: Sequences) -> NextSentenceTargets | None:
    if sequences.pairs is None:
        return None
    rows = np.flatnonzero(sequences.pairs.paired)
    labels = sequences.pairs.exchanged[rows].astype(np.int64)
    return NextSentenceTargets(_tensor(sequences.starts[rows]), _tensor(labels))


def _tensor(values: NDArray[np.int64] | NDArray[np.int32]) -> Tensor:
    return torch.from_numpy(values.astype(np.int64, copy=False))
