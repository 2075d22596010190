"""The networks of entities: tags scored for words, or types scored for spans of words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, pad

from spanbert.nn.config import EncoderConfig
from spanbert.nn.encoder import Encoder, initialise
from spanbert.nn.heads import LinearHead
from spanbert.tasks.entities.features import ENTITIES, EntityBatch

END_WIDTH = 128
"""Width of the vectors by which a span's two ends are compared."""
START_BIAS = -4.0
"""Log odds that a span is an entity before anything is learned: nearly all spans are none."""

TAG_NAMES: dict[str, dict[str, str]] = {"tags": {"scores.*": "classifier.*"}}
SPAN_NAMES: dict[str, dict[str, str]] = {
    "spans": {
        "first.*": "span_classifier.first.*",
        "last.*": "span_classifier.last.*",
        "pairs.weight": "span_classifier.pairs.weight",
        "first_scores.weight": "span_classifier.first_scores.weight",
        "last_scores.*": "span_classifier.last_scores.*",
        "width_scores.weight": "span_classifier.width_scores.weight",
    }
}
"""Tensors of the heads and their Hugging Face names; transformers has no head for spans."""


@dataclass(frozen=True)
class EntityOutput:
    """Scores in nats of each word's tags (W, L) or of each span's types (W, longest, L); summed loss."""

    scores: Tensor
    words: tuple[int, ...]
    losses: dict[str, Tensor]
    targets: int

    @property
    def loss(self) -> Tensor | None:
        """Mean loss of a word; None without gold."""
        return self.losses[ENTITIES] / self.targets if self.losses else None

    @property
    def hits(self) -> dict[str, Tensor]:
        """None: F1 is measured on the dev set."""
        return {}

    def per_sequence(self) -> list[NDArray[np.float32]]:
        """For each sequence the scores of its words."""
        ends = np.cumsum(self.words)[:-1]
        return np.split(self.scores.detach().cpu().numpy(), ends)


class EntityModel(nn.Module):
    """Encoder and scores.

    Args:
        encoder: reads the pieces.
        labels: tags of words or types of spans.
        longest: words of the longest span that is scored; None to score tags of words.
    """

    def __init__(self, encoder: Encoder, labels: int, longest: int | None) -> None:
        super().__init__()
        self.encoder = encoder
        self.nested = longest is not None
        if longest is None:
            self.tags = LinearHead(encoder.config, labels)
            self.dropout = nn.Dropout(encoder.config.hidden_dropout)
        else:
            self.spans = SpanHead(encoder.config, labels, longest)

    def forward(self, batch: EntityBatch) -> EntityOutput:
        """Score the words of a batch, or the spans that begin with them; loss when the batch has targets."""
        hidden = self.encoder(batch.pieces, batch.word_pieces)[0]
        if self.nested:
            scores = self.spans(hidden, batch.reach).float()
            losses = {} if batch.targets is None else {ENTITIES: span_loss(scores, batch.targets)}
        else:
            scores = self.tags(self.dropout(hidden)).float()
            losses = {}
            if batch.targets is not None:
                losses = {ENTITIES: cross_entropy(scores, batch.targets, reduction="sum")}
        return EntityOutput(scores, batch.words, losses, batch.target_counts.get(ENTITIES, 0))


class SpanHead(nn.Module):
    """Scores of all spans from vectors of their first and last word (Yu et al. 2020, section 3).

    score(s, e, type) = first(s) U_type last(e) + a_type first(s) + b_type last(e) + c_type[width]

    Args:
        config: of the encoder.
        labels: types.
        longest: words of the longest span.
    """

    def __init__(self, config: EncoderConfig, labels: int, longest: int) -> None:
        super().__init__()
        self.longest = longest
        self.labels = labels
        self.first = nn.Linear(config.width, END_WIDTH)
        self.last = nn.Linear(config.width, END_WIDTH)
        self.pairs = nn.Linear(END_WIDTH, labels * END_WIDTH, bias=False)
        self.first_scores = nn.Linear(END_WIDTH, labels, bias=False)
        self.last_scores = nn.Linear(END_WIDTH, labels)
        self.width_scores = nn.Embedding(longest, labels)
        self.activation = nn.GELU()
        self.dropout = nn.Dropout(config.hidden_dropout)
        initialise(self, config.init_std)
        nn.init.constant_(self.last_scores.bias, START_BIAS)

    def forward(self, words: Tensor, reach: Tensor) -> Tensor:
        """Scores of spans by their first word and their further words, minus infinity where none can be.

        Args:
            words: (W, D).
            reach: integers (W,), words that a span may have that begins there.

        Returns:
            (W, longest, L).
        """
        words = self.dropout(words)
        first = self.dropout(self.activation(self.first(words)))
        last = self.dropout(self.activation(self.last(words)))
        pairs = self.pairs(first).unflatten(-1, (self.labels, END_WIDTH))
        scores = torch.einsum("wlk,wkn->wnl", pairs, self._onward(last))
        of_last = self._onward(self.last_scores(last)).transpose(1, 2)
        scores = scores + self.first_scores(first)[:, None] + of_last + self.width_scores.weight
        possible = torch.arange(self.longest, device=words.device) < reach[:, None]
        return scores.masked_fill(~possible[..., None], -torch.inf)  # type: ignore[no-any-return]

    def _onward(self, values: Tensor) -> Tensor:
        """(W, X) -> (W, X, longest): for each word the values of it and of those behind it, as a view."""
        return pad(values, (0, 0, 0, self.longest)).unfold(0, self.longest, 1)[: len(values)]


def span_loss(scores: Tensor, targets: Tensor) -> Tensor:
    """Binary cross-entropy of each span and type, summed, in nats; a span may have several types.

    Args:
        scores: (W, longest, L), minus infinity where no span can be.
        targets: integers (G, 3), first word, further words and type of each entity.
    """
    wanted = torch.zeros_like(scores)
    wanted[targets[:, 0], targets[:, 1], targets[:, 2]] = 1.0
    possible = scores > -torch.inf
    return binary_cross_entropy_with_logits(scores[possible], wanted[possible], reduction="sum")
