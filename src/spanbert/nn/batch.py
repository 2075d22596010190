"""Pieces of several texts laid out as one batch: packed without padding, or padded to the longest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spanbert.nn.mask import AttentionMask, PackedMask, PaddedMask

PieceIds = NDArray[np.int32]


@dataclass(frozen=True)
class PieceBatch:
    """What the encoder reads.

    Args:
        piece_ids: integers (B, P).
        segment_ids: integers (B, P), 0 for the first text of a pair and 1 for the second.
        position_ids: integers (B, P), counted from 0 in each sequence.
        mask: which pieces see which.
    """

    piece_ids: Tensor
    segment_ids: Tensor
    position_ids: Tensor
    mask: AttentionMask

    @classmethod
    def packed(cls, piece_ids: Sequence[PieceIds], segment_ids: Sequence[PieceIds]) -> PieceBatch:
        """Sequences one after another in a single row; no padding is computed."""
        lengths = tuple(len(ids) for ids in piece_ids)
        positions = np.concatenate([np.arange(length) for length in lengths])
        return cls(
            torch.from_numpy(np.concatenate(piece_ids).astype(np.int64))[None],
            torch.from_numpy(np.concatenate(segment_ids).astype(np.int64))[None],
            torch.from_numpy(positions.astype(np.int64))[None],
            PackedMask(lengths),
        )

    @classmethod
    def padded(
        cls, piece_ids: Sequence[PieceIds], segment_ids: Sequence[PieceIds], pad_piece_id: int = 0
    ) -> PieceBatch:
        """One sequence a row, filled up with `pad_piece_id`."""
        lengths = torch.tensor([len(ids) for ids in piece_ids])
        longest = int(lengths.max())
        pieces = torch.full((len(piece_ids), longest), pad_piece_id)
        segments = torch.zeros_like(pieces)
        for row, (ids, kinds) in enumerate(zip(piece_ids, segment_ids, strict=True)):
            pieces[row, : len(ids)] = torch.from_numpy(np.asarray(ids, dtype=np.int64))
            segments[row, : len(ids)] = torch.from_numpy(np.asarray(kinds, dtype=np.int64))
        positions = torch.arange(longest).expand(len(piece_ids), longest)
        return cls(pieces, segments, positions, PaddedMask(lengths, longest))

    def to(self, device: torch.device) -> PieceBatch:
        """The same batch on another device."""
        return PieceBatch(
            self.piece_ids.to(device),
            self.segment_ids.to(device),
            self.position_ids.to(device),
            self.mask.to(device),
        )
