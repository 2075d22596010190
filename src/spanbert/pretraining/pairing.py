"""Which blocks exchange their second parts, so that half of a pass's pairs are of different documents.

Blocks are paired up, both of a pair are cut at the same place, and a fair coin says whether they exchange
what stands behind it. Every piece is therefore in exactly one sample, and nothing of the layout tells the
label: kept or exchanged, the two samples have the same two lengths and the same cut.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spanbert.pretraining.randomness import SampleRandom, Stream


@dataclass(frozen=True)
class Pairing:
    """The partners of a pass over S blocks.

    Args:
        partners: integers (S,), the place in the pass of the block with which each one is paired; its own
            where there is none.
        exchanged: booleans (S,), whether the two exchange their second parts.
    """

    partners: NDArray[np.int64]
    exchanged: NDArray[np.bool_]

    @property
    def paired(self) -> NDArray[np.bool_]:
        """Whether a block has a partner: booleans (S,)."""
        found: NDArray[np.bool_] = self.partners != np.arange(len(self.partners))
        return found

    @property
    def seconds(self) -> NDArray[np.int64]:
        """The place in the pass of the block from which each sample's second part is: integers (S,)."""
        return np.where(self.exchanged, self.partners, np.arange(len(self.partners)))

    @classmethod
    def of(
        cls,
        blocks: NDArray[np.int64],
        documents: NDArray[np.int64],
        lengths: NDArray[np.int64],
        seed: int,
        epoch: int,
    ) -> Pairing:
        """Partners at random: of other documents, of a length within a factor of two where there are such.

        A block of one piece cannot be cut and has none; nor has one that is left over, as when a document
        holds more than half of the blocks.

        Args:
            blocks: integers (S,), their numbers in the corpus.
            documents: integers (S,), the document of each.
            lengths: integers (S,), pieces of each.
            seed: of the run.
            epoch: counted from 0.
        """
        every = np.arange(len(blocks))
        partners = every.copy()
        names, places = np.unique(documents, return_inverse=True)
        of_documents = SampleRandom(seed, epoch, names).uniform(Stream.DOCUMENT, 0, np.arange(len(names)))
        of_blocks = SampleRandom(seed, epoch, blocks).uniform(Stream.BLOCK, 0, every)
        order = np.lexsort((of_blocks, documents, of_documents[places]))
        order = order[lengths[order] > 1]
        sizes = np.frexp(lengths[order])[1]  # the same for lengths from a power of two up to the next
        for size in np.unique(sizes):
            _pair_up(order[sizes == size], documents, partners)
        _pair_up(order[partners[order] == order], documents, partners)
        first = np.minimum(blocks, blocks[partners])  # the two see the same coin
        coin = SampleRandom(seed, epoch, first).uniform(Stream.EXCHANGE, 0, every)
        return cls(partners, (coin < 0.5) & (partners != every))


def _pair_up(order: NDArray[np.int64], documents: NDArray[np.int64], partners: NDArray[np.int64]) -> None:
    """Make partners of as many blocks as can be, given with those of a document one after another.

    Two blocks at least as far apart as the largest document has blocks are of different documents.
    """
    count = len(order)
    last = np.flatnonzero(np.diff(documents[order], append=-1))  # of each document
    apart = max(-(-count // 2), int(np.diff(last, prepend=-1).max(initial=0)))
    left, right = order[: count - apart], order[apart:]
    partners[left], partners[right] = right, left
