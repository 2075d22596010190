"""What a prepared corpus says of itself: hashes, counts, tokenizer, settings and sources."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from spanbert.errors import DataError
from spanbert.pretraining.corpus.shard_file import ShardSize
from spanbert.text.files import read_json
from spanbert.text.tokenizer import Tokenizer

FORMAT = 2
MANIFEST = "manifest.json"
UNFINISHED = "unfinished.json"
LENGTHS = "lengths.bin"
PIECE_COUNTS = "piece_counts.bin"


class Record(BaseModel):
    """A part of the manifest."""

    model_config = ConfigDict(frozen=True, extra="forbid")


R = TypeVar("R", bound=Record)


class SourceRecord(Record):
    """A file that was read."""

    name: str
    bytes: int
    sha256: str


class Counts(Record):
    """What became of the text. Nothing is dropped: `pieces` are all that the tokenizer made."""

    pieces: int = 0
    blocks: int = 0
    documents: int = 0
    empty_documents: int = 0
    """Documents that have no piece."""
    lines: int = 0
    """Lines that have text."""
    split_lines: int = 0
    """Lines longer than a block."""
    split_words: int = 0
    """How often a block had to end inside a word."""
    given: int = 0
    """Given spans that can be masked."""
    lost_given: int = 0
    """Given spans without a piece, or across the ends of lines or blocks."""

    def __add__(self, other: Counts) -> Counts:
        return Counts(**{name: value + getattr(other, name) for name, value in self})


class ShardRecord(Record):
    """A finished shard."""

    name: str
    sha256: str
    counts: Counts
    last_source: int
    """Number of the source, from 0, whose text ends the shard."""
    last_row: int
    """Line or row of that source, from 1, that ends the shard."""

    def size(self, vocabulary: int) -> ShardSize:
        """What decides the layout of the file."""
        return ShardSize(self.counts.pieces, self.counts.blocks, self.counts.given, vocabulary)


class Origin(Record):
    """All that decides the content of a prepared corpus."""

    format: int
    tokenizer_sha256: str
    vocabulary_size: int
    settings: dict[str, Any]
    sources: list[SourceRecord]


class Manifest(Record):
    """The description of a finished corpus."""

    origin: Origin
    passed_over: list[str]
    """Files of the folders that were no corpus files."""
    counts: Counts
    lengths_sha256: str
    piece_counts_sha256: str
    shards: list[ShardRecord]

    @property
    def fingerprint(self) -> str:
        """Hash of everything that the manifest says, save where the sources were."""
        told = self.model_dump(
            mode="json", exclude={"passed_over": True, "origin": {"sources": {"__all__": {"name"}}}}
        )
        return sha256_of(told)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a prepared corpus.

    Raises:
        DataError: there is none, it is unfinished, or it is not of this format.
    """
    path = folder / MANIFEST
    if not path.exists():
        raise DataError(
            "the preparation is unfinished; run it again with the same sources to go on"
            if (folder / UNFINISHED).exists()
            else f"no prepared corpus (there is no {MANIFEST})",
            folder,
        )
    found = parsed(Manifest, path)
    if found.origin.format != FORMAT:
        raise DataError(
            f"of format {found.origin.format}, this version reads {FORMAT}; prepare it again", path
        )
    return found


def parsed(kind: type[R], path: Path) -> R:
    """A file as a part of a manifest.

    Raises:
        DataError: it is damaged or of another format.
    """
    try:
        return kind.model_validate(read_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise DataError(
            f"damaged, or of another version ({place}: {first['msg']}); delete the folder and prepare again",
            path,
        ) from None


def tokenizer_sha256(tokenizer: Tokenizer) -> str:
    """Hash of what decides how a tokenizer cuts text: vocabulary, normalisation, words."""
    told = json.loads(tokenizer.backend.to_str())
    return sha256_of(
        {part: told.get(part) for part in ("added_tokens", "normalizer", "pre_tokenizer", "model")}
    )


def sha256_of(value: Any) -> str:
    """Hash of a JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
