"""What the span boundary objective predicts: each piece of a span, from the pieces just outside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spanbert.pretraining.masked_spans import MaskedSpans


@dataclass(frozen=True)
class BoundaryTargets:
    """Targets of the boundary objective (Joshi et al. 2020, section 3.2).

    Args:
        lefts: integers (N,), the visible piece before each span, counted over all sequences.
        rights: integers (N,), the visible piece behind it.
        spans: integers (M,), for each target, which span it is in.
        places: integers (M,), which piece of the span it is, from 0.
        positions: integers (M,), where it stands, counted over all sequences.
    """

    lefts: NDArray[np.int64]
    rights: NDArray[np.int64]
    spans: NDArray[np.int64]
    places: NDArray[np.int64]
    positions: NDArray[np.int64]


def boundary_targets(spans: MaskedSpans, farthest: int) -> BoundaryTargets:
    """Targets of all spans; [CLS] and [SEP] count as neighbours, so spans at the edges have theirs too.

    Args:
        spans: with a visible piece on both sides of each.
        farthest: places for which the objective has a position vector; pieces farther inside a span have no
            boundary target (spans of that many pieces are rare; the masked-LM objective still sees them).
    """
    kept = spans.places < farthest
    return BoundaryTargets(
        spans.starts - 1, spans.ends, spans.numbers[kept], spans.places[kept], spans.positions[kept]
    )
