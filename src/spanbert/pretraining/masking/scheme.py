"""What a masking scheme is."""

from __future__ import annotations

from typing import Protocol

from spanbert.errors import SettingsError
from spanbert.pretraining.masked_spans import MaskedSpans
from spanbert.pretraining.randomness import SampleRandom
from spanbert.pretraining.sequences import Sequences


def check_share(share: float) -> None:
    """Refuse a masking budget that is no share. Raises SettingsError."""
    if not 0 < share < 1:
        raise SettingsError(f"masking budget: a share between 0 and 1 is needed, got {share}")


class MaskingScheme(Protocol):
    """Chooses the spans of sequences that are hidden."""

    @property
    def budget(self) -> float:
        """Share of the pieces to mask, in expectation."""
        ...

    def choose(self, sequences: Sequences, random: SampleRandom) -> MaskedSpans:
        """Spans of each sequence, a pure function of the sequence and its random numbers."""
        ...
