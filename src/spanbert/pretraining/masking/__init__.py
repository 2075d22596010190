"""Which spans are hidden: one file for each scheme, all on the same rules of placement.

No special piece is ever masked, spans never overlap, and (unless a scheme says `apart=False`) a visible piece
stands between two spans. A choice is a pure function of (seed, epoch, sample number).
"""

from __future__ import annotations

from spanbert.pretraining.masked_spans import MaskedSpans
from spanbert.pretraining.masking.given import GivenSpans
from spanbert.pretraining.masking.lengths import LengthLaw
from spanbert.pretraining.masking.pieces import SinglePieces
from spanbert.pretraining.masking.scheme import MaskingScheme
from spanbert.pretraining.masking.spans import GeometricSpans
from spanbert.pretraining.masking.words import WholeWords

__all__ = [
    "GeometricSpans",
    "GivenSpans",
    "LengthLaw",
    "MaskedSpans",
    "MaskingScheme",
    "SinglePieces",
    "WholeWords",
]
