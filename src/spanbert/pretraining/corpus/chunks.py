"""The text of all sources as chunks of work, from the beginning or from a shard on; where shards end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from spanbert.pretraining.corpus.reading import LONGEST_STRETCH, Stretch
from spanbert.pretraining.corpus.settings import CorpusSettings
from spanbert.pretraining.corpus.sources import Source
from spanbert.pretraining.corpus.workers import Chunk


def chunks_of(
    sources: Sequence[Source], settings: CorpusSettings, after: tuple[int, int] | None
) -> Iterator[Chunk]:
    """All text behind a place, in order.

    A shard ends where a document ends, once it has its number of characters; where none ends before it has
    twice as many, at the end of a line (a file that is one huge document is many shards).

    Args:
        sources: the files.
        settings: how to read them.
        after: source and row that the last finished shard ends with.

    Raises:
        DataError: as the readers of the sources.
    """
    stretches: list[Stretch] = []
    chunk_chars = shard_chars = last_source = last_row = 0
    for source, stretch in _stretches(sources, settings, after):
        starts_row = (source, stretch.row) != (last_source, last_row)
        full = shard_chars >= (settings.shard_chars if stretch.opens_document else 2 * settings.shard_chars)
        if stretches and starts_row and full:
            yield Chunk(stretches, last_source, ends_shard=True)
            stretches, chunk_chars, shard_chars = [], 0, 0
        elif chunk_chars >= LONGEST_STRETCH:
            yield Chunk(stretches, last_source, ends_shard=False)
            stretches, chunk_chars = [], 0
        stretches.append(stretch)
        chunk_chars += len(stretch.text) + 1  # an empty stretch takes memory too
        shard_chars += len(stretch.text) + 1
        last_source, last_row = source, stretch.row
    if stretches:
        yield Chunk(stretches, last_source, ends_shard=True)


def _stretches(
    sources: Sequence[Source], settings: CorpusSettings, after: tuple[int, int] | None
) -> Iterator[tuple[int, Stretch]]:
    first_source, done_row = after or (0, 0)
    for number, source in enumerate(sources[first_source:], start=first_source):
        for stretch in source.stretches(settings):
            if number > first_source or stretch.row > done_row:
                yield number, stretch
