"""What lies in the folder of a preparation that has not come to its end, and what of it can be kept."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from spanbert.errors import DataError
from spanbert.pretraining.corpus.manifest import (
    MANIFEST,
    UNFINISHED,
    Origin,
    ShardRecord,
    SourceRecord,
    parsed,
    read_manifest,
)
from spanbert.text.files import make_folder, write_json

LOCK = ".lock"


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Wait until no other process prepares into the folder (made where there is none); keep others waiting.

    Raises:
        SpanbertError: the folder cannot be made.
    """
    make_folder(folder)
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        logging.getLogger(__name__).warning("%s: waiting for another run that prepares it", folder)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def origin_before(folder: Path) -> Origin | None:
    """What the folder is a corpus of, finished or not; None where it is none.

    Raises:
        DataError: its manifest is damaged.
    """
    if (folder / MANIFEST).exists():
        return read_manifest(folder).origin
    return parsed(Origin, folder / UNFINISHED) if (folder / UNFINISHED).exists() else None


def begin(folder: Path, before: Origin | None, now: Origin) -> list[ShardRecord]:
    """Note what the folder is going to be, and take over the finished shards of an earlier attempt.

    A source that has been mended since costs the shards that hold it and those behind.

    Args:
        folder: of the preparation.
        before: of the earlier attempt, of the same tokenizer and settings; None where there was none.
        now: the same for this one.

    Raises:
        DataError: the earlier attempt was made of other files.
        SpanbertError: the folder is not writable.
    """
    records = [] if before is None else _finished(folder, _unchanged(folder, before.sources, now.sources))
    write_json(folder / UNFINISHED, now.model_dump(mode="json"))
    return records


def note_finished(folder: Path, record: ShardRecord) -> None:
    """Write a shard's record beside it: from now on it is kept.

    Raises:
        SpanbertError: the disk is full.
    """
    write_json(_record_file(folder / record.name), record.model_dump(mode="json"))


def clear(folder: Path) -> None:
    """Remove what only an unfinished preparation needs."""
    for leftover in (
        *folder.glob(".*.part"),
        *folder.glob("shard-*.json"),
        folder / UNFINISHED,
        folder / LOCK,
    ):
        leftover.unlink(missing_ok=True)


def shard_file(folder: Path, number: int) -> Path:
    """The place of a shard."""
    return folder / f"shard-{number:06d}.bin"


def _record_file(shard: Path) -> Path:
    return shard.with_suffix(".json")


def _unchanged(folder: Path, before: list[SourceRecord], now: list[SourceRecord]) -> int:
    """How many sources, from the first on, are what they were."""
    if [source.name for source in before] != [source.name for source in now]:
        raise DataError(
            "holds an unfinished corpus of other sources; choose another folder or delete it", folder
        )
    changed = (number for number, source in enumerate(now) if source.sha256 != before[number].sha256)
    return next(changed, len(now))


def _finished(folder: Path, unchanged_sources: int) -> list[ShardRecord]:
    records: list[ShardRecord] = []
    while _record_file(path := shard_file(folder, len(records))).exists() and path.exists():
        record = parsed(ShardRecord, _record_file(path))
        with path.open("rb") as stream:
            intact = hashlib.file_digest(stream, "sha256").hexdigest() == record.sha256
        if not intact or record.last_source >= unchanged_sources:
            break
        records.append(record)
    for path in folder.glob("shard-*"):  # what comes behind is made anew
        if path.with_suffix(".bin").name not in {record.name for record in records}:
            path.unlink()
    return records
