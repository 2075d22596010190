"""The shape of an encoder: a checked, frozen description and the four sizes that have names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from torch import nn

from spanbert.errors import SettingsError


class Activation(Enum):
    """Feed-forward activation; the value is the name that Hugging Face configs use."""

    GELU = "gelu"
    GELU_TANH = "gelu_new"
    RELU = "relu"
    SILU = "silu"

    def build(self) -> nn.Module:
        """A fresh module that applies this activation."""
        match self:
            case Activation.GELU:
                return nn.GELU()
            case Activation.GELU_TANH:
                return nn.GELU(approximate="tanh")
            case Activation.RELU:
                return nn.ReLU()
            case Activation.SILU:
                return nn.SiLU()


@dataclass(frozen=True, kw_only=True)
class EncoderConfig:
    """Everything that decides the shape and arithmetic of an `Encoder`.

    Raises:
        SettingsError: a size is not positive, or `width` is no multiple of `heads`.
    """

    vocabulary_size: int
    width: int
    layers: int
    heads: int
    feed_forward_width: int
    max_positions: int = 512
    segment_types: int = 2
    activation: Activation = Activation.GELU
    hidden_dropout: float = 0.1
    attention_dropout: float = 0.1
    norm_epsilon: float = 1e-12
    init_std: float = 0.02
    pad_piece_id: int = 0

    def __post_init__(self) -> None:
        sizes = ("vocabulary_size", "width", "layers", "heads", "feed_forward_width", "max_positions")
        for name in (*sizes, "segment_types"):
            if getattr(self, name) < 1:
                raise SettingsError(f"encoder config: {name} must be at least 1, got {getattr(self, name)}")
        if self.width % self.heads:
            raise SettingsError(
                f"encoder config: width {self.width} must be a multiple of heads {self.heads}"
            )
        for name in ("hidden_dropout", "attention_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise SettingsError(f"encoder config: {name} must be in [0, 1), got {getattr(self, name)}")

    def with_dropout(self, probability: float) -> EncoderConfig:
        """The same shape with this dropout of hidden states and none of attention weights.

        On a CPU attention's fused kernel knows no dropout: with it the weights of every pair of pieces would
        be written out and drawn for.
        """
        return replace(self, hidden_dropout=probability, attention_dropout=0.0)

    @classmethod
    def preset(cls, size: str, vocabulary_size: int) -> EncoderConfig:
        """The named size (`tiny`, `small`, `base`, `large`) for a vocabulary.

        Raises:
            SettingsError: the size has no preset.
        """
        if size not in PRESETS:
            raise SettingsError(f"unknown size {size!r}: choose one of {', '.join(PRESETS)}")
        layers, width, heads = PRESETS[size]
        return cls(
            vocabulary_size=vocabulary_size,
            width=width,
            layers=layers,
            heads=heads,
            feed_forward_width=4 * width,
        )


PRESETS: dict[str, tuple[int, int, int]] = {
    # name: layers, width, heads
    "tiny": (2, 128, 2),
    "small": (6, 384, 12),
    "base": (12, 768, 12),
    "large": (24, 1024, 16),
}
