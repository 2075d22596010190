"""A prepared corpus as training data: which blocks train, which are held out, and how a batch is made."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from spanbert.pretraining.batch import Masker, PretrainingBatch
from spanbert.pretraining.corpus.shards import Blocks, Corpus
from spanbert.pretraining.sequences import Sequences
from spanbert.text.tokenizer import Tokenizer

HELD_OUT_SEED = 0


@dataclass(frozen=True)
class BlockEpoch:
    """One pass over some blocks of a corpus (see `spanbert.training.data.Epoch`).

    Args:
        corpus: prepared.
        blocks: integers, the numbers of the blocks.
        masker: hides spans and notes what is to be predicted.
        tokenizer: of the corpus.
        epoch: counted from 0; each masks anew.
    """

    corpus: Corpus
    blocks: NDArray[np.int64]
    masker: Masker
    tokenizer: Tokenizer
    epoch: int

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """Pieces of each sequence, [CLS] and [SEP] included."""
        return self.corpus.lengths[self.blocks].astype(np.int64) + 2

    def batch(self, indices: NDArray[np.int64]) -> PretrainingBatch:
        """Some sequences, masked."""
        numbers = self.blocks[indices]
        sequences = framed(self.corpus.gather(numbers), numbers, self.tokenizer)
        return self.masker.batch(sequences, self.epoch)


@dataclass(frozen=True)
class BlockData:
    """Blocks of a corpus as data of a run (see `spanbert.training.data.TrainingData`)."""

    corpus: Corpus
    blocks: NDArray[np.int64]
    masker: Masker
    tokenizer: Tokenizer

    def epoch(self, seed: int, epoch: int) -> BlockEpoch:
        """A pass; the masker holds the seed already."""
        return BlockEpoch(self.corpus, self.blocks, self.masker, self.tokenizer, epoch)


def framed(blocks: Blocks, samples: NDArray[np.int64], tokenizer: Tokenizer) -> Sequences:
    """Blocks between [CLS] and [SEP], with their given spans."""
    lengths = blocks.lengths.astype(np.int64)
    starts = np.cumsum(lengths + 2) - lengths - 1  # of the first real piece of each
    rows = blocks.given.rows
    given = np.column_stack([blocks.given.starts, blocks.given.ends]).astype(np.int64)
    return Sequences.framed(
        blocks.piece_ids,
        blocks.starts_word,
        lengths,
        samples,
        start_id=tokenizer.start_id,
        end_id=tokenizer.end_id,
        given=given + starts[rows][:, None],
    )


def held_out_blocks(blocks: int, share: float, most: int) -> NDArray[np.int64]:
    """Numbers of the blocks that no update sees, sorted: the same for every run on the corpus.

    Args:
        blocks: in the corpus.
        share: of them to hold out; at least one is, if there are two.
        most: held out at most.
    """
    count = min(most, max(1, round(share * blocks))) if blocks > 1 else 0
    chosen = np.random.default_rng(HELD_OUT_SEED).permutation(blocks)[:count]
    return np.sort(chosen)
