"""Piece numbers to vectors: word, position and segment embeddings, summed and normalised."""

from __future__ import annotations

from torch import Tensor, nn

from spanbert.errors import SettingsError
from spanbert.nn.batch import PieceBatch
from spanbert.nn.config import EncoderConfig


class LearnedPositions(nn.Embedding):
    """One trained vector for each place in a sequence (Devlin et al. 2019, section 3)."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__(config.max_positions, config.width)


class Embeddings(nn.Module):
    """LayerNorm(word + position + segment), then dropout.

    Args:
        config: shape of the encoder.
        positions: the position code: integers (B, P) -> vectors (B, P, D).
    """

    def __init__(self, config: EncoderConfig, positions: nn.Module) -> None:
        super().__init__()
        self.max_positions = config.max_positions
        self.word = nn.Embedding(config.vocabulary_size, config.width)
        self.position = positions
        self.segment = nn.Embedding(config.segment_types, config.width)
        self.norm = nn.LayerNorm(config.width, eps=config.norm_epsilon)
        self.dropout = nn.Dropout(config.hidden_dropout)

    def forward(self, pieces: PieceBatch) -> Tensor:
        """Pieces (B, P) -> vectors (B, P, D).

        Raises:
            SettingsError: a sequence has more pieces than the encoder has positions.
        """
        if pieces.mask.longest > self.max_positions:
            raise SettingsError(
                f"a sequence of {pieces.mask.longest} pieces does not fit the encoder, which has "
                f"{self.max_positions} positions; use shorter windows"
            )
        total = self.word(pieces.piece_ids) + self.segment(pieces.segment_ids)
        total = total + self.position(pieces.position_ids)
        return self.dropout(self.norm(total))  # type: ignore[no-any-return]
