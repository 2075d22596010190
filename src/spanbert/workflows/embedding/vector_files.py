"""Files of vectors, written a few rows at a time: .npy, .parquet and .jsonl."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from spanbert.errors import MissingExtraError

Row = tuple[str | int, str]
"""Id and text."""
Vectors = Sequence[NDArray[np.float32]]


class VectorWriter(Protocol):
    """Writes rows and their vectors in order; the file is complete when the context is left."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def write(self, rows: Sequence[Row], vectors: Vectors) -> None:
        """Add some rows with a vector (D,) each."""
        ...


class NpyWriter:
    """A NumPy array (n, D), float32, which `numpy.load(..., mmap_mode="r")` maps; ids and texts are left out.

    The header with the number of rows is written anew at the end: numpy leaves room for it to grow.
    """

    def __init__(self, path: Path, width: int) -> None:
        self.width = width
        self.count = 0
        self.stream = path.open("wb")
        self._write_header()
        self.header_bytes = self.stream.tell()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.seek(0)
        self._write_header()
        assert self.stream.tell() == self.header_bytes
        self.stream.flush()
        os.fsync(self.stream.fileno())
        self.stream.close()

    def write(self, rows: Sequence[Row], vectors: Vectors) -> None:
        """Add vectors."""
        self.stream.write(np.stack(vectors).astype("<f4").tobytes())
        self.count += len(vectors)

    def _write_header(self) -> None:
        shape = (self.count, self.width)
        npy.write_array_header_1_0(self.stream, {"descr": "<f4", "fortran_order": False, "shape": shape})


class JsonlWriter:
    """`{"id": ..., "text": ..., "vector": [...]}` a line; numbers come back as the same float32."""

    def __init__(self, path: Path, width: int) -> None:
        self.stream = path.open("w", encoding="utf-8", newline="\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.flush()
        os.fsync(self.stream.fileno())
        self.stream.close()

    def write(self, rows: Sequence[Row], vectors: Vectors) -> None:
        """Add lines."""
        for (row_id, text), vector in zip(rows, vectors, strict=True):
            head = json.dumps({"id": row_id, "text": text}, ensure_ascii=False)
            self.stream.write(f'{head[:-1]}, "vector": [{", ".join(vector.astype(str))}]}}\n')


class ParquetWriter:
    """Columns `id` (string), `text` and `vector` (list of float32), a row group for each write.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """

    def __init__(self, path: Path, width: int) -> None:
        try:
            import pyarrow
            from pyarrow import parquet
        except ImportError as error:
            raise MissingExtraError("writing Parquet", "corpora") from error
        self.arrow: Any = pyarrow
        vector = pyarrow.list_(pyarrow.float32(), width)
        self.schema = pyarrow.schema(
            [("id", pyarrow.string()), ("text", pyarrow.string()), ("vector", vector)]
        )
        self.writer = parquet.ParquetWriter(path, self.schema)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.writer.close()

    def write(self, rows: Sequence[Row], vectors: Vectors) -> None:
        """Add a row group."""
        flat = self.arrow.array(np.concatenate(vectors))
        columns = [
            [str(row_id) for row_id, _ in rows],
            [text for _, text in rows],
            self.arrow.FixedSizeListArray.from_arrays(flat, type=self.schema.field("vector").type),
        ]
        self.writer.write_table(self.arrow.table(columns, schema=self.schema))


WRITERS: dict[str, Any] = {".npy": NpyWriter, ".parquet": ParquetWriter, ".jsonl": JsonlWriter}
