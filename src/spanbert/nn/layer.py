"""One Transformer layer, normalised after each residual as in BERT."""

from __future__ import annotations

from torch import Tensor, nn

from spanbert.nn.attention import SelfAttention
from spanbert.nn.config import EncoderConfig
from spanbert.nn.mask import AttentionMask


class FeedForward(nn.Module):
    """Two linear maps with an activation between, applied to each piece alone."""

    def __init__(self, config: EncoderConfig, activation: nn.Module) -> None:
        super().__init__()
        self.inner = nn.Linear(config.width, config.feed_forward_width)
        self.activation = activation
        self.outer = nn.Linear(config.feed_forward_width, config.width)

    def forward(self, hidden: Tensor) -> Tensor:
        """(B, P, D) -> (B, P, D)."""
        return self.outer(self.activation(self.inner(hidden)))  # type: ignore[no-any-return]


class Layer(nn.Module):
    """x = LayerNorm(x + attention(x)); x = LayerNorm(x + feed_forward(x))."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.attention = SelfAttention(config)
        self.attention_norm = nn.LayerNorm(config.width, eps=config.norm_epsilon)
        self.feed_forward = FeedForward(config, config.activation.build())
        self.feed_forward_norm = nn.LayerNorm(config.width, eps=config.norm_epsilon)
        self.dropout = nn.Dropout(config.hidden_dropout)

    def forward(self, hidden: Tensor, mask: AttentionMask) -> Tensor:
        """(B, P, D) -> (B, P, D)."""
        hidden = self.attention_norm(hidden + self.dropout(self.attention(hidden, mask)))
        return self.feed_forward_norm(  # type: ignore[no-any-return]
            hidden + self.dropout(self.feed_forward(hidden))
        )
