"""Laws of span lengths, in units (words or pieces)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spanbert.errors import SettingsError

SPAN_P = 0.2
LONGEST_SPAN = 10
"""SpanBERT's law of span lengths (Joshi et al. 2020, section 3.1)."""


@dataclass(frozen=True)
class LengthLaw:
    """Probabilities of the lengths 1, 2, ...

    Args:
        probabilities: of length 1, of length 2 and so on; they sum to 1.
    """

    probabilities: tuple[float, ...]

    @classmethod
    def geometric(cls, p: float = SPAN_P, longest: int = LONGEST_SPAN) -> LengthLaw:
        """Geometric with parameter p, truncated at `longest` and renormalised (Joshi et al. 2020, 3.1).

        With p = 0.2 and 10 the mean is 3.797. p = 0 is the uniform law.

        Raises:
            SettingsError: p is outside [0, 1], or `longest` below 1.
        """
        if not 0 <= p <= 1 or longest < 1:
            raise SettingsError(
                f"span lengths: p must be in [0, 1] and the longest at least 1, got {p} and {longest}"
            )
        weights = [(1 - p) ** extra for extra in range(longest)]
        return cls(tuple(weight / sum(weights) for weight in weights))

    @property
    def longest(self) -> int:
        """The greatest length."""
        return len(self.probabilities)

    @cached_property
    def mean(self) -> float:
        """Expected length."""
        return sum(length * chance for length, chance in enumerate(self.probabilities, start=1))

    @cached_property
    def _cumulative(self) -> NDArray[np.float64]:
        return np.concatenate([[0.0], np.cumsum(self.probabilities)])

    @cached_property
    def _restricted(self) -> NDArray[np.float64]:
        """Row m: the law restricted to lengths up to m (row 0 is that of row 1)."""
        rows = np.tri(self.longest + 1, self.longest, -1) * np.asarray(self.probabilities)
        for most in np.flatnonzero(rows.sum(axis=1) == 0):  # `draw` gives the longest length then
            rows[most, max(most - 1, 0)] = 1.0
        found: NDArray[np.float64] = rows / rows.sum(axis=1, keepdims=True)
        return found

    @cached_property
    def _means(self) -> NDArray[np.float64]:
        """Expected length under each row of `_restricted`."""
        means: NDArray[np.float64] = self._restricted @ np.arange(1, self.longest + 1)
        return means

    @cached_property
    def _rest(self) -> NDArray[np.float64]:
        """E[max(left - length, 0)] under each row of `_restricted`, for left = 0, 1, ..., longest."""
        lengths = np.arange(1, self.longest + 1)
        beyond = np.maximum(np.arange(self.longest + 1)[:, None] - lengths, 0)
        rest: NDArray[np.float64] = self._restricted @ beyond.T
        return rest

    @cached_property
    def _rise(self) -> NDArray[np.float64]:
        return np.diff(self._rest, axis=1, append=self._rest[:, -1:])

    def chance_of_another(
        self, left: NDArray[np.floating[Any]], longest: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """With which probability to add a span when `left` units of a budget remain.

        c(left) = left / (mean + E[max(left - length, 0)]) makes the expected total the budget, whatever is
        left; from the longest length on it is 1.

        Args:
            left: units of the budget.
            longest: as of `draw`: mean and expectation are those of the law restricted to it.
        """
        # The expectation is linear between whole numbers, and left - mean beyond the last.
        most = np.minimum(longest, self.longest)
        inside = np.clip(left, 0, most)
        whole = inside.astype(np.int64)
        rest = self._rest[most, whole] + (inside - whole) * self._rise[most, whole]
        chance: NDArray[np.float64] = inside / (self._means[most] + rest)
        return chance

    def draw(self, uniform: NDArray[np.float64], longest: NDArray[np.int64]) -> NDArray[np.int64]:
        """Lengths from uniform numbers in [0, 1), by the law restricted to at most `longest` (at least 1)."""
        most = np.minimum(longest, self.longest)
        scaled = uniform * self._cumulative[most]
        drawn = np.searchsorted(self._cumulative, scaled, side="right")
        return np.minimum(drawn, most)
