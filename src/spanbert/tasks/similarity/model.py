"""The networks of similarity: two vectors and their cosine, or one reading of both texts and a number."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity, cross_entropy, mse_loss, normalize

from spanbert.nn.encoder import Encoder
from spanbert.nn.heads import LinearHead, Pooler
from spanbert.nn.pooling import Pooling, pool
from spanbert.tasks.similarity.features import CONTRAST, SCORES, SimilarityBatch


@dataclass(frozen=True)
class SimilarityOutput:
    """What a network says of a batch of N pairs.

    Args:
        values: one row a sequence: its vector (T, D), or the score of both texts in it (N, 1).
        sequence_counts: how many of the rows belong to each feature.
        losses: sums over pairs; squared errors of scores from 0 to 1, or contrast in nats.
        hits: for contrast, booleans (N,): whether a first text's partner is the second text most like it.
    """

    values: Tensor
    sequence_counts: tuple[int, ...]
    losses: dict[str, Tensor] = field(default_factory=dict)
    hits: dict[str, Tensor] = field(default_factory=dict)

    @property
    def loss(self) -> Tensor | None:
        """Mean over pairs; None without gold."""
        return sum(self.losses.values()) / len(self.sequence_counts) if self.losses else None  # type: ignore[return-value]

    def per_sequence(self) -> list[NDArray[np.float32]]:
        """For each feature an array (sequences, D) or (1, 1)."""
        ends = np.cumsum(self.sequence_counts)[:-1]
        return np.split(self.values.cpu().numpy(), ends)


class BiEncoderModel(nn.Module):
    """The mean over a text's pieces is its vector; there is no head (Reimers and Gurevych 2019)."""

    def __init__(self, encoder: Encoder, temperature: float) -> None:
        super().__init__()
        self.encoder = encoder
        self.temperature = temperature

    def forward(self, batch: SimilarityBatch) -> SimilarityOutput:
        """Vectors of all texts; a loss when the batch has gold (each feature is then one pair of texts)."""
        vectors = pool(self.encoder, batch.pieces, Pooling.MEAN)
        if batch.same_texts is not None:
            cosines = normalize(vectors[0::2], dim=1) @ normalize(vectors[1::2], dim=1).T
            loss, hits = contrast_loss(cosines / self.temperature, batch.same_texts)
            return SimilarityOutput(vectors, batch.sequence_counts, {CONTRAST: loss}, {CONTRAST: hits})
        if batch.scores is not None:
            cosines = cosine_similarity(vectors[0::2], vectors[1::2])
            loss = mse_loss(cosines, batch.scores, reduction="sum")
            return SimilarityOutput(vectors, batch.sequence_counts, {SCORES: loss})
        return SimilarityOutput(vectors, batch.sequence_counts)


class CrossEncoderModel(nn.Module):
    """Both texts in one sequence; pooled [CLS], then one number (Devlin et al. 2019, section 4.1)."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.pooler = Pooler(encoder.config)
        self.dropout = nn.Dropout(encoder.config.hidden_dropout)
        self.score = LinearHead(encoder.config, labels=1)

    def forward(self, batch: SimilarityBatch) -> SimilarityOutput:
        """Scores on the scale from 0 to 1; squared errors when the batch has gold."""
        hidden = batch.pieces.mask.rows(self.encoder(batch.pieces))
        values = self.score(self.dropout(self.pooler(hidden))).float()
        if batch.scores is None:
            return SimilarityOutput(values, batch.sequence_counts)
        loss = mse_loss(values.squeeze(1), batch.scores, reduction="sum")
        return SimilarityOutput(values, batch.sequence_counts, {SCORES: loss})


def contrast_loss(scores: Tensor, same_texts: Tensor) -> tuple[Tensor, Tensor]:
    """Loss of picking each text's partner among the batch's texts, both ways round (multiple negatives
    ranking, Henderson et al. 2017, section 4.4).

    Args:
        scores: (N, N), of first texts with second texts, in nats; partners are on the diagonal.
        same_texts: booleans (N, N), pairs that share a text: these are no wrong answers and are left out.

    Returns:
        The sum over pairs of the mean of both directions, in nats; booleans (N,), which first texts' partners
        score best.
    """
    own = torch.arange(len(scores), device=scores.device)
    others = same_texts & (own[:, None] != own)
    scores = scores.masked_fill(others, -torch.inf)
    both = cross_entropy(scores, own, reduction="sum") + cross_entropy(scores.T, own, reduction="sum")
    return both / 2, scores.argmax(dim=1) == own
