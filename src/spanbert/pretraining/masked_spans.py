"""The spans that were chosen to be hidden, over all sequences of a batch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class MaskedSpans:
    """N spans, of M pieces in all, in the order of the text.

    Args:
        rows: integers (N,), the sequence of each span.
        starts: integers (N,), its first piece, counted over all sequences.
        ends: integers (N,), the piece behind it.
    """

    rows: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """Pieces of each span: integers (N,)."""
        return self.ends - self.starts

    @cached_property
    def numbers(self) -> NDArray[np.int64]:
        """The span of each piece: integers (M,)."""
        return np.repeat(np.arange(len(self.starts)), self.lengths)

    @cached_property
    def positions(self) -> NDArray[np.int64]:
        """The pieces, counted over all sequences: integers (M,)."""
        before = np.cumsum(self.lengths) - self.lengths
        return np.arange(len(self.numbers)) + (self.starts - before)[self.numbers]

    @cached_property
    def places(self) -> NDArray[np.int64]:
        """Which piece of its span each is, from 0: integers (M,)."""
        return self.positions - self.starts[self.numbers]
