"""A stream taken a few items at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def chunks(
    items: Iterable[T], size: int, *, weight: Callable[[T], int] = lambda _: 0, most: int = 1
) -> Iterator[list[T]]:
    """Lists of `size` items in order, or of fewer: the last, and those that weigh `most` with fewer."""
    chunk: list[T] = []
    weighed = 0
    for item in items:
        chunk.append(item)
        weighed += weight(item)
        if len(chunk) == size or weighed >= most:
            yield chunk
            chunk, weighed = [], 0
    if chunk:
        yield chunk
