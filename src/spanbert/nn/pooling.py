"""One vector for each sequence, made of the states of its pieces."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from spanbert.nn.batch import PieceBatch
from spanbert.nn.encoder import Encoder


class Pooling(StrEnum):
    """Which pieces' states make a sequence's vector; [CLS] and [SEP] count as pieces."""

    FIRST = "first"
    MEAN = "mean"
    MAX = "max"


def pool(encoder: Encoder, pieces: PieceBatch, pooling: Pooling) -> Tensor:
    """Vectors (S, D), float32, of all sequences of a batch."""
    mask = pieces.mask
    if pooling == Pooling.FIRST:  # the last layer then computes these pieces alone
        places = torch.arange(pieces.piece_ids.numel(), device=pieces.piece_ids.device)
        firsts = mask.rows(places.view_as(pieces.piece_ids))[:, 0]
        return encoder(pieces, firsts).squeeze(0).float()  # type: ignore[no-any-return]
    rows, keep = mask.rows(encoder(pieces)).float(), mask.keep[..., None]
    if pooling == Pooling.MAX:
        return rows.masked_fill(~keep, -torch.inf).amax(dim=1)
    return rows.masked_fill(~keep, 0.0).sum(dim=1) / keep.sum(dim=1)


@dataclass(frozen=True)
class Vectors:
    """Vectors (S, D)."""

    values: Tensor

    def per_sequence(self) -> list[NDArray[np.float32]]:
        """For each sequence an array (D,)."""
        return list(self.values.cpu().numpy())


class PooledEncoder(nn.Module):
    """An encoder that gives one vector for each sequence."""

    def __init__(self, encoder: Encoder, pooling: Pooling) -> None:
        super().__init__()
        self.encoder = encoder
        self.pooling = pooling

    def forward(self, pieces: PieceBatch) -> Vectors:
        """Pieces (B, P) -> vectors (S, D)."""
        return Vectors(pool(self.encoder, pieces, self.pooling))


@dataclass(frozen=True)
class States:
    """Last hidden states as rows (S, longest, D), of which the first `lengths` are real."""

    rows: Tensor
    lengths: tuple[int, ...]

    def per_sequence(self) -> list[NDArray[np.float32]]:
        """For each sequence an array (P, D)."""
        rows = self.rows.cpu().numpy()
        return [row[:length] for row, length in zip(rows, self.lengths, strict=True)]


class StateEncoder(nn.Module):
    """An encoder that gives the states of all pieces of each sequence."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, pieces: PieceBatch) -> States:
        """Pieces (B, P) -> states of each sequence."""
        rows = pieces.mask.rows(self.encoder(pieces)).float()
        return States(rows, tuple(pieces.mask.keep.sum(dim=1).tolist()))
