"""One Transformer layer, normalised after each residual as in BERT."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from spanbert.nn.attention import SelfAttention, only
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
        self.compiled: Callable[[Layer, Tensor, Tensor], Tensor] | None = None
        """`behind_attention` as `compile_layers` has made it, used in training mode alone."""

    def forward(self, hidden: Tensor, mask: AttentionMask, wanted: Tensor | None = None) -> Tensor:
        """(B, P, D) -> (B, P, D), or (1, W, D) where only W pieces are wanted: all others are attended to,
        and nothing more is computed of them.
        """
        mixed = self.attention(hidden, mask, wanted)
        hidden = only(hidden, wanted)
        if self.training and self.compiled is not None:
            return self.compiled(self, hidden, mixed)
        return self.behind_attention(hidden, mixed)

    def behind_attention(self, hidden: Tensor, mixed: Tensor) -> Tensor:
        """The layer's input and what attention made of it, (B, P, D) each -> (B, P, D)."""
        hidden = self.attention_norm(hidden + self.dropout(mixed))
        return self.feed_forward_norm(  # type: ignore[no-any-return]
            hidden + self.dropout(self.feed_forward(hidden))
        )
