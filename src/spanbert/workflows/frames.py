"""Frames of pandas and polars as rows; neither library is imported here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from spanbert.errors import DataError
from spanbert.text.fields import shown

ROWS_AT_ONCE = 4096


def is_frame(value: Any) -> bool:
    """Whether a value is a frame of pandas or polars."""
    return hasattr(value, "columns") and (hasattr(value, "iter_rows") or hasattr(value, "iloc"))


def frame_rows(frame: Any) -> Iterator[dict[str, Any]]:
    """Column name -> value of each row, in plain Python types; None where a value is missing.

    Raises:
        DataError: two columns have one name.
    """
    names = [str(name) for name in frame.columns]
    for name in names:
        if names.count(name) > 1:
            raise DataError(f"two columns of the frame are named {shown(name)}")
    if hasattr(frame, "iter_rows"):
        yield from frame.iter_rows(named=True)
        return
    for begin in range(0, len(frame), ROWS_AT_ONCE):
        part = frame.iloc[begin : begin + ROWS_AT_ONCE].astype(object)
        for row in part.where(part.notna(), None).to_dict("records"):
            yield {str(name): _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    """Arrays as lists, numpy's numbers as Python's."""
    return value.tolist() if hasattr(value, "tolist") else value
