"""Whole words: all pieces of a word are masked or none."""

from __future__ import annotations

from dataclasses import dataclass

from spanbert.pretraining.masked_spans import MaskedSpans
from spanbert.pretraining.masking.lengths import LengthLaw
from spanbert.pretraining.masking.placement import Placement, place
from spanbert.pretraining.randomness import SampleRandom
from spanbert.pretraining.sequences import Sequences


@dataclass(frozen=True)
class WholeWords:
    """Every masked span is one word.

    Args:
        budget: share of the words (and so of the pieces) to mask, in expectation.
        apart: whether neighbouring words stay visible; whole-word masking as published is False.
    """

    budget: float = 0.15
    apart: bool = True

    def choose(self, sequences: Sequences, random: SampleRandom) -> MaskedSpans:
        """Uniformly chosen words."""
        placement = Placement(sequences.words, apart=self.apart, longest=1)
        place(placement, LengthLaw((1.0,)), self.budget * sequences.words.maskable, random)
        return placement.spans()
