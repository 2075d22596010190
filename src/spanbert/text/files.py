"""Reading and writing files: plain or .gz, with the line in every error, and writes that are whole or absent."""

from __future__ import annotations

import gzip
import io
import json
import os
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from spanbert.errors import DataError


def read_bytes(path: Path) -> bytes:
    """The whole file, unpacked when its name ends in `.gz`.

    Raises:
        DataError: the file is missing, a folder, unreadable or a broken archive.
    """
    try:
        raw = path.read_bytes()
        return gzip.decompress(raw) if path.suffix == ".gz" else raw
    except FileNotFoundError:
        raise DataError("no such file", path) from None
    except IsADirectoryError:
        raise DataError("this is a folder, a file is needed", path) from None
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"cannot be read ({error})", path) from None


def read_text(path: Path) -> str:
    """The whole file as UTF-8 text (a byte order mark is dropped).

    Raises:
        DataError: as `read_bytes`; or the bytes are not UTF-8, with the line of the first bad byte.
    """
    raw = read_bytes(path)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"not UTF-8 text (byte 0x{raw[error.start]:02x}); save the file as UTF-8", path, line
        ) from None


def read_json(path: Path) -> Any:
    """The file as one JSON value.

    Raises:
        DataError: as `read_text`; or the JSON is broken, with its line.
    """
    text = read_text(path)
    if not text.strip():
        raise DataError("the file is empty", path)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"broken JSON: {error.msg} (column {error.colno})", path, error.lineno) from None
    except RecursionError:
        raise DataError("JSON is nested too deeply", path) from None


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines with their numbers from 1, without line ends, as a stream.

    Raises:
        DataError: as `read_text`.
    """
    try:
        opened: IO[bytes] = gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")
    except FileNotFoundError:
        raise DataError("no such file", path) from None
    except IsADirectoryError:
        raise DataError("this is a folder, a file is needed", path) from None
    except OSError as error:
        raise DataError(f"cannot be read ({error})", path) from None
    with opened as stream:
        yield from decoded_lines(stream, path)


def decoded_lines(stream: IO[bytes], path: Path | str) -> Iterator[tuple[int, str]]:
    """Lines of an open byte stream as `read_lines` gives them; `path` names the stream in errors."""
    number = 0
    try:
        for number, raw in enumerate(stream, start=1):
            start = 3 if number == 1 and raw.startswith(b"\xef\xbb\xbf") else 0
            yield number, raw[start:].rstrip(b"\r\n").decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"not UTF-8 text (byte 0x{error.object[error.start]:02x}); save the file as UTF-8", path, number
        ) from None
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"cannot be read ({error})", path, number + 1) from None


def read_jsonl(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """One JSON object a line, with its line number; blank lines are passed over.

    Raises:
        DataError: as `read_lines`; or a line is no JSON object.
    """
    yield from json_objects(read_lines(path), path)


def json_objects(lines: Iterator[tuple[int, str]], path: Path | str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Parse numbered lines as JSON objects; `path` names their source in errors."""
    for number, line in lines:
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(f"broken JSON: {error.msg} (column {error.colno})", path, number) from None
        except RecursionError:
            raise DataError("JSON is nested too deeply", path, number) from None
        if not isinstance(value, dict):
            raise DataError(f"a JSON object is needed, found {type(value).__name__}", path, number)
        yield number, value


@contextmanager
def atomic_write(path: Path) -> Iterator[io.TextIOWrapper]:
    """Write UTF-8 text that appears under its name complete or not at all (temporary name, fsync, rename)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Any) -> None:
    """Write one JSON value atomically, indented, with a final line end."""
    with atomic_write(path) as stream:
        json.dump(value, stream, ensure_ascii=False, indent=2)
        stream.write("\n")
