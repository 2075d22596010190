"""Files in and out: plain or .gz, the line in every error, and writes that are whole or absent."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import secrets
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, cast

from spanbert.errors import DataError, SpanbertError
from spanbert.text.fields import shown

UNREADABLE = (OSError, EOFError, zlib.error)
BYTES_AT_ONCE = 1 << 20
JSON_ESCAPE = re.compile(
    r"\\(?:ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}|(?P<half>ud[89a-f][0-9a-f]{2})|.)", re.IGNORECASE
)


def read_bytes(path: Path) -> bytes:
    """The whole file, unpacked when its name ends in `.gz`.

    Raises:
        DataError: the file is missing, a folder, unreadable or a broken archive.
    """
    try:
        raw = path.read_bytes()
        return gzip.decompress(raw) if path.suffix == ".gz" else raw
    except UNREADABLE as error:
        raise _unreadable(error, path) from None


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
    return _json_value(text, path, 1)


def read_lines(path: Path, *, ends: bool = False) -> Iterator[tuple[int, str]]:
    """Lines with their numbers from 1 as a stream.

    Args:
        path: the file, plain or `.gz`.
        ends: keep the line ends.

    Raises:
        DataError: as `read_text`.
    """
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
            yield from decoded_lines(stream, path, ends=ends)
    except OSError as error:
        raise _unreadable(error, path) from None


def count_lines(paths: Iterable[Path]) -> int | None:
    """Line ends in files, which is about how many texts they hold; None where one cannot be read twice."""
    count = 0
    try:
        for path in paths:
            if not path.is_file():  # a pipe would be empty afterwards
                return None
            with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
                while block := stream.read(BYTES_AT_ONCE):
                    count += block.count(b"\n")
    except UNREADABLE:
        return None
    return count


def decoded_lines(
    stream: Iterable[bytes], path: Path | str, *, ends: bool = False
) -> Iterator[tuple[int, str]]:
    """Lines of an open byte stream as `read_lines` gives them; `path` names the stream in errors."""
    number = 0
    try:
        for number, raw in enumerate(stream, start=1):
            start = 3 if number == 1 and raw.startswith(b"\xef\xbb\xbf") else 0
            line = raw[start:]
            yield number, (line if ends else line.rstrip(b"\r\n")).decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"not UTF-8 text (byte 0x{error.object[error.start]:02x}); save the file as UTF-8", path, number
        ) from None
    except UNREADABLE as error:
        raise _unreadable(error, path, number + 1) from None


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
        value = _json_value(line.rstrip("\r\n"), path, number)  # else a cut line ends in the next one
        if not isinstance(value, dict):
            raise DataError(f"a JSON object is needed, found {type(value).__name__}", path, number)
        yield number, value


def _unreadable(error: Exception, path: Path | str, line: int | None = None) -> DataError:
    if isinstance(error, FileNotFoundError):
        return DataError("no such file", path)
    if isinstance(error, IsADirectoryError):
        return DataError("this is a folder, a file is needed", path)
    return DataError(f"cannot be read ({error})", path, line)


def _json_value(text: str, path: Path | str, first_line: int) -> Any:
    """Parse `text`, which begins at line `first_line` of `path`."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        line = first_line + error.lineno - 1
        if not text[: error.pos].strip():
            beginning = text[error.pos :].partition("\n")[0]
            raise DataError(f"JSON is needed, found {shown(beginning)}", path, line) from None
        raise DataError(f"broken JSON: {error.msg} (column {error.colno})", path, line) from None
    except RecursionError:
        raise DataError("JSON is nested too deeply", path, first_line) from None
    except ValueError as error:  # a number of thousands of digits
        raise DataError(f"JSON that cannot be read ({error})", path, first_line) from None
    for found in JSON_ESCAPE.finditer(text) if "\\ud" in text or "\\uD" in text else ():
        if found["half"]:
            line = first_line + text.count("\n", 0, found.start())
            raise DataError(f"{found[0]} is half a surrogate pair and no character; remove it", path, line)
    return value


@contextmanager
def atomic_write(path: Path) -> Iterator[io.TextIOWrapper]:
    """Write UTF-8 text that appears under its name complete or not at all (temporary name, fsync, rename).

    Raises:
        SpanbertError: the disk is full or the place not writable; what stood there before is intact.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("x", encoding="utf-8", newline="\n") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        raise SpanbertError(f"{path}: cannot be written ({error}); nothing there was changed") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def gradual_write(path: Path) -> Iterator[io.TextIOWrapper]:
    """Write UTF-8 text piece by piece, packed when the name ends in `.gz`.

    It stands under the name `PATH.part` until it is complete, so that whatever stops the work leaves what was
    done, and an unfinished file never looks finished.

    Raises:
        SpanbertError: the disk is full or the place not writable.
    """
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            packed = gzip.GzipFile(fileobj=file, mode="wb", mtime=0) if path.suffix == ".gz" else file
            with io.TextIOWrapper(cast("IO[bytes]", packed), encoding="utf-8", newline="\n") as stream:
                yield stream
                stream.flush()
                if packed is not file:
                    packed.close()
                os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise SpanbertError(f"{path}: cannot be written ({error}); what was done is in {part}") from error


def make_folder(path: Path) -> None:
    """Make a folder, and those above it, where it is not there yet.

    Raises:
        SpanbertError: something else has its name, or the place is not writable.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SpanbertError(f"{path}: cannot be made a folder ({error.strerror})") from error


def write_json(path: Path, value: Any) -> None:
    """Write one JSON value atomically, indented, with a final line end.

    Raises:
        SpanbertError: as `atomic_write`.
    """
    with atomic_write(path) as stream:
        json.dump(value, stream, ensure_ascii=False, indent=2)
        stream.write("\n")
