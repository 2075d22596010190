"""The network of relations: a vector of a pair of entities, then scores of the relations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from spanbert.nn.config import EncoderConfig
from spanbert.nn.encoder import Encoder, initialise
from spanbert.nn.heads import LinearHead, Pooler
from spanbert.tasks.relations.features import RELATIONS, RelationBatch
from spanbert.tasks.relations.settings import RelationSettings


@dataclass(frozen=True)
class RelationOutput:
    """What the model says of S pairs.

    Args:
        scores: (S, L), in nats.
        losses: the loss as a sum over targets; none without gold.
        loss: its mean; None without gold.
        hits: which targets were scored right.
    """

    scores: Tensor
    losses: dict[str, Tensor]
    loss: Tensor | None
    hits: dict[str, Tensor]

    def per_sequence(self) -> list[NDArray[np.float32]]:
        """For each pair its scores (L,)."""
        return list(self.scores.float().cpu().numpy())


class PairHead(nn.Module):
    """The states at the starts of both entities (Baldini Soares et al. 2019, 3.3) as one vector."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(2 * config.width, config.width)
        self.activation = config.activation.build()
        initialise(self, config.init_std)

    def forward(self, states: Tensor) -> Tensor:
        """(S, 2, D) -> (S, D)."""
        return self.activation(self.dense(states.flatten(1)))  # type: ignore[no-any-return]


class RelationModel(nn.Module):
    """Encoder, vector of the pair, one linear map."""

    def __init__(self, encoder: Encoder, settings: RelationSettings) -> None:
        super().__init__()
        self.encoder = encoder
        self.several = settings.decided == "several"
        starts = settings.representation == "starts"
        self.pair = PairHead(encoder.config) if starts else None
        self.pooler = None if starts else Pooler(encoder.config)
        self.dropout = nn.Dropout(encoder.config.hidden_dropout)
        self.head = LinearHead(encoder.config, len(settings.labels))

    def forward(self, batch: RelationBatch) -> RelationOutput:
        """Score each pair; loss when the batch has targets."""
        scores = self.head(self.dropout(self._vectors(batch))).float()
        if batch.targets is None:
            return RelationOutput(scores, {}, None, {})
        loss, hits = self._loss(scores, batch.targets)
        return RelationOutput(scores, {RELATIONS: loss}, loss / batch.targets.numel(), {RELATIONS: hits})

    def _vectors(self, batch: RelationBatch) -> Tensor:
        if self.pair is not None:
            states = self.encoder(batch.pieces, batch.starts.flatten()).squeeze(0)
            vectors: Tensor = self.pair(self.dropout(states.view(len(batch.starts), 2, -1)))
            return vectors
        assert self.pooler is not None
        states = self.encoder(batch.pieces, batch.firsts).squeeze(0)
        return self.pooler(states[:, None])  # type: ignore[no-any-return]

    def _loss(self, scores: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Sum of the losses of all targets, in nats, and which targets were hit."""
        if self.several:
            loss = functional.binary_cross_entropy_with_logits(scores, targets, reduction="sum")
            return loss, (scores > 0) == (targets > 0)
        loss = functional.cross_entropy(scores, targets, reduction="sum")
        return loss, scores.argmax(dim=-1) == targets
