"""Random numbers that are a function of (seed, epoch, sample, stream, counter), for many samples at once.

Nothing is drawn in sequence, so any sample can be rebuilt alone, in any batch, on any process.
"""

from __future__ import annotations

from enum import IntEnum
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
COUNTERS = 32
"""Bits of a counter; the stream's number stands above them."""


class Stream(IntEnum):
    """What a number decides. Streams of one sample are independent of one another."""

    STOP = 0
    LENGTH = 1
    START = 2
    ORDER = 3
    FATE = 4
    PIECE = 5
    SHARE = 6
    DOCUMENT = 7
    BLOCK = 8
    EXCHANGE = 9
    CUT = 10
    PLACE = 11


class SampleRandom:
    """Uniform numbers of several samples.

    Args:
        seed: of the run, 0 <= seed < 2**63.
        epoch: counted from 0.
        samples: integers (S,), the number of each sample in the corpus.
        choice: tells apart several choices for the same sample.
    """

    def __init__(self, seed: int, epoch: int, samples: NDArray[np.int64], choice: int = 0) -> None:
        start = _mixed(np.asarray([seed], dtype=np.uint64) + GOLDEN)
        start = _mixed(start + GOLDEN * np.asarray([epoch + 1], dtype=np.uint64))
        start = _mixed(start + GOLDEN * np.asarray([choice + 1], dtype=np.uint64))
        self.keys = _mixed(start + GOLDEN * (samples.astype(np.uint64) + np.uint64(1)))

    def uniform(
        self, stream: Stream, counters: NDArray[np.int64] | int, rows: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Numbers in [0, 1), one for each element of `rows`.

        Args:
            stream: what they decide.
            counters: which number of the stream, below 2**32: one for all, or one for each row.
            rows: integers, which of the samples.
        """
        place = np.atleast_1d(counters).astype(np.uint64) + np.uint64((stream << COUNTERS) + 1)
        bits = _mixed(self.keys[rows] + place * GOLDEN)
        return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


def number_of(pieces: NDArray[np.int32]) -> int:
    """A sample number, below 2**63, of a sequence that has none: the same for the same pieces."""
    return int.from_bytes(blake2b(pieces.tobytes(), digest_size=8).digest(), "little") >> 1


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's finaliser (Steele, Lea and Flood 2014): every bit of the input moves every bit."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
