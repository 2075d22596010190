"""Encoder with the heads of an objective."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from spanbert.nn.encoder import Encoder
from spanbert.nn.heads import PLACE_WIDTH, PLACES, MaskedLmHead, NextSentenceHead, SpanBoundaryHead
from spanbert.pretraining.batch import PretrainingBatch
from spanbert.pretraining.objectives import BOUNDARY, NEXT_SENTENCE
from spanbert.pretraining.vocabulary_loss import vocabulary_loss


@dataclass(frozen=True)
class PretrainingOutput:
    """Losses and hits of a batch.

    Args:
        losses: name of a loss -> its sum over the batch's targets, in nats.
        hits: name of a loss -> booleans (M,), whether the best-scored piece (or label) was the right one.
    """

    losses: Mapping[str, Tensor]
    hits: Mapping[str, Tensor]


class PretrainingModel(nn.Module):
    """Encoder, masked-LM head and (where the objective wants them) span boundary and next-sentence head.

    Heads read the masked pieces alone: scores over the vocabulary are not computed for visible ones.

    Args:
        encoder: to be trained.
        boundary: whether there is a boundary head.
        next_sentence: whether there is a next-sentence head.
        places: pieces of a span that the boundary head can predict.
        place_width: width of its place vectors.
    """

    def __init__(
        self,
        encoder: Encoder,
        *,
        boundary: bool,
        next_sentence: bool = False,
        places: int = PLACES,
        place_width: int = PLACE_WIDTH,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.masked_lm = MaskedLmHead(encoder.config, encoder.embeddings.word)
        self.boundary = (
            SpanBoundaryHead(encoder.config, encoder.embeddings.word, places=places, place_width=place_width)
            if boundary
            else None
        )
        self.next_sentence = NextSentenceHead(encoder.config) if next_sentence else None

    @property
    def places(self) -> int:
        """Pieces of a span that the boundary head can predict; 0 without one."""
        return 0 if self.boundary is None else self.boundary.place.num_embeddings

    def forward(self, batch: PretrainingBatch) -> PretrainingOutput:
        """Losses of all objectives."""
        # The encoder's last layer is computed for what the heads read alone.
        read = batch.read
        states = iter(self.encoder(batch.pieces, torch.cat(read))[0].split([len(places) for places in read]))
        losses: dict[str, Tensor] = {}
        hits: dict[str, Tensor] = {}
        for name, targets in batch.masked.items():
            losses[name], hits[name] = vocabulary_loss(
                self.masked_lm(next(states)).float(), targets.piece_ids
            )
        if batch.boundary is not None:
            assert self.boundary is not None
            left, right = next(states), next(states)
            scores = self.boundary(left, right, batch.boundary.spans, batch.boundary.places)
            losses[BOUNDARY], hits[BOUNDARY] = vocabulary_loss(scores.float(), batch.boundary.piece_ids)
        if batch.next_sentence is not None:
            assert self.next_sentence is not None
            scores = self.next_sentence(next(states)[:, None])
            labels = batch.next_sentence.labels
            losses[NEXT_SENTENCE] = cross_entropy(scores.float(), labels, reduction="sum")
            hits[NEXT_SENTENCE] = scores.argmax(dim=-1) == labels
        return PretrainingOutput(losses, hits)
