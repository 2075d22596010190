"""Long text as overlapping windows, and which window owns a piece."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from spanbert.errors import SettingsError
from spanbert.text.spans import Span


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a text's pieces that the encoder reads at once.

    Args:
        pieces: what is read.
        owned: the part for which this window has more context than its neighbours. The owned parts of a
            text's windows are disjoint and together are the whole text.
    """

    pieces: Span
    owned: Span


def windows(piece_count: int, size: int, overlap: int) -> list[Window]:
    """Cut `piece_count` pieces into windows of at most `size`, neighbours sharing `overlap` pieces or more.

    A text that fits is one window; else all have exactly `size` pieces (the last is moved left rather than
    left short), and the border of ownership lies in the middle of each shared stretch.

    Raises:
        SettingsError: `size` is not greater than `overlap`, or `overlap` is negative.
    """
    if not 0 <= overlap < size:
        raise SettingsError(f"windows: overlap {overlap} must be at least 0 and less than the size {size}")
    if piece_count <= size:
        whole = Span(0, piece_count)
        return [Window(whole, whole)]
    starts = [*range(0, piece_count - size, size - overlap), piece_count - size]
    borders = [0]
    for left, right in pairwise(starts):
        borders.append((left + size + right) // 2)
    borders.append(piece_count)
    return [
        Window(Span(start, start + size), Span(borders[number], borders[number + 1]))
        for number, start in enumerate(starts)
    ]
