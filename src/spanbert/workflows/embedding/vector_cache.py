"""Vectors on disk, so that no text is embedded twice: one SQLite file for each model and kind of vector."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spanbert.errors import SpanbertError
from spanbert.text.files import make_folder
from spanbert.workflows.embedding.chunks import chunks

ITEMS_AT_ONCE = 2048
ASKED_AT_ONCE = 500
SECONDS_TO_WAIT = 60.0

Vector = NDArray[np.float32]


class VectorCache:
    """Vectors by the hash of what they are of.

    Several processes may use one cache at the same time. Texts themselves are not kept.

    Args:
        folder: holds the files of all models.
        width: length of a vector; a kept one of another length is damaged and made anew.
        source: all that decides a vector besides the text: hashes of the model, settings.
    """

    def __init__(self, folder: Path, width: int, source: Mapping[str, Any]) -> None:
        make_folder(folder)
        self.width = width
        described = json.dumps(source, sort_keys=True)
        self.path = folder / f"{hashlib.sha256(described.encode()).hexdigest()[:32]}.sqlite"

    def vectors(
        self,
        items: Iterable[Any],
        key: Callable[[Any], str],
        compute: Callable[[list[Any]], Iterable[Vector]],
    ) -> Iterator[Vector]:
        """A vector for each item, in order; those that are not kept yet are computed and kept.

        Args:
            items: what the vectors are of.
            key: what of an item its vector depends on.
            compute: vectors of some items.

        Raises:
            SpanbertError: the file cannot be used.
        """
        try:
            with closing(sqlite3.connect(self.path, timeout=SECONDS_TO_WAIT)) as connection:
                connection.execute("CREATE TABLE IF NOT EXISTS vectors (item BLOB PRIMARY KEY, vector BLOB)")
                for chunk in chunks(items, ITEMS_AT_ONCE):
                    hashes = [
                        hashlib.sha256(key(item).encode("utf-8", "surrogatepass")).digest() for item in chunk
                    ]
                    kept = _kept(connection, hashes)
                    found = {one: vector for one, vector in kept.items() if len(vector) == 4 * self.width}
                    missing = {one: item for one, item in zip(hashes, chunk, strict=True) if one not in found}
                    computed = compute(list(missing.values())) if missing else ()
                    made = dict(zip(missing, computed, strict=True))
                    with connection:
                        connection.executemany(
                            "INSERT OR REPLACE INTO vectors VALUES (?, ?)",
                            [(one, vector.astype("<f4").tobytes()) for one, vector in made.items()],
                        )
                    for one in hashes:
                        yield made[one] if one in made else np.frombuffer(found[one], dtype="<f4")
        except sqlite3.Error as error:
            raise SpanbertError(
                f"{self.path}: the cache cannot be used ({error}); delete this file or name another folder"
            ) from error


def _kept(connection: sqlite3.Connection, hashes: Sequence[bytes]) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for some in chunks(set(hashes), ASKED_AT_ONCE):  # an SQLite of any build takes so many parameters
        question = f"SELECT item, vector FROM vectors WHERE item IN ({','.join('?' * len(some))})"
        found |= dict(connection.execute(question, some))
    return found
