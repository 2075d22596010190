"""The network of classification: a vector for each window, pooled over a text's windows, then scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from spanbert.nn.encoder import Encoder
from spanbert.nn.heads import LinearHead, Pooler
from spanbert.nn.pooling import Pooling, pool
from spanbert.tasks.classification.features import LABELS, ClassificationBatch
from spanbert.tasks.classification.settings import ClassificationSettings


@dataclass(frozen=True)
class ClassificationOutput:
    """What the model says of T texts.

    Args:
        scores: (T, L), in nats (for a number: standard deviations from the mean).
        weights: (T,), the logarithm of how much the windows of each text count in all.
        losses: the loss as a sum over targets; none without gold.
        loss: its mean; None without gold.
        hits: for labels, which targets were scored right.
    """

    scores: Tensor
    weights: Tensor
    losses: dict[str, Tensor]
    loss: Tensor | None
    hits: dict[str, Tensor]

    def per_sequence(self) -> list[NDArray[np.float32]]:
        """For each text an array (L + 1,): scores, and the logarithm of its weight."""
        return list(torch.cat([self.scores, self.weights[:, None]], dim=1).float().cpu().numpy())


class ClassificationModel(nn.Module):
    """Encoder, pooling of pieces, pooling of windows, one linear map.

    With `pooling = first` this is BERT's sequence classifier (Devlin et al. 2019, 4.1) on short texts.
    """

    label_weights: Tensor | None

    def __init__(self, encoder: Encoder, settings: ClassificationSettings) -> None:
        super().__init__()
        self.encoder = encoder
        self.settings = settings
        self.pooler = Pooler(encoder.config) if settings.pooling == "first" else None
        self.window_weight = LinearHead(encoder.config, 1) if settings.window_pooling == "learned" else None
        self.dropout = nn.Dropout(encoder.config.hidden_dropout)
        self.head = LinearHead(encoder.config, len(settings.labels))
        self.register_buffer(
            "label_weights", torch.tensor(settings.label_weights) if settings.label_weights else None, False
        )

    def forward(self, batch: ClassificationBatch) -> ClassificationOutput:
        """Score each text; loss when the batch has targets."""
        vectors = pool(self.encoder, batch.pieces, Pooling(self.settings.pooling))
        if self.pooler is not None:
            vectors = self.pooler(vectors[:, None])
        if self.window_weight is None:
            weights = torch.zeros(len(vectors), device=vectors.device)
        else:
            weights = self.window_weight(vectors).squeeze(-1).float()
        pooled, totals = pool_windows(vectors.float(), weights, batch.owners, batch.texts)
        scores = self.head(self.dropout(pooled)).float()
        if batch.targets is None:
            return ClassificationOutput(scores, totals, {}, None, {})
        loss, hits = self._loss(scores, batch.targets)
        mean = loss / batch.targets.numel()
        return ClassificationOutput(scores, totals, {LABELS: loss}, mean, hits)

    def _loss(self, scores: Tensor, targets: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Sum of the losses of all targets, in nats (of a number: squared standard deviations); hits."""
        weights = self.label_weights
        if self.settings.decided == "one":
            loss = functional.cross_entropy(scores, targets, weight=weights, reduction="sum")
            return loss, {LABELS: scores.argmax(dim=-1) == targets}
        if self.settings.decided == "several":
            loss = functional.binary_cross_entropy_with_logits(
                scores, targets, pos_weight=weights, reduction="sum"
            )
            return loss, {LABELS: (scores > 0) == (targets > 0)}
        return functional.mse_loss(scores.squeeze(-1), targets, reduction="sum"), {}


def pool_windows(vectors: Tensor, weights: Tensor, owners: Tensor, texts: int) -> tuple[Tensor, Tensor]:
    """The weighted mean of each text's windows.

    Texts may be pooled in parts: means of parts, weighted by the totals returned with them, give the mean of
    the whole. So prediction, which sees a window at a time, agrees with training.

    Args:
        vectors: (W, D).
        weights: (W,), logarithms; equal ones give the plain mean.
        owners: integers (W,), the text of each window; each of the `texts` has at least one.
        texts: T.

    Returns:
        Means (T, D), and the logarithm of each text's summed weight (T,).
    """
    none = torch.full((texts,), -torch.inf, device=weights.device)
    tops = none.scatter_reduce(0, owners, weights.detach(), "amax")
    shares = (weights - tops[owners]).exp()
    totals = torch.zeros_like(tops).index_add(0, owners, shares)
    weighted = vectors * (shares / totals[owners])[:, None]
    means = torch.zeros(texts, vectors.shape[1], device=vectors.device).index_add(0, owners, weighted)
    return means, tops + totals.log()
