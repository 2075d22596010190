"""Sequences for the tests of masking: random blocks, and how to cut a batch of them apart."""

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from spanbert.pretraining.sequences import Sequences

START, END, MASK, VOCABULARY = 2, 3, 4, 100


def framed(blocks, samples=None):
    """Sequences of blocks, each a list of words, each a number of pieces."""
    lengths = np.asarray([sum(words) for words in blocks], dtype=np.int64)
    starts_word = np.zeros(int(lengths.sum()), dtype=bool)
    begins = np.cumsum([0, *(size for words in blocks for size in words)])[:-1]
    starts_word[begins] = True
    numbers = np.arange(len(blocks)) if samples is None else np.asarray(samples)
    ids = 5 + np.random.default_rng(0).integers(0, VOCABULARY - 5, len(starts_word))
    return Sequences.framed(
        ids.astype(np.int32), starts_word, lengths, numbers.astype(np.int64), start_id=START, end_id=END
    )


def with_given(sequences, spans):
    """The sequences with given spans (N, 2)."""
    return replace(sequences, given=np.asarray(spans, dtype=np.int64).reshape(-1, 2))


def prose(blocks, words, seed=0):
    """Blocks of `words` words, of which a seventh have several pieces."""
    rng = np.random.default_rng(seed)
    sizes = rng.choice([1, 2, 3, 4], p=[0.86, 0.08, 0.04, 0.02], size=(blocks, words))
    return [list(map(int, row)) for row in sizes]


some_blocks = st.lists(st.lists(st.integers(1, 4), max_size=40), min_size=1, max_size=5)
