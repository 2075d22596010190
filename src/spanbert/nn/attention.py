"""Multi-head self-attention (Vaswani et al. 2017, section 3.2.2)."""

from __future__ import annotations

from torch import Tensor, nn

from spanbert.nn.config import EncoderConfig
from spanbert.nn.mask import AttentionMask


class SelfAttention(nn.Module):
    """Queries, keys and values of all heads in one product each; the mask runs the kernel."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.query = nn.Linear(config.width, config.width)
        self.key = nn.Linear(config.width, config.width)
        self.value = nn.Linear(config.width, config.width)
        self.output = nn.Linear(config.width, config.width)
        self.dropout = config.attention_dropout

    def forward(self, hidden: Tensor, mask: AttentionMask, wanted: Tensor | None = None) -> Tensor:
        """(B, P, D) -> (B, P, D), or (1, W, D) where only W pieces are wanted."""
        query, key, value = (
            project(hidden).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for project in (self.query, self.key, self.value)
        )
        mixed = mask.attend(query, key, value, self.dropout if self.training else 0.0)
        return self.output(only(mixed.transpose(1, 2).flatten(-2), wanted))  # type: ignore[no-any-return]


def only(states: Tensor, wanted: Tensor | None) -> Tensor:
    """States (B, P, D) of some pieces: those at `wanted` (W,), counted over all rows, as (1, W, D)."""
    return states if wanted is None else states.flatten(0, 1).index_select(0, wanted)[None]
