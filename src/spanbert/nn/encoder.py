"""The encoder: embeddings, then layers. Reading the constructor is reading the architecture."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from spanbert.nn.batch import PieceBatch
from spanbert.nn.config import EncoderConfig
from spanbert.nn.embeddings import Embeddings, LearnedPositions
from spanbert.nn.layer import Layer


class Encoder(nn.Module):
    """BERT's encoder (Devlin et al. 2019, section 3), without pooler and heads.

    Args:
        config: shape; weights start at random from N(0, `config.init_std`).
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.embeddings = Embeddings(config, LearnedPositions(config))
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))
        self.recompute = False
        """Whether training keeps each layer's input alone and computes its inside again for the gradient."""
        initialise(self, config.init_std)

    def forward(self, pieces: PieceBatch, wanted: Tensor | None = None) -> Tensor:
        """Pieces (B, P) -> last hidden states (B, P, D).

        Args:
            pieces: to be read.
            wanted: integers (W,), the pieces whose states are asked for, counted over all rows, in any order;
                the result is (1, W, D) then, and the last layer leaves out what only the others need.
        """
        hidden: Tensor = self.embeddings(pieces)
        for number, layer in enumerate(self.layers, start=1):
            places = wanted if number == len(self.layers) else None
            if self.recompute and torch.is_grad_enabled():
                hidden = checkpoint(layer, hidden, pieces.mask, places, use_reentrant=False)
            else:
                hidden = layer(hidden, pieces.mask, places)
        return hidden

    def hidden_states(self, pieces: PieceBatch) -> Iterator[Tensor]:
        """Embedding output, then the output of each layer: `layers` + 1 tensors (B, P, D)."""
        hidden: Tensor = self.embeddings(pieces)
        yield hidden
        for layer in self.layers:
            hidden = layer(hidden, pieces.mask)
            yield hidden


def initialise(module: nn.Module, std: float) -> None:
    """BERT's random start: linear and embedding weights from N(0, std), biases 0, norms 1 and 0."""
    for part in module.modules():
        if isinstance(part, nn.Linear | nn.Embedding):
            nn.init.normal_(part.weight, std=std)
        if isinstance(part, nn.Linear) and part.bias is not None:
            nn.init.zeros_(part.bias)
        if isinstance(part, nn.LayerNorm):
            nn.init.ones_(part.weight)
            nn.init.zeros_(part.bias)
