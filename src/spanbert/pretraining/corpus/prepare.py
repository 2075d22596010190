"""Files in, a prepared corpus out: resumable, in several processes, in bounded memory."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spanbert.errors import DataError, SettingsError
from spanbert.pretraining.corpus.building import ShardBuilder
from spanbert.pretraining.corpus.chunks import chunks_of
from spanbert.pretraining.corpus.manifest import (
    FORMAT,
    LENGTHS,
    MANIFEST,
    PIECE_COUNTS,
    Counts,
    Manifest,
    Origin,
    ShardRecord,
    SourceRecord,
    tokenizer_sha256,
)
from spanbert.pretraining.corpus.settings import CorpusSettings
from spanbert.pretraining.corpus.shard_file import Shard, write_array
from spanbert.pretraining.corpus.shards import Corpus
from spanbert.pretraining.corpus.sources import Source, find_sources, kind
from spanbert.pretraining.corpus.unfinished import (
    alone_in,
    begin,
    clear,
    note_finished,
    origin_before,
    shard_file,
)
from spanbert.pretraining.corpus.workers import check_main_guard, cut_in_order
from spanbert.text.files import write_json
from spanbert.text.tokenizer import Tokenizer

WORTH_PROCESSES = 1 << 25
"""Bytes of sources from which on several processes are started unasked."""
SHOWN = 5
"""Files named in a warning."""


@dataclass(frozen=True, slots=True)
class PreparationProgress:
    """How far a preparation is.

    Args:
        stage: `hashing` the sources, or `tokenizing` them.
        done_bytes: of the sources, as they lie on disk.
        total_bytes: of the sources.
        pieces: written so far.
        shards: finished so far.
    """

    stage: str
    done_bytes: int
    total_bytes: int
    pieces: int = 0
    shards: int = 0


Listener = Callable[[PreparationProgress], None]


def prepare(
    sources: Sequence[str | Path],
    tokenizer: Tokenizer,
    output: Path,
    settings: CorpusSettings,
    *,
    leave_out: Sequence[Path] = (),
    progress: Listener | None = None,
    offline: bool = False,
) -> Corpus:
    """Read, tokenize and pack a corpus into blocks; a finished one of the same origin is checked and opened.

    Every piece that the tokenizer makes of the sources is in exactly one block, in the order of the text.
    After a kill or an error the same call goes on behind the last finished shard. The files are byte for byte
    the same however often that happens and whatever the number of processes.

    Args:
        sources: files (text, JSONL, Parquet; plain, .gz or .zst), folders, ids of hub data sets.
        tokenizer: cuts the text.
        output: folder to be; where another process prepares into it, that one's end is waited for.
        settings: how to read and pack.
        leave_out: folders inside the sources that are not looked into, besides `output`.
        progress: is told how far it is.
        offline: take hub ids from the cache only.

    Raises:
        DataError: a source is damaged or holds no text (with file and line), or the folder is a corpus of
            other sources, or has changed since it was written.
        SettingsError: the folder is a corpus of another tokenizer or of other settings.
        MissingExtraError: a source or setting takes an optional package.
        SpanbertError: the disk is full, a process died, or the calling script lacks its main guard.
    """
    check_main_guard()
    output = Path(output)
    tell = progress or (lambda _: None)
    found, passed_over = find_sources(sources, settings, leave_out=(output, *leave_out), offline=offline)
    _tell_of_passed_over(passed_over)
    origin = Origin(
        format=FORMAT,
        tokenizer_sha256=tokenizer_sha256(tokenizer),
        vocabulary_size=tokenizer.vocabulary_size,
        settings=settings.of_content(),
        sources=[],
    )
    _before_of_same_kind(origin, output)
    origin = origin.model_copy(update={"sources": _hashed(found, tell)})
    with contextlib.nullcontext() if (output / MANIFEST).exists() else alone_in(output):
        before = _before_of_same_kind(origin, output)
        if (output / MANIFEST).exists():
            if before is None or _contents(before) != _contents(origin):
                told = "" if before is None else f" ({_difference(before, origin)})"
                raise DataError(
                    f"is a prepared corpus of other sources{told}; a run goes on with the sources that it "
                    "began with, for another one choose another folder or delete this one",
                    output,
                )
            corpus = Corpus(output)
            corpus.check()
        else:
            records = begin(output, before, origin)
            _write_shards(records, found, tokenizer, output, settings=settings, tell=tell)
            _write_manifest(records, origin, passed_over, output)
            corpus = Corpus(output)
        clear(output)
    if lost := corpus.manifest.counts.lost_given:
        logging.getLogger(__name__).warning(
            "%s: %d of %d given spans cannot be masked (no piece in them, or the end of a line or block)",
            output,
            lost,
            lost + corpus.manifest.counts.given,
        )
    return corpus


def _tell_of_passed_over(names: list[str]) -> None:
    if names:
        logging.getLogger(__name__).warning(
            "passed over, no files of a corpus: %s%s",
            ", ".join(names[:SHOWN]),
            f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "",
        )


def _write_shards(
    records: list[ShardRecord],
    sources: Sequence[Source],
    tokenizer: Tokenizer,
    output: Path,
    *,
    settings: CorpusSettings,
    tell: Listener,
) -> None:
    """Write the shards behind those that there are records of, and their records."""
    before = [0, *accumulate(source.bytes for source in sources)]
    after = (records[-1].last_source, records[-1].last_row) if records else None
    done_pieces = sum(record.counts.pieces for record in records)
    cut_chunks = cut_in_order(
        chunks_of(sources, settings, after),
        tokenizer.backend.to_str(),
        segment_chinese=settings.segment_chinese,
        workers=settings.workers or _worthwhile_workers(before[-1]),
    )
    builder: ShardBuilder | None = None
    try:
        for chunk, cut in cut_chunks:
            if builder is None:
                path = shard_file(output, len(records))
                builder = ShardBuilder(path, settings.block_pieces, tokenizer.vocabulary_size)
            builder.add(chunk.stretches, cut)
            last = chunk.stretches[-1]
            pieces = done_pieces + builder.pieces
            if chunk.ends_shard:
                records.append(builder.finish(chunk.source, last.row))
                note_finished(output, records[-1])
                builder, done_pieces = None, pieces
            tell(
                PreparationProgress(
                    "tokenizing", before[chunk.source] + last.bytes_read, before[-1], pieces, len(records)
                )
            )
    finally:
        cut_chunks.close()
        if builder is not None:
            builder.abandon()


def _write_manifest(records: list[ShardRecord], origin: Origin, passed_over: list[str], output: Path) -> None:
    counts = sum((record.counts for record in records), Counts())
    if not counts.pieces:
        clear(output)
        for record in records:
            (output / record.name).unlink()
        raise DataError(
            f"no text in {', '.join(source.name for source in origin.sources[:3])}"
            f"{' and others' if len(origin.sources) > 3 else ''}: there is nothing to train on"
        )
    piece_counts = np.zeros(origin.vocabulary_size, dtype=np.int64)

    def block_lengths() -> Iterator[NDArray[np.int64]]:
        for record in records:  # one shard open at a time: a process may not open all of many
            shard = Shard(output / record.name, record.size(origin.vocabulary_size))
            piece_counts[:] += shard.piece_counts
            yield np.diff(shard.block_ends, prepend=0)

    lengths_sha256 = write_array(output / LENGTHS, block_lengths(), "<i4")
    manifest = Manifest(
        origin=origin,
        passed_over=passed_over,
        counts=counts,
        lengths_sha256=lengths_sha256,
        piece_counts_sha256=write_array(output / PIECE_COUNTS, [piece_counts], "<i8"),
        shards=records,
    )
    write_json(output / MANIFEST, manifest.model_dump(mode="json"))


def _before_of_same_kind(now: Origin, output: Path) -> Origin | None:
    """What the folder is a corpus of, if it is one of this tokenizer and these settings."""
    before = origin_before(output)
    if before is None:
        return None
    remedy = "choose another folder or delete it"
    if before.tokenizer_sha256 != now.tokenizer_sha256:
        raise SettingsError(f"{output}: was prepared with another tokenizer; {remedy}")
    if changed := [name for name in now.settings if before.settings.get(name) != now.settings[name]]:
        told = ", ".join(
            f"{name} {before.settings.get(name)!r}, now {now.settings[name]!r}" for name in changed
        )
        raise SettingsError(f"{output}: was prepared with other settings ({told}); {remedy}")
    return before


def _hashed(sources: Sequence[Source], tell: Listener) -> list[SourceRecord]:
    found: list[SourceRecord] = []
    done, total = 0, sum(source.bytes for source in sources)
    for source in sources:
        tell(PreparationProgress("hashing", done, total))
        found.append(SourceRecord(name=source.name, bytes=source.bytes, sha256=source.sha256()))
        done += source.bytes
    return found


def _contents(origin: Origin) -> list[tuple[str, str]]:
    return [(kind(Path(source.name)), source.sha256) for source in origin.sources]


def _difference(before: Origin, now: Origin) -> str:
    """The first source that is another, in words."""
    then = {source.name: source.sha256 for source in before.sources}
    found = {source.name: source.sha256 for source in now.sources}
    for name, sha256 in found.items():
        if then.get(name, sha256) != sha256:
            return f"{name} has changed"
    if new := [name for name in found if name not in then]:
        return f"{new[0]} was not among them"
    if gone := [name for name in then if name not in found]:
        return f"{gone[0]} was among them"
    return "in another order"


def _worthwhile_workers(total_bytes: int) -> int:
    if total_bytes < WORTH_PROCESSES:
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
