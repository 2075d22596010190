"""Filling several hidden places from left to right, keeping the best few beginnings."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from spanbert.tasks.fill_mask.features import FillMaskFeature, Query


class Beam:
    """The best fills of a feature's places so far.

    The chance of a fill is the product of the chances of its pieces, each given the pieces before it and all
    visible ones, with those after it hidden (left-to-right filling as in Jiang et al. 2020, "X-FACTR:
    Multilingual Factual Knowledge Retrieval from Pretrained Language Models", with a beam).

    Args:
        feature: whose places are filled, in their order.
    """

    def __init__(self, feature: FillMaskFeature) -> None:
        self.feature = feature
        self.ids = np.zeros((1, 0), dtype=np.int64)
        self.log_probabilities = np.zeros((1, 0))

    @property
    def filled(self) -> int:
        """How many places are filled."""
        return self.ids.shape[1]

    @property
    def done(self) -> bool:
        """Whether all places are filled."""
        return self.filled == len(self.feature.places)

    @property
    def next(self) -> slice:
        """The places that are filled next: one, or several at once where there are very many."""
        return slice(self.filled, self.filled + self.feature.places_at_once)

    def beginnings(self) -> Iterator[Query]:
        """Each of the best beginnings, with its next places."""
        places = self.feature.places
        for filled in self.ids:
            piece_ids = self.feature.piece_ids.copy()
            piece_ids[places[: self.filled]] = filled
            yield Query(piece_ids, places[self.next], self.feature.span_end)

    def extend(self, ids: NDArray[np.int64], log_probabilities: NDArray[np.float64]) -> None:
        """Fill the next places.

        Args:
            ids: integers (B, W, P), for each beginning the best pieces of its next places.
            log_probabilities: (B, W, P), theirs.
        """
        sums = self.log_probabilities.sum(axis=1)[:, None] + log_probabilities.sum(axis=2)
        best = np.argsort(-sums.ravel(), kind="stable")[: self.feature.width]
        rows, columns = np.divmod(best, ids.shape[1])
        self.ids = np.column_stack([self.ids[rows], ids[rows, columns]])
        self.log_probabilities = np.column_stack(
            [self.log_probabilities[rows], log_probabilities[rows, columns]]
        )

    def result(self) -> NDArray[np.float64]:
        """(W, 2, M): pieces and their log probabilities, best fill first."""
        return np.stack([self.ids, self.log_probabilities], axis=1)
