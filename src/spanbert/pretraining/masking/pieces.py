"""Single pieces, as BERT masks them (Devlin et al. 2019, section 3.1)."""

from __future__ import annotations

from dataclasses import dataclass

from spanbert.pretraining.masked_spans import MaskedSpans
from spanbert.pretraining.masking.placement import choose_units
from spanbert.pretraining.masking.scheme import check_share
from spanbert.pretraining.randomness import SampleRandom
from spanbert.pretraining.sequences import Sequences


@dataclass(frozen=True)
class SinglePieces:
    """Every masked span is one piece.

    Args:
        budget: share of the pieces to mask, in expectation.
        apart: whether neighbours stay visible; BERT's law is False.
    """

    budget: float = 0.15
    apart: bool = True

    def __post_init__(self) -> None:
        check_share(self.budget)

    def choose(self, sequences: Sequences, random: SampleRandom) -> MaskedSpans:
        """Uniformly chosen pieces."""
        return choose_units(sequences.pieces, self.budget, random, apart=self.apart)
