"""The network of fill-mask: the masked-LM head, and the span boundary head where the checkpoint has one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, pad

from spanbert.nn.encoder import Encoder
from spanbert.nn.heads import MaskedLmHead, SpanBoundaryHead
from spanbert.tasks.fill_mask.beam import Beam
from spanbert.tasks.fill_mask.features import (
    MASKED_LM,
    Ask,
    FillMaskBatch,
    FillMaskFeature,
    Opening,
    Queries,
    Query,
)
from spanbert.tasks.fill_mask.settings import FillMaskSettings

MOST_PIECES = 2048
"""Pieces in one pass of the encoder over the beginnings of fills, unless one alone has more.

It bounds the places too, at most a fourth as many, each of which has a score for all of the vocabulary.
"""
_Best = tuple[NDArray[np.int64], NDArray[np.float64]]
"""Pieces and their log probabilities."""


@dataclass(frozen=True)
class FillMaskOutput:
    """What was asked of each sequence; the loss and hits of a batch to learn from.

    Args:
        results: for each sequence, by what it asks: APART, TOGETHER and SPAN (W, 2, M), the W best pieces of
            each place (or fills of all) with their log probabilities; CHOOSE (G,), log probabilities of the
            given pieces; SCORE (2, M), log probability and rank of the pieces that were hidden.
        loss: mean over hidden pieces, in nats.
        losses: the same as a sum.
        hits: whether the best-scored piece was the right one, booleans (M,).
    """

    results: list[NDArray[np.float64]]
    loss: Tensor | None = None
    losses: dict[str, Tensor] = field(default_factory=dict)
    hits: dict[str, Tensor] = field(default_factory=dict)

    def per_sequence(self) -> list[NDArray[np.float64]]:
        """The results."""
        return self.results


class FillMaskModel(nn.Module):
    """Encoder and heads; scores over the vocabulary are computed for asked places alone."""

    def __init__(self, encoder: Encoder, settings: FillMaskSettings) -> None:
        super().__init__()
        self.encoder = encoder
        self.masked_lm = MaskedLmHead(encoder.config, encoder.embeddings.word)
        self.boundary = None
        self.boundary_weight = settings.boundary_weight
        if settings.boundary_shape is not None:
            places, width = settings.boundary_shape
            self.boundary = SpanBoundaryHead(
                encoder.config, encoder.embeddings.word, places=places, place_width=width
            )

    def forward(self, batch: FillMaskBatch) -> FillMaskOutput:
        """The loss of a batch to learn from; else what each feature asks for.

        The first pass of the encoder reads every feature. Those whose places are filled one after the other
        take one pass more for each further place, at most `MOST_PASSES` in all.
        """
        if batch.targets is not None:
            return self._learned(batch.queries, batch.targets)
        features = batch.features
        rows = self.log_probabilities(batch.queries).split_with_sizes(
            [len(one.query.places) for one in features]
        )
        beams = [Beam(feature) if feature.in_turn else None for feature in features]
        for beam, found in zip(beams, rows, strict=True):
            if beam is not None:
                beam.extend(*_stacked([_best_next(beam, found)]))
        self._fill([beam for beam in beams if beam is not None], batch.queries.places.device)
        return FillMaskOutput(
            [
                _answer(feature, found) if beam is None else beam.result()
                for feature, found, beam in zip(features, rows, beams, strict=True)
            ]
        )

    def _learned(self, queries: Queries, targets: Tensor) -> FillMaskOutput:
        scores = self.masked_lm(self.encoder(queries.pieces, queries.places)[0]).float()
        loss = cross_entropy(scores, targets, reduction="sum")
        hits = scores.detach().argmax(dim=-1) == targets
        return FillMaskOutput([], loss / max(len(targets), 1), {MASKED_LM: loss}, {MASKED_LM: hits})

    def _fill(self, beams: Sequence[Beam], device: torch.device) -> None:
        while waiting := [beam for beam in beams if not beam.done]:
            found: dict[Beam, list[_Best]] = {beam: [] for beam in waiting}
            asked = ((beam, query) for beam in waiting for query in beam.beginnings())
            for some in _bounded(asked):
                queries = [query for _, query in some]
                rows = self.log_probabilities(Queries.of(queries).to(device)).split_with_sizes(
                    [len(query.places) for query in queries]
                )
                for (beam, _), row in zip(some, rows, strict=True):
                    found[beam].append(_best_next(beam, row))
            for beam, best in found.items():
                beam.extend(*_stacked(best))

    def log_probabilities(self, queries: Queries) -> Tensor:
        """(M, V): of each piece at each place, in nats.

        Where a place begins a masked span, both heads are heard: their log probabilities are averaged by
        weight and normalised again. The boundary head predicts the first piece of what is still masked, from
        the last visible piece before it and the first one behind the span, as in its training.
        """
        lefts = queries.places[queries.spans] - 1
        asked, left, right = self.encoder(
            queries.pieces, torch.cat([queries.places, lefts, queries.span_ends])
        )[0].split([len(queries.places), len(lefts), len(lefts)])
        found: Tensor = self.masked_lm(asked).float().log_softmax(dim=-1)
        if self.boundary is None or not len(lefts):
            return found
        numbers = torch.arange(len(lefts), device=lefts.device)
        between = self.boundary(left, right, numbers, torch.zeros_like(numbers)).float().log_softmax(dim=-1)
        both = torch.lerp(found[queries.spans], between, self.boundary_weight).log_softmax(dim=-1)
        return found.index_copy(0, queries.spans, both)


def _answer(feature: FillMaskFeature, rows: Tensor) -> NDArray[np.float64]:
    """What is said of a feature by the log probabilities (M, V) of its places."""
    given = torch.from_numpy(feature.given_ids).to(rows.device)
    if feature.ask is Ask.APART:
        return np.stack(_best(rows, feature, feature.openings), axis=1)
    if feature.ask is Ask.CHOOSE:
        return _numpy(rows[0, given])
    found = rows.gather(1, given[:, None])
    ranks = (rows > found).sum(dim=1)
    return _numpy(torch.stack([found[:, 0].double(), ranks.double()]))


def _bounded(asked: Iterable[tuple[Beam, Query]]) -> Iterator[list[tuple[Beam, Query]]]:
    """The same in order, in passes of the encoder of bounded size."""
    some: list[tuple[Beam, Query]] = []
    pieces = 0
    for beam, query in asked:
        pieces += len(query.piece_ids)
        if some and pieces > MOST_PIECES:
            yield some
            some, pieces = [], len(query.piece_ids)
        some.append((beam, query))
    if some:
        yield some


def _best_next(beam: Beam, rows: Tensor) -> _Best:
    """The best pieces of a beam's next places by their log probabilities (P, V) under one beginning."""
    return _best(rows, beam.feature, beam.feature.openings[beam.next])


def _stacked(best: Sequence[_Best]) -> _Best:
    """What is best under each beginning (W, P) as one (B, W, P)."""
    return np.stack([ids for ids, _ in best]), np.stack([chances for _, chances in best])


def _best(rows: Tensor, feature: FillMaskFeature, openings: Sequence[Opening]) -> _Best:
    """The best pieces that may stand there, as many as wanted, and their log probabilities: both (W, M).

    Args:
        rows: log probabilities (M, V).
        feature: how many are wanted, of which vocabulary.
        openings: of each row.
    """
    allowed = torch.from_numpy(feature.vocabulary.choices[list(openings)]).to(rows.device)
    allowed = pad(allowed, (0, rows.shape[1] - allowed.shape[1]))  # a model may have more rows than pieces
    top = rows.masked_fill(~allowed, -torch.inf).topk(min(feature.width, rows.shape[1]), dim=-1)
    return top.indices.cpu().numpy().T, _numpy(top.values).T


def _numpy(values: Tensor) -> NDArray[np.float64]:
    return values.double().cpu().numpy()
