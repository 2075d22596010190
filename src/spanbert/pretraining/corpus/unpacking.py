"""Files as byte streams of bounded memory, unpacked when their names end in .gz or .zst."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from spanbert.errors import DataError, MissingExtraError

PACKED = (".gz", ".zst")
READ_BYTES = 1 << 13
"""Packed bytes taken at a time: 8 KiB of zstd can unpack to a quarter of a gigabyte, so they are few."""


@contextmanager
def unpacked(path: Path) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """A file's content as a stream, and the file itself, whose position tells how much of it has been read.

    Reading raises OSError, EOFError or zlib.error where the archive is damaged or ends too early.

    Raises:
        DataError: the file is missing or cannot be opened.
        MissingExtraError: `.zst` needs the extra `corpora`.
    """
    try:
        raw = path.open("rb")
    except FileNotFoundError:
        raise DataError("no such file", path) from None
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})", path) from None
    with raw:
        if path.suffix == ".gz":
            yield cast(IO[bytes], gzip.GzipFile(fileobj=raw)), raw
        elif path.suffix == ".zst":
            yield io.BufferedReader(ZstdFrames(raw), 1 << 16), raw
        else:
            yield raw, raw


class ZstdFrames(io.RawIOBase):
    """What the zstd frames of a file hold, one after another. Unlike the library's own stream reader it
    notices a file that ends inside a frame.

    Args:
        packed: the open file.

    Raises:
        MissingExtraError: the extra `corpora` is not installed.
    """

    def __init__(self, packed: IO[bytes]) -> None:
        try:
            import zstandard
        except ImportError as error:
            raise MissingExtraError("reading .zst", "corpora") from error
        super().__init__()
        self.packed = packed
        self.library: Any = zstandard
        self.frame: Any = None
        self.held = memoryview(b"")

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Fill the buffer as far as one read goes; 0 at the end.

        Raises:
            OSError: the bytes are no zstd.
            EOFError: the file ends inside a frame.
        """
        while not self.held:
            packed = self.packed.read(READ_BYTES)
            if not packed and self.frame is not None:
                raise EOFError("the file ends inside a zstd frame")
            if not packed:
                return 0
            self.held = memoryview(self._unpack(packed))
        count = min(len(buffer), len(self.held))
        buffer[:count] = self.held[:count]
        self.held = self.held[count:]
        return count

    def _unpack(self, packed: bytes) -> bytes:
        found = []
        while packed:
            if self.frame is None:
                self.frame = self.library.ZstdDecompressor(max_window_size=1 << 31).decompressobj()
            try:
                found.append(self.frame.decompress(packed))
            except self.library.ZstdError as error:
                raise OSError(str(error)) from error
            packed = b""
            if self.frame.eof:
                packed, self.frame = self.frame.unused_data, None
        return b"".join(found)
