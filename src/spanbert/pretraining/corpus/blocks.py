"""Lines packed into blocks: whole lines while they fit, no block across documents, nothing dropped."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Packer:
    """Decides where blocks end; the pieces themselves stay in the order in which they come.

    Args:
        block_pieces: most pieces in a block.
    """

    def __init__(self, block_pieces: int) -> None:
        self.block_pieces = block_pieces
        self.ends: list[int] = []
        """Pieces up to the end of each finished block, from the first piece on."""
        self.filled = 0
        """Pieces in the open block."""
        self.split_lines = 0
        self.split_words = 0
        """How often a block had to end inside a word."""

    def close(self) -> None:
        """End the open block, if it has a piece."""
        if self.filled:
            self._end_after(self.filled)

    def add_line(self, starts_word: NDArray[np.bool_]) -> None:
        """A whole line: in the open block if it fits, else in a new one; in several where it is too long.

        Args:
            starts_word: booleans, one for each piece.
        """
        length = len(starts_word)
        if self.filled + length > self.block_pieces:
            self.close()
        if length > self.block_pieces:
            self._split(starts_word)
            self.split_lines += 1
        else:
            self.filled += length

    def add_part(self, starts_word: NDArray[np.bool_], *, continues: bool) -> None:
        """A part of a line that is too long to be looked at as a whole, and certainly for a block.

        Args:
            starts_word: booleans, one for each piece of the part, which begins with a word.
            continues: whether the line has begun before.
        """
        if not continues:
            self.close()
            self.split_lines += 1
        self._split(starts_word)

    def _split(self, starts_word: NDArray[np.bool_]) -> None:
        word_starts = np.flatnonzero(starts_word)
        done, length = 0, len(starts_word)
        while self.filled + length - done > self.block_pieces:
            limit = done + self.block_pieces - self.filled
            cut = int(word_starts[np.searchsorted(word_starts, limit, side="right") - 1])
            if not self.filled and cut <= done:  # a word that is longer than a block
                cut = limit
                self.split_words += 1
            self._end_after(self.filled + cut - done)
            done = cut
        self.filled += length - done

    def _end_after(self, pieces: int) -> None:
        self.ends.append((self.ends[-1] if self.ends else 0) + pieces)
        self.filled = 0
