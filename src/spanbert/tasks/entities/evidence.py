"""What a model says about the words or spans of one text, before entities are decided."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class TagScores:
    """Scores (W, L) of all words of a text, each from the window that owns it; characters (W, 2)."""

    scores: NDArray[np.float32]
    word_chars: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SpanScores:
    """Spans of a text with some hope: first word, end, type (N, 3); log odds (N,); characters (W, 2)."""

    spans: NDArray[np.int64]
    scores: NDArray[np.float64]
    word_chars: NDArray[np.int64]


Evidence = TagScores | SpanScores
