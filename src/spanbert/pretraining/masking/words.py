"""Whole words: all pieces of a word are masked or none."""

from __future__ import annotations

from dataclasses import dataclass

from spanbert.pretraining.masked_spans import MaskedSpans
from spanbert.pretraining.masking.placement import choose_units
from spanbert.pretraining.masking.scheme import check_share
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

    def __post_init__(self) -> None:
        check_share(self.budget)

    def choose(self, sequences: Sequences, random: SampleRandom) -> MaskedSpans:
        """Uniformly chosen words."""
        return choose_units(sequences.words, self.budget, random, apart=self.apart)
