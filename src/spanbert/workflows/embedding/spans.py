"""Stretches of texts to vectors: the states of their first and last piece and the mean of all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from spanbert.checkpoint.folder import Checkpoint
from spanbert.errors import DataError
from spanbert.inference.engine import Engine
from spanbert.inference.precision import Precision, device_for, with_precision
from spanbert.nn.pooling import StateEncoder
from spanbert.text.alignment import pieces_of_chars
from spanbert.text.fields import shown
from spanbert.text.spans import Span
from spanbert.text.tokenizer import Pieces
from spanbert.workflows.embedding.chunks import chunks
from spanbert.workflows.embedding.embed import (
    TEXTS_AT_ONCE,
    WindowFeature,
    checked,
    collate,
    load_encoder,
    room,
    text_windows,
    window_feature,
)

TextSpan = tuple[str, Span]


class SpanEmbedder:
    """An encoder that gives vectors (3 D) of spans: first piece, last piece and mean, one after another.

    Each piece's state comes from the window that shows most context around it, so spans and texts may have
    any length. Neighbouring items with equal texts share one reading of it.

    Args:
        checkpoint: any model; its heads are not used.
        precision: arithmetic of the matrix products.

    Raises:
        CheckpointError: the encoder is not complete, or there is no tokenizer.
        SettingsError: this machine lacks the precision.
    """

    def __init__(self, checkpoint: Checkpoint, precision: Precision = Precision.FLOAT32) -> None:
        self.tokenizer = checkpoint.tokenizer()
        self.width = 3 * checkpoint.config.width
        """Length of a vector."""
        self.room = room(checkpoint)
        device = device_for(precision)
        model = with_precision(StateEncoder(load_encoder(checkpoint)), precision).to(device)
        self.engine: Engine[WindowFeature] = Engine(model, collate, device=device)

    def vectors(self, items: Iterable[TextSpan]) -> Iterator[NDArray[np.float32]]:
        """A vector (3 D,) for each (text, characters of the span), in order, as a stream.

        Raises:
            DataError: a span is empty, reaches behind its text or holds no piece.
        """
        for spans, features, outputs in self.engine.run_groups(self._features(items)):
            states = np.concatenate(
                [owned_states(*pair) for pair in zip(outputs, features, strict=True)], axis=0
            )
            for span in spans:
                inside = states[span.start : span.end]
                yield np.concatenate([inside[0], inside[-1], inside.mean(axis=0)])

    def _features(self, items: Iterable[TextSpan]) -> Iterator[tuple[list[Span], list[WindowFeature]]]:
        for chunk in chunks(items, TEXTS_AT_ONCE):
            runs = _by_text(chunk)
            cut = self.tokenizer.encode_many([checked(text) for text, _ in runs])
            for (text, char_spans), pieces in zip(runs, cut, strict=True):
                spans = [_pieces_of(text, pieces, char_span) for char_span in char_spans]
                found = text_windows(len(pieces), self.room)
                yield spans, [window_feature(self.tokenizer, pieces.ids, window) for window in found]


def owned_states(states: NDArray[np.float32], feature: WindowFeature) -> NDArray[np.float32]:
    """Of a window's states (P, D), [CLS] first, those of the pieces that it owns."""
    offset = 1 - feature.window.pieces.start
    return states[feature.window.owned.start + offset : feature.window.owned.end + offset]


def _by_text(items: Sequence[TextSpan]) -> list[tuple[str, list[Span]]]:
    """Neighbours with equal texts together."""
    runs: list[tuple[str, list[Span]]] = []
    for text, span in items:
        if runs and runs[-1][0] == text:
            runs[-1][1].append(span)
        else:
            runs.append((text, [span]))
    return runs


def _pieces_of(text: str, pieces: Pieces, chars: Span) -> Span:
    place = f"the span [{chars.start}, {chars.end}) of {shown(text)}"
    if not len(chars) or chars.end > len(text):
        raise DataError(f"{place} is empty or reaches behind its text of {len(text)} characters")
    found = pieces_of_chars(pieces, chars)
    if found is None:
        raise DataError(
            f"{place} holds nothing that the tokenizer sees: {shown(text[chars.start : chars.end])}"
        )
    return found
