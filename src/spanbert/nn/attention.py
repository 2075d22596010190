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

    def forward(self, hidden: Tensor, mask: AttentionMask) -> Tensor:
        """(B, P, D) -> (B, P, D)."""
        query, key, value = (
            project(hidden).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for project in (self.query, self.key, self.value)
        )
        mixed = mask.attend(query, key, value, self.dropout if self.training else 0.0)
        return self.output(mixed.transpose(1, 2).flatten(-2))  # type: ignore[no-any-return]
