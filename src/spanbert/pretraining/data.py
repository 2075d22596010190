"""A prepared corpus as training data: which blocks train, which are held out, and how a batch is made."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from spanbert.pretraining.batch import Masker, PretrainingBatch
from spanbert.pretraining.corpus.shards import Blocks, Corpus
from spanbert.pretraining.pairing import Pairing
from spanbert.pretraining.pairs import framed_pairs
from spanbert.pretraining.randomness import SampleRandom
from spanbert.pretraining.sequences import Sequences
from spanbert.text.tokenizer import Tokenizer

HELD_OUT_SEED = 0


class PretrainingEpoch(Protocol):
    """One pass over some blocks of a corpus (see `spanbert.training.data.Epoch`)."""

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Pieces of each sequence, special ones included."""
        ...

    @property
    def pairs(self) -> int:
        """How many of the sequences are pairs of texts."""
        ...

    def batch(self, indices: NDArray[np.int64], progress: float = 1.0) -> PretrainingBatch:
        """Some sequences, masked as they are after a share of the run's updates."""
        ...

    def named(self, indices: NDArray[np.int64]) -> list[str]:
        """The numbers of their blocks, as `Corpus.gather` takes them."""
        ...


@dataclass(frozen=True)
class BlockEpoch:
    """A pass in which each block is a sequence.

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

    @property
    def pairs(self) -> int:
        """None."""
        return 0

    def batch(self, indices: NDArray[np.int64], progress: float = 1.0) -> PretrainingBatch:
        """Some sequences, masked as they are after a share of the run's updates."""
        numbers = self.blocks[indices]
        sequences = framed(self.corpus.gather(numbers), numbers, self.tokenizer)
        return self.masker.batch(sequences, self.epoch, progress)

    def named(self, indices: NDArray[np.int64]) -> list[str]:
        """The numbers of their blocks."""
        return [f"block {number}" for number in self.blocks[indices]]


@dataclass(frozen=True)
class PairEpoch:
    """A pass in which blocks are pairs of texts, half of them after an exchange of second parts.

    Args:
        corpus, blocks, masker, tokenizer, epoch: as of `BlockEpoch`.
    """

    corpus: Corpus
    blocks: NDArray[np.int64]
    masker: Masker
    tokenizer: Tokenizer
    epoch: int

    @cached_property
    def pairing(self) -> Pairing:
        """Which blocks are cut together, and which exchange their second parts."""
        documents = self.corpus.documents[self.blocks]
        lengths = self.corpus.lengths[self.blocks].astype(np.int64)
        return Pairing.of(self.blocks, documents, lengths, self.masker.seed, self.epoch)

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """Pieces of each sequence, special ones included.

        Both blocks of a pair are cut at the same place, so a sample is as long as the block that ends it.
        """
        ending = self.corpus.lengths[self.blocks[self.pairing.seconds]]
        return ending.astype(np.int64) + 2 + self.pairing.paired

    @property
    def pairs(self) -> int:
        """How many of the sequences are pairs of texts."""
        return int(self.pairing.paired.sum())

    def batch(self, indices: NDArray[np.int64], progress: float = 1.0) -> PretrainingBatch:
        """Some sequences, masked as they are after a share of the run's updates."""
        return self.masker.batch(self.sequences(indices), self.epoch, progress)

    def named(self, indices: NDArray[np.int64]) -> list[str]:
        """The numbers of their blocks, two where parts were exchanged."""
        partners = self.blocks[self.pairing.partners[indices]]
        return [
            f"block {number}" if number == partner else f"blocks {number} and {partner}"
            for number, partner in zip(self.blocks[indices], partners, strict=True)
        ]

    def sequences(self, indices: NDArray[np.int64]) -> Sequences:
        """Some sequences as they stand in the corpus."""
        numbers = self.blocks[indices]
        places = self.pairing.partners[indices]
        partners = self.blocks[places]
        return framed_pairs(
            self.corpus.gather(np.concatenate([numbers, partners])),
            numbers,
            paired=places != indices,
            exchanged=self.pairing.exchanged[indices],
            random=SampleRandom(self.masker.seed, self.epoch, np.minimum(numbers, partners)),
            start_id=self.tokenizer.start_id,
            end_id=self.tokenizer.end_id,
        )


@dataclass(frozen=True)
class BlockData:
    """Blocks of a corpus as data of a run (see `spanbert.training.data.TrainingData`)."""

    corpus: Corpus
    blocks: NDArray[np.int64]
    masker: Masker
    tokenizer: Tokenizer

    def epoch(self, seed: int, epoch: int) -> PretrainingEpoch:
        """A pass; the masker holds the seed already."""
        kind = PairEpoch if self.masker.objective.next_sentence else BlockEpoch
        return kind(self.corpus, self.blocks, self.masker, self.tokenizer, epoch)


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
        share: of them to hold out; at least one is, if there are two, and one is left.
        most: held out at most.
    """
    count = min(most, blocks - 1, max(1, round(share * blocks)))
    chosen = np.random.default_rng(HELD_OUT_SEED).permutation(blocks)[:count]
    return np.sort(chosen)
