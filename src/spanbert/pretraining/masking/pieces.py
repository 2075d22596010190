"""Single pieces, as BERT masks them (Devlin et al. 2019, section 3.1)."""

from __future__ import annotations

from dataclasses import dataclass

from spanbert.pretraining.masked_spans import MaskedSpans
from spanbert.pretraining.masking.lengths import LengthLaw
from spanbert.pretraining.masking.placement import Placement, choose_units, place
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

    def choose(self, sequences: Sequences, random: SampleRandom) -> MaskedSpans:
        """Uniformly chosen pieces."""
        units = sequences.pieces
        budget = self.budget * units.maskable
        if not self.apart:
            return choose_units(units, budget, random)
        placement = Placement(units, apart=True, longest=1)
        place(placement, LengthLaw((1.0,)), budget, random)
        return placement.spans()
