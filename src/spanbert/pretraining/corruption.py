"""What the encoder sees in place of masked spans: 80 % [MASK], 10 % random pieces, 10 % the original."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spanbert.errors import DataError, SettingsError
from spanbert.pretraining.masked_spans import MaskedSpans
from spanbert.pretraining.randomness import SampleRandom, Stream
from spanbert.pretraining.sequences import Sequences


@dataclass(frozen=True)
class UnigramLaw:
    """Pieces by their frequency in the corpus.

    Args:
        cumulative: (V + 1,), the share of all pieces with a smaller number.
    """

    cumulative: NDArray[np.float64]

    @classmethod
    def of(cls, piece_counts: NDArray[np.int64], special_ids: NDArray[np.int64]) -> UnigramLaw:
        """The law of counts (V,); special pieces have no share.

        Raises:
            DataError: nothing but special pieces was counted.
        """
        counts = piece_counts.astype(np.float64)
        counts[special_ids] = 0
        if not counts.sum():
            raise DataError("the corpus holds no pieces besides special ones")
        return cls(np.concatenate([[0.0], np.cumsum(counts) / counts.sum()]))

    def draw(self, uniform: NDArray[np.float64]) -> NDArray[np.int64]:
        """Piece numbers from uniform numbers in [0, 1)."""
        found = np.searchsorted(self.cumulative, uniform, side="right") - 1
        return np.minimum(found, len(self.cumulative) - 2)


@dataclass(frozen=True)
class Corruption:
    """Replaces masked spans, the same way for all pieces of a span (Joshi et al. 2020, section 3.1).

    Args:
        mask_id: the number of [MASK].
        unigrams: the law of random pieces.
        masked: probability that a span becomes [MASK].
        random: probability that each of its pieces is replaced by one of the law; else it stays.

    Raises:
        SettingsError: the probabilities are negative or sum to more than 1.
    """

    mask_id: int
    unigrams: UnigramLaw
    masked: float = 0.8
    random: float = 0.1

    def __post_init__(self) -> None:
        if self.masked < 0 or self.random < 0 or self.masked + self.random > 1:
            raise SettingsError(
                f"corruption: shares {self.masked} and {self.random} must be positive and sum to at most 1"
            )

    def apply(self, sequences: Sequences, spans: MaskedSpans, random: SampleRandom) -> NDArray[np.int32]:
        """The pieces with the spans replaced: integers (P,)."""
        corrupted = sequences.piece_ids.copy()
        places = spans.starts - sequences.starts[spans.rows]
        fate = random.uniform(Stream.FATE, places, spans.rows)
        positions = spans.positions
        fates = fate[spans.numbers]
        corrupted[positions[fates < self.masked]] = self.mask_id
        replaced = (fates >= self.masked) & (fates < self.masked + self.random)
        rows = spans.rows[spans.numbers[replaced]]
        at = positions[replaced]
        corrupted[at] = self.unigrams.draw(random.uniform(Stream.PIECE, at - sequences.starts[rows], rows))
        return corrupted
