"""Which pieces may attend to which: one small class for each way a batch can be laid out.

A mask owns the attention kernel that suits its layout, so no layer asks what kind of mask it was given and no
float mask crosses a boundary. Padding is a property of the batch, not of the model.

What a mask derives from its lengths is computed once for all layers, and outside inference mode, so that a
batch that was first evaluated can be trained on.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import pad, scaled_dot_product_attention

CPU = torch.device("cpu")


class AttentionMask(Protocol):
    """What the encoder and a head may ask of a mask."""

    @property
    def longest(self) -> int:
        """Pieces of the longest sequence."""
        ...

    def attend(self, query: Tensor, key: Tensor, value: Tensor, dropout: float) -> Tensor:
        """Scaled dot-product attention, (B, H, P, D/H) each in and out."""
        ...

    def rows(self, values: Tensor) -> Tensor:
        """(B, P, ...) -> (S, longest sequence, ...), a row a sequence; cells outside `keep` mean nothing."""
        ...

    @property
    def keep(self) -> Tensor:
        """Which cells of `rows` hold a real piece: booleans (S, longest sequence)."""
        ...

    def to(self, device: torch.device) -> AttentionMask:
        """The same mask on another device."""
        ...


def _keep_of(lengths: Tensor, longest: int) -> Tensor:
    return torch.arange(longest, device=lengths.device)[None, :] < lengths[:, None]


@dataclass(frozen=True)
class PaddedMask:
    """One sequence a row, filled up at the right: S = B.

    Args:
        lengths: integers (B,), real pieces in each row.
        longest: row length P.
    """

    lengths: Tensor
    longest: int

    def __post_init__(self) -> None:
        if self.lengths.ndim != 1 or self.lengths.dtype not in (torch.int32, torch.int64):
            raise ValueError(f"lengths must be integers (B,), got {self.lengths.dtype} {self.lengths.shape}")

    def attend(self, query: Tensor, key: Tensor, value: Tensor, dropout: float) -> Tensor:
        """Every piece sees the real pieces of its row."""
        return scaled_dot_product_attention(
            query, key, value, attn_mask=self.keep[:, None, None, :], dropout_p=dropout
        )

    def rows(self, values: Tensor) -> Tensor:
        """Rows are sequences already."""
        return values

    @cached_property
    @torch.inference_mode(False)
    def keep(self) -> Tensor:
        """(B, P) booleans."""
        return _keep_of(self.lengths, self.longest)

    def to(self, device: torch.device) -> PaddedMask:
        """The same mask on another device."""
        return PaddedMask(self.lengths.to(device), self.longest)


@dataclass(frozen=True)
class PackedMask:
    """All sequences one after another in a single row, without padding: B = 1, P = sum of lengths.

    A piece sees its own sequence only (a block-diagonal mask that is never built).

    Args:
        lengths: pieces of each sequence, each at least 1.
        device: where the values live that the mask is applied to.
    """

    lengths: tuple[int, ...]
    device: torch.device = CPU

    def __post_init__(self) -> None:
        if not self.lengths or min(self.lengths) < 1:
            raise ValueError(
                f"a packed row needs sequences of at least one piece, got lengths {self.lengths}"
            )

    def attend(self, query: Tensor, key: Tensor, value: Tensor, dropout: float) -> Tensor:
        """Sequence by sequence on the CPU, one padded kernel call elsewhere (few launches matter there)."""
        if query.device.type == "cpu":
            parts = zip(*(x.split_with_sizes(self.lengths, dim=2) for x in (query, key, value)), strict=True)
            return torch.cat(
                [scaled_dot_product_attention(q, k, v, dropout_p=dropout) for q, k, v in parts], dim=2
            )
        return self.attend_padded(query, key, value, dropout)

    def attend_padded(self, query: Tensor, key: Tensor, value: Tensor, dropout: float) -> Tensor:
        """The same result through a padded (S, H, longest, D/H) layout."""
        q, k, v = (self.rows(x.transpose(1, 2)).transpose(1, 2) for x in (query, key, value))
        out = scaled_dot_product_attention(q, k, v, attn_mask=self.keep[:, None, None, :], dropout_p=dropout)
        return out.transpose(1, 2).flatten(0, 1).index_select(0, self._cells).unsqueeze(0).transpose(1, 2)

    def rows(self, values: Tensor) -> Tensor:
        """Cut the packed row into its sequences; cells behind an end repeat pieces of other sequences."""
        found = values.squeeze(0).index_select(0, self._places.flatten())
        return found.view(*self._places.shape, *found.shape[1:])

    @property
    def longest(self) -> int:
        """Pieces of the longest sequence."""
        return max(self.lengths)

    @cached_property
    @torch.inference_mode(False)
    def keep(self) -> Tensor:
        """(S, longest) booleans."""
        return _keep_of(torch.tensor(self.lengths), self.longest).to(self.device)

    @cached_property
    @torch.inference_mode(False)
    def _places(self) -> Tensor:
        """(S, longest) integers: where in the packed row each cell's piece stands."""
        starts = torch.tensor([0, *accumulate(self.lengths[:-1])])
        places = starts[:, None] + torch.arange(self.longest)
        return places.clamp(max=sum(self.lengths) - 1).to(self.device)

    @cached_property
    @torch.inference_mode(False)
    def _cells(self) -> Tensor:
        """(P,) integers: which cell of the flattened rows each piece of the packed row fills."""
        return self.keep.flatten().nonzero().squeeze(1)

    def to(self, device: torch.device) -> PackedMask:
        """The same mask for values on another device."""
        return PackedMask(self.lengths, device)


@dataclass(frozen=True)
class LocalMask:
    """Sliding window for long rows: cost and memory grow with P times the window, not with P squared.

    A piece sees the pieces at most `window` places away and the first `global_pieces` of its row; those first
    pieces see the whole row (as in Longformer, Beltagy et al. 2020, section 3.1, with shared projections).

    Args:
        lengths: integers (B,), real pieces in each row.
        longest: row length P.
        window: pieces seen on each side, at least 1.
        global_pieces: how many leading pieces see, and are seen by, all.
    """

    lengths: Tensor
    longest: int
    window: int
    global_pieces: int = 1

    def __post_init__(self) -> None:
        if self.window < 1 or self.global_pieces < 0:
            raise ValueError(f"window {self.window} must be >= 1, global_pieces {self.global_pieces} >= 0")

    def attend(self, query: Tensor, key: Tensor, value: Tensor, dropout: float) -> Tensor:
        """Blocks of `window` queries against their three neighbouring key blocks and the global pieces."""
        batch, heads, pieces, depth = query.shape
        if pieces <= 2 * self.window:
            return scaled_dot_product_attention(
                query, key, value, attn_mask=self.dense()[:, None], dropout_p=dropout
            )
        size, blocks = self.window, -(-pieces // self.window)
        seen = min(self.global_pieces, pieces)
        fill = blocks * size - pieces

        def blocked(x: Tensor) -> Tensor:  # (B, H, P, d) -> (B, blocks, H, size, d)
            return pad(x, (0, 0, 0, fill)).view(batch, heads, blocks, size, depth).transpose(1, 2)

        def neighbourhood(x: Tensor) -> Tensor:  # globals, then the block before, the block, the block after
            around = pad(blocked(x), (0, 0, 0, 0, 0, 0, 1, 1))
            everywhere = x[:, None, :, :seen].expand(batch, blocks, heads, seen, depth)
            return torch.cat([everywhere, around[:, :-2], around[:, 1:-1], around[:, 2:]], dim=3)

        local = scaled_dot_product_attention(
            blocked(query).flatten(0, 1),
            neighbourhood(key).flatten(0, 1),
            neighbourhood(value).flatten(0, 1),
            attn_mask=self._block_allowed.flatten(0, 1)[:, None],
            dropout_p=dropout,
        )
        local = local.view(batch, blocks, heads, size, depth).transpose(1, 2).flatten(2, 3)[:, :, :pieces]
        everything = scaled_dot_product_attention(
            query[:, :, :seen], key, value, attn_mask=self.keep[:, None, None, :], dropout_p=dropout
        )
        return torch.cat([everything, local[:, :, seen:]], dim=2)

    @cached_property
    @torch.inference_mode(False)
    def _block_allowed(self) -> Tensor:
        """Booleans (B, blocks, size, seen + 3 size); a key that is global is not counted a second time."""
        size, blocks = self.window, -(-self.longest // self.window)
        seen, device = min(self.global_pieces, self.longest), self.lengths.device
        first = torch.arange(blocks, device=device)[:, None] * size
        queries = first + torch.arange(size, device=device)  # (blocks, size)
        keys = first - size + torch.arange(3 * size, device=device)  # (blocks, 3 size)
        near = (queries[:, :, None] - keys[:, None, :]).abs() <= self.window
        real = (keys >= seen)[None] & (keys[None] < self.lengths[:, None, None])
        local = near[None] & real[:, :, None, :]
        globals_ = torch.arange(seen, device=device)[None] < self.lengths[:, None]
        everywhere = globals_[:, None, None, :].expand(-1, blocks, size, seen)
        allowed = torch.cat([everywhere, local], dim=-1)
        # A query behind its row's end must see something, or softmax gives NaN; its output is never read.
        return allowed | ~allowed.any(dim=-1, keepdim=True)

    def dense(self) -> Tensor:
        """The mask written out, (B, P, P) booleans: what `attend` computes blockwise."""
        place = torch.arange(self.longest, device=self.lengths.device)
        near = (place[:, None] - place[None, :]).abs() <= self.window
        first = place < self.global_pieces
        allowed = (near | first[:, None] | first[None, :])[None] & self.keep[:, None, :]
        return allowed | ~allowed.any(dim=-1, keepdim=True)

    def rows(self, values: Tensor) -> Tensor:
        """Rows are sequences already."""
        return values

    @cached_property
    @torch.inference_mode(False)
    def keep(self) -> Tensor:
        """(B, P) booleans."""
        return _keep_of(self.lengths, self.longest)

    def to(self, device: torch.device) -> LocalMask:
        """The same mask on another device."""
        return LocalMask(self.lengths.to(device), self.longest, self.window, self.global_pieces)
