"""The spans that were chosen to be hidden, over all sequences of a batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class MaskedSpans:
    """Spans of pieces in the order of the text.

    Args:
        rows: integers (N,), the sequence of each span.
        starts: integers (N,), its first piece, counted over all sequences.
        ends: integers (N,), the piece behind it.
    """

    rows: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Pieces of each span: integers (N,)."""
        return self.ends - self.starts

    def positions(self) -> NDArray[np.int64]:
        """All pieces of all spans: integers (M,)."""
        return np.repeat(self.starts, self.lengths) + self.places()

    def places(self) -> NDArray[np.int64]:
        """For each of `positions`, which piece of its span it is, from 0: integers (M,)."""
        total = int(self.lengths.sum())
        return np.arange(total) - np.repeat(np.cumsum(self.lengths) - self.lengths, self.lengths)
