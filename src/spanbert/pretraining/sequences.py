"""Blocks of a corpus as sequences for the encoder: framed by special pieces and cut in units."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from spanbert.pretraining.masked_spans import MaskedSpans


@dataclass(frozen=True)
class Units:
    """What a masking scheme takes whole: words, or single pieces.

    Special pieces are units of their own that are never masked, so every maskable unit has two neighbours.

    Args:
        starts: integers (U + 1,), the piece with which each unit begins, and the number of pieces.
        fixed: booleans (U,), that may not be masked: special pieces, and what was closed.
        special: booleans (U,), special pieces.
        first: integers (S + 1,), the first unit of each sequence, and the number of units.
    """

    starts: NDArray[np.int64]
    fixed: NDArray[np.bool_]
    special: NDArray[np.bool_]
    first: NDArray[np.int64]

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Units of each sequence, special ones included: integers (S,)."""
        return np.diff(self.first)

    @cached_property
    def maskable(self) -> NDArray[np.int64]:
        """Units of each sequence that may be masked: integers (S,)."""
        return np.add.reduceat(~self.fixed, self.first[:-1], dtype=np.int64)

    @cached_property
    def real(self) -> NDArray[np.int64]:
        """Units of each sequence of which a budget is a share, all but the special ones: integers (S,)."""
        if self.fixed is self.special:
            return self.maskable
        return np.add.reduceat(~self.special, self.first[:-1], dtype=np.int64)


@dataclass(frozen=True)
class Pairs:
    """What is known of sequences that hold two texts, [CLS] A [SEP] B [SEP].

    Args:
        first_pieces: integers (S,), pieces up to the first [SEP], which is included.
        paired: booleans (S,), whether there is a second text.
        exchanged: booleans (S,), whether it is from another document; it follows the first one else.
    """

    first_pieces: NDArray[np.int64]
    paired: NDArray[np.bool_]
    exchanged: NDArray[np.bool_]


@dataclass(frozen=True)
class Sequences:
    """Several sequences one after another, special pieces included.

    Args:
        piece_ids: integers (P,).
        starts_word: booleans (P,), the first piece of a word; true for special pieces.
        special: booleans (P,), special pieces.
        lengths: integers (S,), pieces of each sequence, at least 1.
        samples: integers (S,), the number of each sample in its corpus; all that is random depends on it.
        given: integers (N, 2), first piece and end of spans that were chosen beforehand (entities, noun
            phrases), counted over all sequences.
        pairs: None where each sequence is a single text.
        closed: booleans (P,), pieces that may not be masked besides the special ones; None for none.
    """

    piece_ids: NDArray[np.int32]
    starts_word: NDArray[np.bool_]
    special: NDArray[np.bool_]
    lengths: NDArray[np.int64]
    samples: NDArray[np.int64]
    given: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 2), dtype=np.int64))
    pairs: Pairs | None = None
    closed: NDArray[np.bool_] | None = None

    @classmethod
    def framed(
        cls,
        piece_ids: NDArray[np.int32],
        starts_word: NDArray[np.bool_],
        lengths: NDArray[np.int64],
        samples: NDArray[np.int64],
        *,
        start_id: int,
        end_id: int,
        given: NDArray[np.int64] | None = None,
    ) -> Sequences:
        """Blocks laid one after another -> [CLS] block [SEP] for each.

        Args:
            piece_ids: integers, all blocks' pieces.
            starts_word: booleans, as many.
            lengths: integers (S,), pieces of each block.
            samples: integers (S,).
            start_id: the number of [CLS].
            end_id: the number of [SEP].
            given: integers (N, 2), spans chosen beforehand, counted over the framed sequences.
        """
        ends = np.cumsum(lengths + 2)
        special = np.zeros(int(ends[-1]), dtype=np.bool_)
        special[ends - 1] = True
        special[ends - lengths - 2] = True
        framed_ids = np.empty(len(special), dtype=np.int32)
        framed_ids[~special] = piece_ids
        framed_ids[ends - lengths - 2] = start_id
        framed_ids[ends - 1] = end_id
        framed_words = np.ones(len(special), dtype=np.bool_)
        framed_words[~special] = starts_word
        first = ends - lengths - 1
        framed_words[first[lengths > 0]] = True  # a block that begins within a word begins with a unit
        found = np.zeros((0, 2), dtype=np.int64) if given is None else given
        return cls(framed_ids, framed_words, special, lengths + 2, samples, found)

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """The first piece of each sequence, and the number of pieces: integers (S + 1,)."""
        return np.concatenate([[0], np.cumsum(self.lengths)])

    @cached_property
    def words(self) -> Units:
        """Words as units."""
        begins = np.flatnonzero(self.starts_word)
        special = np.logical_or.reduceat(self.special, begins)
        return Units(
            np.append(begins, len(self.piece_ids)),
            special if self.closed is None else np.logical_or.reduceat(self._fixed, begins),
            special,
            np.searchsorted(begins, self.starts),
        )

    @cached_property
    def pieces(self) -> Units:
        """Single pieces as units."""
        return Units(np.arange(len(self.piece_ids) + 1), self._fixed, self.special, self.starts)

    @property
    def _fixed(self) -> NDArray[np.bool_]:
        return self.special if self.closed is None else self.special | self.closed

    def without(self, spans: MaskedSpans) -> Sequences:
        """The same with spans and their neighbours closed to further masking."""
        closed = np.zeros(len(self.special), dtype=np.bool_) if self.closed is None else self.closed.copy()
        closed[spans.positions] = True
        closed[spans.starts - 1] = True
        closed[spans.ends] = True
        return replace(self, closed=closed)

    def rows_of(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """The sequence in which each piece stands."""
        return np.searchsorted(self.starts, positions, side="right") - 1
