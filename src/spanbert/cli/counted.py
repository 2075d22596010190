"""Progress of a long stream on stderr: a bar with the time left, or lines where a file listens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

T = TypeVar("T")
SECONDS_BETWEEN_LINES = 30.0


def counted(
    items: Iterable[T],
    what: str,
    total: int | Callable[[], int] | None = None,
    console: Console | None = None,
) -> Iterator[T]:
    """Pass items on and show how many there were.

    Args:
        items: a stream.
        what: name of the work.
        total: how many items will come, if known, or who knows how many are in sight; about is enough.
        console: where to; stderr when left out.
    """
    console = console or Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield from _with_lines(items, what, total, console)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        work = bar.add_task(what, total=_now(total))
        for item in items:
            yield item
            bar.update(work, advance=1, total=_now(total))


def _now(total: int | Callable[[], int] | None) -> int | None:
    return total() if callable(total) else total


def _with_lines(
    items: Iterable[T], what: str, total: int | Callable[[], int] | None, console: Console
) -> Iterator[T]:
    shown = time.monotonic()
    # Work is done some way ahead, so the first item comes late and says nothing of the speed.
    first: float | None = None
    for number, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if first is None:
            first = now
        if now - shown > SECONDS_BETWEEN_LINES:
            shown = now
            whole = _now(total)
            left = ""
            if whole and number > 1:
                left = f", {_minutes((now - first) / (number - 1) * (whole - number))} left"
            console.print(f"{what}: {number}/{whole or '?'}{left}", markup=False)


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(round(max(seconds, 0.0)), 60)
    return f"{minutes}:{rest:02d}"
