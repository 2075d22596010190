"""Texts to vectors by the encoder of any model: a stream in order, with bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spanbert.checkpoint.contents import require_encoder
from spanbert.checkpoint.folder import Checkpoint
from spanbert.checkpoint.names import ENCODER_NAMES, NameTable
from spanbert.checkpoint.parts import part_names, with_part
from spanbert.checkpoint.source import read_checkpoint
from spanbert.checkpoint.weights import fill
from spanbert.errors import DataError, SettingsError
from spanbert.inference.engine import Engine
from spanbert.inference.precision import Precision, device_for, parse_precision, with_precision
from spanbert.nn.batch import PieceBatch
from spanbert.nn.encoder import Encoder
from spanbert.nn.pooling import PooledEncoder, Pooling
from spanbert.tasks.long_text import mean_over_windows, sequence
from spanbert.tasks.similarity.task import Similarity
from spanbert.text.tokenizer import Tokenizer, checked_text
from spanbert.text.windows import Window, windows
from spanbert.workflows.embedding.chunks import chunks

WINDOW_PIECES = 384
OVERLAP_PIECES = 64
TEXTS_AT_ONCE = 256
MOST_CHARS_AT_ONCE = 1_000_000
"""Of the texts that are cut into pieces together, except for a single longer one."""

Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class WindowFeature:
    """A window of a text as encoder input, integers (P,)."""

    piece_ids: NDArray[np.int32]
    window: Window

    @property
    def piece_count(self) -> int:
        """Pieces in the sequence, special ones included."""
        return len(self.piece_ids)


class Embedder:
    """An encoder with a pooling: one vector for each text.

    A text longer than a window (384 pieces, or what the encoder reads) is read in overlapping windows. Their
    vectors are averaged, each weighted with the pieces it owns; with `max` the greatest values count.

    Args:
        checkpoint: any model; its heads are not used. A folder with a part for similarity gives the vectors
            of that part.
        pooling: `first` takes the state of [CLS], `mean` and `max` go over all pieces, [CLS] and [SEP] too.
        normalize: scale vectors to length 1.
        precision: arithmetic of the matrix products.

    Raises:
        CheckpointError: the encoder is not complete, or there is no tokenizer.
        SettingsError: this machine lacks the precision.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        *,
        pooling: Pooling = Pooling.MEAN,
        normalize: bool = False,
        precision: Precision = Precision.FLOAT32,
    ) -> None:
        if part := vector_part(checkpoint):
            checkpoint = with_part(checkpoint, part)
        self.tokenizer = checkpoint.tokenizer()
        self.pooling = pooling
        self.normalize = normalize
        self.width = checkpoint.config.width
        """D, the length of a vector."""
        self.room = room(checkpoint)
        device = device_for(precision)
        model = with_precision(PooledEncoder(load_encoder(checkpoint), pooling), precision).to(device)
        self.engine: Engine[WindowFeature] = Engine(model, collate, device=device)

    def vectors(self, texts: Iterable[str]) -> Iterator[Vector]:
        """A vector (D,) for each text, in order, as a stream.

        Raises:
            DataError: a text is no string, or holds half a surrogate pair; the vectors of those before it
                come first.
        """
        for _, features, found in self.engine.run_groups(self._features(texts)):
            vector = found[0] if len(found) == 1 else self._joined(found, features)
            yield unit(vector) if self.normalize else vector

    def embed(self, texts: Iterable[str]) -> NDArray[np.float32]:
        """Vectors (n, D) of n texts. Raises as `vectors`."""
        found = list(self.vectors(texts))
        return np.stack(found) if found else np.zeros((0, self.width), dtype=np.float32)

    def _joined(self, found: Sequence[Vector], features: Sequence[WindowFeature]) -> Vector:
        if self.pooling == Pooling.MAX:
            return np.max(found, axis=0)  # type: ignore[no-any-return]
        return mean_over_windows(found, [feature.window for feature in features])

    def _features(self, texts: Iterable[str]) -> Iterator[tuple[None, list[WindowFeature]]]:
        number = 0
        for chunk in chunks(texts, TEXTS_AT_ONCE, weight=chars_of, most=MOST_CHARS_AT_ONCE):
            try:
                cut = self.tokenizer.ids_of_many([checked(text) for text in chunk])
            except DataError:  # one by one, so that those before the wrong one are not lost with it
                for place, text in enumerate(chunk, start=number + 1):
                    yield None, self._windows(self._cut_alone(text, place))
            else:
                yield from ((None, self._windows(ids)) for ids in cut)
            number += len(chunk)

    def _cut_alone(self, text: str, number: int) -> NDArray[np.int32]:
        try:
            return self.tokenizer.ids_of_many([checked(text)])[0]
        except DataError as error:
            raise DataError(f"text {number}: {error}") from None

    def _windows(self, ids: NDArray[np.int32]) -> list[WindowFeature]:
        return [window_feature(self.tokenizer, ids, window) for window in text_windows(len(ids), self.room)]


def embed(
    texts: Iterable[str],
    *,
    model: str | Path = "mini",
    pooling: str = "mean",
    normalize: bool = False,
    precision: str = "float32",
    offline: bool = False,
) -> NDArray[np.float32]:
    """Vectors of texts by a model's encoder.

    Args:
        texts: any number of strings of any length.
        model: a shipped name, a folder, an archive or a hub id.
        pooling: `mean`, `first` or `max`.
        normalize: scale vectors to length 1.
        precision: arithmetic of the matrix products, `float32`, `bfloat16` or `int8`.
        offline: take a hub id from the cache only.

    Returns:
        float32 (n, D), in the order of the texts.

    Raises:
        SpanbertError: a text, the model or a setting is not as it must be.
    """
    if isinstance(texts, str | bytes):
        raise DataError("embed takes a list of texts; for one, write embed([text])")
    embedder = Embedder(
        read_checkpoint(model, offline=offline),
        pooling=parse_pooling(pooling),
        normalize=normalize,
        precision=parse_precision(precision),
    )
    return embedder.embed(texts)


def parse_pooling(name: str) -> Pooling:
    """The pooling of a name. Raises SettingsError for an unknown one."""
    try:
        return Pooling(name)
    except ValueError:
        known = ", ".join(Pooling)
        raise SettingsError(f"unknown pooling {name!r}: choose one of {known}") from None


def vector_part(checkpoint: Checkpoint) -> str | None:
    """The part of a folder that was trained to compare vectors, if it has one."""
    return Similarity.name if Similarity.name in part_names(checkpoint.path) else None


def load_encoder(checkpoint: Checkpoint) -> Encoder:
    """The encoder of a model, ready for inference. Raises CheckpointError where it is not complete."""
    require_encoder(checkpoint)
    encoder = Encoder(checkpoint.config.with_dropout(0.0))
    fill(encoder, checkpoint.stored, NameTable(ENCODER_NAMES))
    return encoder.eval()


def room(checkpoint: Checkpoint) -> int:
    """Pieces of a text that fit in a window beside [CLS] and [SEP]."""
    return min(WINDOW_PIECES, checkpoint.config.max_positions) - 2


def text_windows(piece_count: int, size: int) -> list[Window]:
    """The windows of a text for vectors."""
    return windows(piece_count, size, min(OVERLAP_PIECES, size // 2))


def window_feature(tokenizer: Tokenizer, ids: NDArray[np.int32], window: Window) -> WindowFeature:
    """Encoder input [CLS] window [SEP]."""
    return WindowFeature(sequence(tokenizer, ids[window.pieces.start : window.pieces.end]), window)


def collate(features: Sequence[WindowFeature]) -> PieceBatch:
    """Windows as one packed batch."""
    ids = [feature.piece_ids for feature in features]
    return PieceBatch.packed(ids, [np.zeros_like(one) for one in ids])


def checked(text: Any) -> str:
    """A text that is one. Raises DataError for anything but a string, and for half a surrogate pair in it."""
    if not isinstance(text, str):
        raise DataError(f"a string is needed, found {type(text).__name__}")
    return checked_text(str(text))


def chars_of(text: Any) -> int:
    """Characters of a text; of anything else, which is refused later, none."""
    return len(text) if isinstance(text, str) else 0


def unit(vector: Vector) -> Vector:
    """A vector scaled to length 1; zero stays zero."""
    length = np.linalg.norm(vector)
    return vector / length if length else vector
