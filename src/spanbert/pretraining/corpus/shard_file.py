"""A shard on disk: raw little-endian arrays one behind another in one file, mapped to read.

piece_ids        uint16 or uint32 (P,)   padded with zeros to a multiple of 8 bytes
block_ends       int64 (B,)              pieces up to the end of each block
given            int64 (G, 3)            block, first piece and end in the block, in this order
piece_counts     int64 (V,)              how often each piece of the vocabulary occurs
word_starts      bits (P,)               whether a piece is the first of a word, lowest bit first
document_starts  bits (B,)               whether a block is the first of a document, lowest bit first
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spanbert.errors import SpanbertError


@dataclass(frozen=True, slots=True)
class ShardSize:
    """How much of everything a shard holds: what its layout follows from."""

    pieces: int
    blocks: int
    given: int
    vocabulary: int

    @property
    def piece_type(self) -> np.dtype[np.unsignedinteger]:
        """The narrowest type that holds every piece number."""
        return np.dtype("<u2" if self.vocabulary <= 1 << 16 else "<u4")

    @property
    def offsets(self) -> tuple[int, int, int, int, int, int, int]:
        """Bytes before each of the six arrays, and of the file."""
        ends = -(-self.pieces * self.piece_type.itemsize // 8) * 8
        given = ends + 8 * self.blocks
        counts = given + 24 * self.given
        bits = counts + 8 * self.vocabulary
        documents = bits + -(-self.pieces // 8)
        return 0, ends, given, counts, bits, documents, documents + -(-self.blocks // 8)


class Shard:
    """A shard, mapped into memory.

    Args:
        path: the file.
        size: what it holds.
    """

    def __init__(self, path: Path, size: ShardSize) -> None:
        mapped = np.memmap(path, dtype=np.uint8, mode="r")
        pieces, ends, given, counts, bits, documents, _ = size.offsets
        width = size.piece_type.itemsize
        self.piece_ids = mapped[pieces : pieces + size.pieces * width].view(size.piece_type)
        self.block_ends: NDArray[np.int64] = mapped[ends:given].view("<i8")
        self.given: NDArray[np.int64] = mapped[given:counts].view("<i8").reshape(-1, 3)
        self.piece_counts: NDArray[np.int64] = mapped[counts:bits].view("<i8")
        self.word_starts: NDArray[np.uint8] = mapped[bits:documents]
        self.document_starts: NDArray[np.uint8] = mapped[documents:]


class ShardWriter:
    """Writes one shard; it appears under its name when it is complete.

    Args:
        path: the file to be.
        vocabulary: number of pieces of the tokenizer.

    Raises:
        SpanbertError: from every method: the disk is full or the place not writable.
    """

    def __init__(self, path: Path, vocabulary: int) -> None:
        self.path = path
        self.partial = path.with_name(f".{path.name}.part")
        self.piece_counts = np.zeros(vocabulary, dtype=np.int64)
        self.piece_type = ShardSize(0, 0, 0, vocabulary).piece_type
        self.pieces = 0
        self.bits: list[NDArray[np.uint8]] = []
        self.odd_starts = np.zeros(0, dtype=np.bool_)
        self.hash = hashlib.sha256()
        try:
            self.stream = self.partial.open("wb")
        except OSError as error:
            raise not_written(path, error) from error

    def add(self, piece_ids: NDArray[np.int32], starts_word: NDArray[np.bool_]) -> None:
        """The next pieces: integers (P,), and booleans (P,) for the first of each word."""
        self.pieces += len(piece_ids)
        self.piece_counts += np.bincount(piece_ids, minlength=len(self.piece_counts))
        starts = np.concatenate([self.odd_starts, starts_word])
        whole = len(starts) // 8 * 8
        self.bits.append(np.packbits(starts[:whole], bitorder="little"))
        self.odd_starts = starts[whole:]
        self._write(piece_ids.astype(self.piece_type).tobytes())

    def finish(
        self, block_ends: NDArray[np.int64], given: NDArray[np.int64], document_starts: NDArray[np.bool_]
    ) -> tuple[ShardSize, str]:
        """Write the rest and give the file its name.

        Args:
            block_ends: integers (B,).
            given: integers (G, 3).
            document_starts: booleans (B,).

        Returns:
            What the shard holds, and its SHA-256.
        """
        self._write(bytes(-self.pieces * self.piece_type.itemsize % 8))
        for array in (block_ends, given, self.piece_counts):
            self._write(array.astype("<i8").tobytes())
        last = (np.packbits(starts, bitorder="little") for starts in (self.odd_starts, document_starts))
        for bits in (*self.bits, *last):
            self._write(bits.tobytes())
        try:
            self.stream.flush()
            os.fsync(self.stream.fileno())
            self.stream.close()
            self.partial.replace(self.path)
        except OSError as error:
            raise not_written(self.path, error) from error
        size = ShardSize(self.pieces, len(block_ends), len(given), len(self.piece_counts))
        return size, self.hash.hexdigest()

    def abandon(self) -> None:
        """Drop what was written; nothing happens after `finish`."""
        with suppress(OSError):  # a full disk has been reported by then
            self.stream.close()
        self.partial.unlink(missing_ok=True)

    def _write(self, data: bytes) -> None:
        self.hash.update(data)
        try:
            self.stream.write(data)
        except OSError as error:
            raise not_written(self.path, error) from error


def write_array(path: Path, arrays: Iterable[NDArray[np.int64]], kind: str) -> str:
    """Arrays one behind another as one raw file, which appears complete or not at all.

    Args:
        path: the file.
        arrays: one-dimensional.
        kind: type on disk.

    Returns:
        The file's SHA-256.

    Raises:
        SpanbertError: the disk is full or the place not writable.
    """
    partial, digest = path.with_name(f".{path.name}.part"), hashlib.sha256()
    try:
        with partial.open("wb") as stream:
            for array in arrays:
                data = array.astype(kind).tobytes()
                digest.update(data)
                stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    except OSError as error:
        raise not_written(path, error) from error
    return digest.hexdigest()


def not_written(path: Path, error: OSError) -> SpanbertError:
    """The error for a full disk or a place that is not writable."""
    return SpanbertError(
        f"{path}: cannot be written ({error.strerror}); make room and run the same command again: "
        "finished shards are kept"
    )
