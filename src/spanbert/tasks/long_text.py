"""How tasks read texts of any length: windows that fit the encoder, and what was read of a text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from spanbert.errors import DataError, SettingsError
from spanbert.tasks.contract import TaskSettings
from spanbert.text.tokenizer import Pieces, Tokenizer
from spanbert.text.windows import Window, windows


class WindowSettings(TaskSettings):
    """Settings of every task whose encoder input has a longest length."""

    window_pieces: int = Field(384, ge=36)
    """Longest encoder input in pieces, special ones included."""

    def within(self, positions: int) -> Self:
        """Windows no longer than `positions` pieces.

        Raises:
            SettingsError: longer ones were chosen.
        """
        if self.window_pieces <= positions:
            return self
        if "window_pieces" in self.model_fields_set:
            raise SettingsError(
                f"window_pieces is {self.window_pieces}, more than the {positions} positions of the "
                "encoder; choose a smaller value"
            )
        return self.model_copy(update={"window_pieces": positions})


class LongTextSettings(WindowSettings):
    """Settings of every task that reads long texts in several windows."""

    overlap_pieces: int = Field(128, ge=0)
    """Pieces that neighbouring windows of a long text share."""
    on_long: Literal["window", "truncate", "error"] = "window"
    """A text longer than a window: read all its windows, only the first, or refuse."""


def text_windows(pieces: Pieces, room: int, settings: LongTextSettings, what: str = "text") -> list[Window]:
    """The windows of a text's pieces that are read: all, or the first, as `on_long` says.

    Args:
        pieces: of the text.
        room: pieces of it that fit in one window beside special pieces and other texts.
        settings: overlap and what to do with long texts.
        what: what the text is, for the error.

    Raises:
        DataError: the text is too long and `on_long` is `error`.
    """
    found = windows(len(pieces), room, min(settings.overlap_pieces, room // 2))
    if len(found) > 1 and settings.on_long == "error":
        raise DataError(f"the {what} has {len(pieces)} pieces, a window holds {room} (on_long = error)")
    if len(found) > 1 and settings.on_long == "truncate":
        first = found[0].pieces
        return [Window(first, first)]
    return found


def pair_windows(
    first: Pieces, second: Pieces, room: int, settings: LongTextSettings
) -> list[tuple[Window, Window]]:
    """Windows of the longer of two texts, each beside the shorter one.

    A shorter text that fills more than half of the room has windows of its own; both texts are then gone
    through side by side, so that all of both is read.

    Args:
        first: pieces of one text.
        second: of the other.
        room: pieces of both that fit in one window beside special pieces.
        settings: overlap and what to do with long texts.

    Returns:
        For each encoder input the window of the first and that of the second text; a text with fewer windows
        than the other is read again beside those.

    Raises:
        DataError: a text is too long and `on_long` is `error`.
    """
    shorter = min(len(first), len(second))
    least = room // 2 if len(first) + len(second) > room else shorter
    kept = max(1, min(shorter, least))
    rooms = (room - kept, kept) if len(first) >= len(second) else (kept, room - kept)
    firsts, seconds = (
        text_windows(pieces, size, settings) for pieces, size in zip((first, second), rooms, strict=True)
    )
    count = max(len(firsts), len(seconds))
    return [
        (firsts[number * len(firsts) // count], seconds[number * len(seconds) // count])
        for number in range(count)
    ]


def mean_over_windows(values: Sequence[NDArray[np.float32]], read: Sequence[Window]) -> NDArray[np.float32]:
    """Vectors of a text's windows (D,) as one, each weighted with the pieces that its window owns."""
    if len(values) == 1:
        return values[0]
    owned = [len(window.owned) for window in read]
    return np.average(np.stack(values), axis=0, weights=owned).astype(np.float32)


def covered_chars(text: str, pieces: Pieces, read: Sequence[Window]) -> int:
    """Characters of a text that its windows read: all of them unless the text was truncated."""
    last = read[-1].pieces.end
    return len(text) if last == len(pieces) else int(pieces.char_ends[last - 1])


def sequence(tokenizer: Tokenizer, *parts: NDArray[np.int32]) -> NDArray[np.int32]:
    """Encoder input [CLS] part [SEP] part [SEP] ...: integers (P,)."""
    ids: list[NDArray[np.int32]] = [np.asarray([tokenizer.start_id], dtype=np.int32)]
    for part in parts:
        ids += [part, np.asarray([tokenizer.end_id], dtype=np.int32)]
    return np.concatenate(ids)
