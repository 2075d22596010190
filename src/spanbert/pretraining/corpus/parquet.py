"""Parquet tables as documents, one a row (extra `corpora`)."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from spanbert.errors import DataError, MissingExtraError
from spanbert.pretraining.corpus.reading import Stretch, document_stretches
from spanbert.pretraining.corpus.settings import WHICH_TEXT, CorpusSettings
from spanbert.pretraining.corpus.unpacking import PACKED, unpacked
from spanbert.text.files import UNREADABLE

ROWS_AT_ONCE = 64


def read_parquet(path: Path, settings: CorpusSettings) -> Iterator[Stretch]:
    """A Parquet file, read a few rows at a time.

    Raises:
        DataError: the file is damaged, lacks the text column, or a row's text or spans are not what they must
            be (with the row, from 1).
        MissingExtraError: the extra `corpora` is not installed.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtraError("reading Parquet", "corpora") from error

    row = 0
    with _seekable(path) as stream:
        try:
            table = parquet.ParquetFile(stream, pre_buffer=False, buffer_size=1 << 20)
            columns = _columns(table.schema_arrow.names, path, settings)
            file_bytes, rows = path.stat().st_size, table.metadata.num_rows
            for batch in table.iter_batches(batch_size=ROWS_AT_ONCE, columns=columns, use_threads=False):
                for found in _rows(batch):
                    row += 1
                    yield from document_stretches(
                        found[settings.text_field],
                        found.get(settings.spans_field),
                        path,
                        row,
                        file_bytes * row // rows,
                    )
        except UnicodeDecodeError as error:
            bad = error.object[error.start]
            raise DataError(f"the text is not UTF-8 (byte 0x{bad:02x})", path, row + 1) from None
        except (pyarrow.ArrowException, OSError) as error:
            reason = str(error).splitlines()[0]
            raise DataError(f"no readable Parquet ({reason})", path, row + 1 if row else None) from None


def _rows(batch: Any) -> Iterator[dict[str, Any]]:
    for index in range(batch.num_rows):  # one by one, so that a row that is not UTF-8 is known
        yield {name: batch.column(name)[index].as_py() for name in batch.schema.names}


def _columns(names: list[str], path: Path, settings: CorpusSettings) -> list[str]:
    if settings.text_field not in names:
        raise DataError(
            f"no column {settings.text_field!r} (there are: {', '.join(names) or 'none'}); {WHICH_TEXT}",
            path,
        )
    return [name for name in (settings.text_field, settings.spans_field) if name in names]


@contextmanager
def _seekable(path: Path) -> Iterator[IO[bytes]]:
    with unpacked(path) as (stream, raw):
        if path.suffix not in PACKED:
            yield raw
            return
        with tempfile.TemporaryFile() as whole:  # on disk: Parquet is read from its end
            try:
                shutil.copyfileobj(stream, whole, 1 << 20)
            except UNREADABLE as error:
                raise DataError(f"cannot be unpacked ({error})", path) from None
            whole.seek(0)
            yield whole
