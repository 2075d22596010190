"""One shard at work: chunks of pieces in, a written file and its record out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spanbert.pretraining.corpus.blocks import Packer
from spanbert.pretraining.corpus.manifest import Counts, ShardRecord
from spanbert.pretraining.corpus.reading import Stretch
from spanbert.pretraining.corpus.shard_file import ShardWriter
from spanbert.pretraining.corpus.tokenizing import Cut


@dataclass(slots=True)
class Tally:
    """Documents and lines counted as they pass."""

    documents: int = 0
    empty_documents: int = 0
    lines: int = 0
    named_spans: int = 0
    document_pieces: int | None = None
    """Of the open document; None where the shard began within it."""

    def add(self, stretch: Stretch, pieces: int) -> None:
        """Count a stretch."""
        if stretch.opens_document:
            self.end_document()
            self.documents += 1
            self.document_pieces = 0
        if self.document_pieces is not None:
            self.document_pieces += pieces
        self.lines += bool(stretch.text) and not stretch.continues
        self.named_spans += stretch.named_spans

    def end_document(self) -> None:
        """Nothing more comes of the open document."""
        self.empty_documents += self.document_pieces == 0
        self.document_pieces = None


class ShardBuilder:
    """Packs and writes one shard.

    Args:
        path: the file to be.
        block_pieces: most pieces in a block.
        vocabulary: number of pieces of the tokenizer.

    Raises:
        SpanbertError: from every method: the disk is full or the place not writable.
    """

    def __init__(self, path: Path, block_pieces: int, vocabulary: int) -> None:
        self.packer = Packer(block_pieces)
        self.writer = ShardWriter(path, vocabulary)
        self.tally = Tally()
        self.given = [np.zeros((0, 2), dtype=np.int64)]
        self.document_starts: list[int] = []
        """The block with which each document begins; of an empty one, that of the next document."""

    @property
    def pieces(self) -> int:
        """Pieces so far."""
        return self.writer.pieces

    def add(self, stretches: list[Stretch], cut: Cut) -> None:
        """The next stretches and what they were cut into."""
        self.given.append(cut.given + self.pieces)
        self.writer.add(cut.piece_ids, cut.starts_word)
        start = 0
        for stretch, length in zip(stretches, cut.lengths.tolist(), strict=True):
            starts_word = cut.starts_word[start : start + length]
            start += length
            if stretch.opens_document:
                self.packer.close()
                self.document_starts.append(len(self.packer.ends))
            if stretch.is_part:
                self.packer.add_part(starts_word, continues=stretch.continues)
            else:
                self.packer.add_line(starts_word)
            self.tally.add(stretch, length)

    def finish(self, last_source: int, last_row: int) -> ShardRecord:
        """End the last block and write the shard under its name.

        Args:
            last_source: number of the source that the shard ends with.
            last_row: line or row of that source.
        """
        self.packer.close()
        self.tally.end_document()
        block_ends = np.asarray(self.packer.ends, dtype=np.int64)
        given = _within_blocks(np.concatenate(self.given), block_ends)
        document_starts = np.isin(np.arange(len(block_ends)), self.document_starts)
        size, sha256 = self.writer.finish(block_ends, given, document_starts)
        counts = Counts(
            pieces=size.pieces,
            blocks=size.blocks,
            documents=self.tally.documents,
            empty_documents=self.tally.empty_documents,
            lines=self.tally.lines,
            split_lines=self.packer.split_lines,
            split_words=self.packer.split_words,
            given=size.given,
            lost_given=self.tally.named_spans - size.given,
        )
        return ShardRecord(
            name=self.writer.path.name,
            sha256=sha256,
            counts=counts,
            last_source=last_source,
            last_row=last_row,
        )

    def abandon(self) -> None:
        """Leave nothing of an unfinished shard."""
        self.writer.abandon()


def _within_blocks(given: NDArray[np.int64], block_ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """Spans of the shard's pieces -> (block, start, end) in the block; those across blocks are left out."""
    blocks = np.searchsorted(block_ends, given[:, 0], side="right")
    kept = given[:, 1] <= block_ends[blocks] if len(given) else np.zeros(0, dtype=np.bool_)
    blocks, given = blocks[kept], given[kept]
    before = np.concatenate([[0], block_ends])[blocks]
    found = np.column_stack([blocks, given - before[:, None]])
    return found[np.lexsort(found.T[::-1])].astype(np.int64)
