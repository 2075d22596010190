"""Bulk embedding: files of texts in, one file of vectors out, as a stream in order."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import tee
from pathlib import Path

from spanbert.errors import DataError, SettingsError, SpanbertError
from spanbert.text.columns import TEXT_COLUMNS, by_lower_name, read_named_rows, say_guesses
from spanbert.text.fields import identity, shown, text_field
from spanbert.text.files import count_lines, make_folder
from spanbert.workflows.embedding.chunks import chunks
from spanbert.workflows.embedding.embed import Embedder, Vector
from spanbert.workflows.embedding.vector_files import WRITERS, Row

ROWS_AT_ONCE = 1024

Track = Callable[[Iterable[tuple[Row, Vector]], int | None], Iterable[tuple[Row, Vector]]]
"""Passes vectors on and shows how many of how many there are."""


def embed_file(
    embedder: Embedder,
    paths: Sequence[Path],
    target: Path,
    *,
    text_column: str | None = None,
    track: Track = lambda vectors, _total: vectors,
) -> int:
    """Embed every text of some files; memory stays bounded however long they are.

    Args:
        embedder: makes the vectors.
        paths: .txt (a text a line), CSV, TSV or JSONL, plain or .gz; blank lines are passed over.
        target: .npy (vectors alone), .parquet or .jsonl (id, text and vector); it appears when complete.
        text_column: name of the column or field with the text; guessed when left out.
        track: shows progress.

    Returns:
        How many texts there were.

    Raises:
        DataError: a file cannot be read or has no texts; the message names the line.
        SettingsError: the target's ending says no format, or it is one of the files to be read.
        MissingExtraError: Parquet is wanted without its package.
    """
    if target.suffix not in WRITERS:
        raise SettingsError(f"{target}: cannot tell the format; the name must end in {', '.join(WRITERS)}")
    if target.is_dir():
        raise SettingsError(f"{target}: is a folder; name a file for the vectors")
    if target.exists() and any(path.exists() and path.samefile(target) for path in paths):
        raise SettingsError(f"{target}: holds texts that are to be read; name another file for the vectors")
    make_folder(target.parent)
    rows, again = tee(texts_of(paths, text_column))  # what the engine has read ahead is kept, no more
    vectors = embedder.vectors(text for _, text in again)
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    count = 0
    try:
        with WRITERS[target.suffix](part, embedder.width) as writer:
            for chunk in chunks(track(zip(rows, vectors, strict=True), count_lines(paths)), ROWS_AT_ONCE):
                writer.write([row for row, _ in chunk], [vector for _, vector in chunk])
                count += len(chunk)
        if not count:
            raise DataError(f"no texts in {', '.join(map(str, paths))}")
        part.replace(target)
    except OSError as error:
        raise SpanbertError(f"{target}: cannot be written ({error})") from error
    finally:
        part.unlink(missing_ok=True)
    return count


def texts_of(paths: Iterable[Path], column: str | None = None) -> Iterator[Row]:
    """The id (else the line number) and the text of each row.

    Raises:
        DataError: as `read_rows`; or the column is missing or holds no string.
    """
    for path in paths:
        names, rows = read_named_rows(path)
        name = column or _text_column(names, path)
        if not column and len(names) > 1 and name in names:
            say_guesses({"--text-column": name}, {"--text-column": ""}, ("text",), path)
        for line, row in rows:
            if name not in row:
                raise DataError(
                    f"no column {name!r}; found {shown(list(row))}: say with --text-column which one holds "
                    "the texts",
                    path,
                    line,
                )
            yield identity(row, path, line), text_field(row, (name,), path, line)


def _text_column(names: Sequence[str], path: Path) -> str:
    """The first usual name that is there, whatever its case; the only column whatever its name."""
    found = by_lower_name(names, path, None)
    usual = next((found[name] for name in TEXT_COLUMNS if name in found), TEXT_COLUMNS[0])
    return names[0] if len(names) == 1 else usual
