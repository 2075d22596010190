"""A prepared corpus, open: blocks of pieces by their numbers, from memory-mapped shards."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spanbert.errors import DataError
from spanbert.pretraining.corpus.manifest import LENGTHS, PIECE_COUNTS, read_manifest
from spanbert.pretraining.corpus.shard_file import Shard

OPEN_SHARDS = 256
"""Shards that are mapped at the same time; each takes one of the process's open files."""


@dataclass(frozen=True)
class GivenSpans:
    """Spans that were chosen beforehand (entities, noun phrases), ordered by row and start.

    Args:
        rows: integers (G,), which of the gathered blocks.
        starts: integers (G,), first piece in the block.
        ends: integers (G,), piece behind the last.
    """

    rows: NDArray[np.int32]
    starts: NDArray[np.int32]
    ends: NDArray[np.int32]


@dataclass(frozen=True)
class Blocks:
    """Several blocks laid one after another, without special pieces.

    Args:
        piece_ids: integers (P,).
        starts_word: booleans (P,), first piece of a word; the first piece of a block always counts as one.
        lengths: integers (S,), pieces of each block.
        given: spans that were chosen beforehand, possibly none.
    """

    piece_ids: NDArray[np.int32]
    starts_word: NDArray[np.bool_]
    lengths: NDArray[np.int32]
    given: GivenSpans


class Corpus:
    """A folder that `prepare` has made.

    Args:
        folder: the folder.

    Raises:
        DataError: it is no finished corpus, or a file of it is missing or has another size than it had.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.manifest = read_manifest(self.folder)
        self._check_sizes()
        self.blocks = self.manifest.counts.blocks
        self.pieces = self.manifest.counts.pieces
        self.fingerprint = self.manifest.fingerprint
        self.tokenizer_sha256 = self.manifest.origin.tokenizer_sha256
        self.lengths: NDArray[np.int32] = np.memmap(self.folder / LENGTHS, dtype="<i4", mode="r")
        self.piece_counts: NDArray[np.int64] = np.fromfile(self.folder / PIECE_COUNTS, dtype="<i8")
        counts = [shard.counts.blocks for shard in self.manifest.shards]
        self._first_blocks = np.cumsum([0, *counts])
        self._shard = lru_cache(OPEN_SHARDS)(self._mapped)

    @cached_property
    def documents(self) -> NDArray[np.int64]:
        """The document of each block, counted from 0 without empty ones: integers (B,)."""
        starts = [
            np.unpackbits(self._shard(number).document_starts, count=record.counts.blocks, bitorder="little")
            for number, record in enumerate(self.manifest.shards)
        ]
        return np.cumsum(np.concatenate(starts), dtype=np.int64) - 1

    def gather(self, indices: NDArray[np.int64]) -> Blocks:
        """Blocks by their numbers, in the order asked for; a number may occur twice.

        Raises:
            IndexError: a number is negative, or not below `blocks`.
        """
        indices = np.asarray(indices, dtype=np.int64)
        if len(indices) and not 0 <= indices.min() <= indices.max() < self.blocks:
            raise IndexError(f"block numbers must be from 0 to {self.blocks - 1}")
        lengths = np.asarray(self.lengths[indices])
        row_starts = np.cumsum(lengths, dtype=np.int64) - lengths
        piece_ids = np.empty(int(lengths.sum()), dtype=np.int32)
        starts_word = np.empty(len(piece_ids), dtype=np.bool_)
        given = [np.zeros((0, 3), dtype=np.int64)]
        shards = np.searchsorted(self._first_blocks, indices, side="right") - 1
        for number in np.unique(shards):
            shard = self._shard(int(number))
            rows = np.flatnonzero(shards == number)
            local = indices[rows] - self._first_blocks[number]
            source = runs(shard.block_ends[local] - lengths[rows], lengths[rows])
            target = runs(row_starts[rows], lengths[rows])
            piece_ids[target] = shard.piece_ids[source]
            starts_word[target] = shard.word_starts[source >> 3] >> (source & 7) & 1
            given.append(_given(shard, local, rows))
        starts_word[row_starts] = True
        found = np.concatenate(given)
        found = found[np.lexsort(found.T[::-1])].astype(np.int32)
        return Blocks(piece_ids, starts_word, lengths, GivenSpans(*np.ascontiguousarray(found.T)))

    def check(self) -> None:
        """Read every byte and compare it with the hashes in the manifest.

        Raises:
            DataError: a file has changed since it was written.
        """
        for name, digest in self._hashes():
            with (self.folder / name).open("rb") as stream:
                if hashlib.file_digest(stream, "sha256").hexdigest() != digest:
                    raise DataError(
                        "changed since it was written (SHA-256 differs); delete the folder and prepare again",
                        self.folder / name,
                    )

    def _mapped(self, number: int) -> Shard:
        record = self.manifest.shards[number]
        return Shard(self.folder / record.name, record.size(self.manifest.origin.vocabulary_size))

    def _hashes(self) -> list[tuple[str, str]]:
        return [
            (LENGTHS, self.manifest.lengths_sha256),
            (PIECE_COUNTS, self.manifest.piece_counts_sha256),
            *((shard.name, shard.sha256) for shard in self.manifest.shards),
        ]

    def _check_sizes(self) -> None:
        vocabulary = self.manifest.origin.vocabulary_size
        sizes = {shard.name: shard.size(vocabulary).offsets[-1] for shard in self.manifest.shards}
        sizes |= {LENGTHS: 4 * self.manifest.counts.blocks, PIECE_COUNTS: 8 * vocabulary}
        for name, size in sizes.items():
            path = self.folder / name
            found = path.stat().st_size if path.is_file() else None
            if found != size:
                state = "missing" if found is None else f"{found} bytes long instead of {size}"
                raise DataError(f"{state}; delete the folder and prepare again", path)


def runs(starts: NDArray[np.int64], lengths: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """The integers start, start + 1 ... of each run, one run after another."""
    before = np.cumsum(lengths, dtype=np.int64) - lengths
    return np.repeat(starts - before, lengths) + np.arange(int(lengths.sum()))


def _given(shard: Shard, blocks: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Row, start and end of the given spans of some blocks of a shard: integers (G, 3)."""
    first = np.searchsorted(shard.given[:, 0], blocks, side="left")
    counts = np.searchsorted(shard.given[:, 0], blocks, side="right") - first
    found = shard.given[runs(first, counts.astype(np.int32))]
    return np.column_stack([np.repeat(rows, counts), found[:, 1:]])
