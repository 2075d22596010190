"""Geometric spans of whole words: SpanBERT's masking (Joshi et al. 2020, section 3.1)."""

from __future__ import annotations

from dataclasses import dataclass, field

from spanbert.pretraining.masked_spans import MaskedSpans
from spanbert.pretraining.masking.lengths import LengthLaw
from spanbert.pretraining.masking.placement import Placement, place
from spanbert.pretraining.masking.scheme import check_share
from spanbert.pretraining.randomness import SampleRandom
from spanbert.pretraining.sequences import Sequences


@dataclass(frozen=True)
class GeometricSpans:
    """Spans of complete words, lengths by a law, starts uniform over words.

    Args:
        budget: share of the words (and so of the pieces) to mask, in expectation.
        law: of the lengths in words.
    """

    budget: float = 0.15
    law: LengthLaw = field(default_factory=LengthLaw.geometric)

    def __post_init__(self) -> None:
        check_share(self.budget)

    def choose(self, sequences: Sequences, random: SampleRandom) -> MaskedSpans:
        """Spans with a visible piece on both sides."""
        placement = Placement(sequences.words, apart=True, longest=self.law.longest)
        place(placement, self.law, self.budget * sequences.words.real, random)
        return placement.spans()
