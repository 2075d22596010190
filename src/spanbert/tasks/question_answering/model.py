"""The network of question answering: each piece scored as start and as end (Devlin et al. 2019, 4.2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from spanbert.nn.encoder import Encoder, initialise
from spanbert.nn.heads import LinearHead
from spanbert.tasks.question_answering.features import ANSWERS, QaBatch


@dataclass(frozen=True)
class QaOutput:
    """Scores in nats (S, P), minus infinity at pieces that cannot be an answer; mean loss in nats."""

    start_scores: Tensor
    end_scores: Tensor
    loss: Tensor | None

    @property
    def losses(self) -> dict[str, Tensor]:
        """The loss as a sum over sequences; none without gold."""
        return {} if self.loss is None else {ANSWERS: self.loss * len(self.start_scores)}

    @property
    def hits(self) -> dict[str, Tensor]:
        """None: exact match is measured on the dev set."""
        return {}

    def per_sequence(self) -> list[NDArray[np.float32]]:
        """For each sequence an array (2, P): start and end scores."""
        both = torch.stack([self.start_scores, self.end_scores], dim=1)
        return list(both.float().cpu().numpy())


class QaModel(nn.Module):
    """Encoder and answer-end scores."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.ends = LinearHead(encoder.config, labels=2)
        initialise(self.ends, encoder.config.init_std)

    def forward(self, batch: QaBatch) -> QaOutput:
        """Score each piece as start and end; loss when the batch has targets."""
        scores = batch.pieces.mask.rows(self.ends(self.encoder(batch.pieces))).float()
        scores = scores.masked_fill(~batch.answerable[..., None], -torch.inf)
        loss = None if batch.targets is None else answer_loss(scores, batch.targets)
        return QaOutput(scores[..., 0], scores[..., 1], loss)


def answer_loss(scores: Tensor, targets: Tensor) -> Tensor:
    """Mean over sequences of -log sum over right answers of P(start) P(end), in nats.

    The sum lets every gold span count: the model need not guess which of several equal answers was marked
    (marginal likelihood, Clark and Gardner 2018, section 3.3).

    Args:
        scores: (S, P, 2).
        targets: integers (S, G, 2), first and last piece; -1 where there is none.
    """
    log_probabilities = scores.log_softmax(dim=1)
    starts = log_probabilities[..., 0].gather(1, targets[..., 0].clamp(min=0))
    ends = log_probabilities[..., 1].gather(1, targets[..., 1].clamp(min=0))
    spans = (starts + ends).masked_fill(targets[..., 0] < 0, -torch.inf)
    return -spans.logsumexp(dim=1).mean()
