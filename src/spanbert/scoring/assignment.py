"""The assignment problem: which row goes with which column so that the sum of gains is greatest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def best_assignment(gain: NDArray[np.float64]) -> NDArray[np.int64]:
    """An assignment of greatest gain, by shortest augmenting paths (Jonker and Volgenant 1987).

    Time is cubic at worst, the innermost of the three loops is numpy's.

    Args:
        gain: (n, m), what each pair is worth; not more rows than columns.

    Returns:
        For each row its column, integers (n,), all different.

    Raises:
        ValueError: there are more rows than columns.
    """
    rows, columns = gain.shape
    if rows > columns:
        raise ValueError(f"{rows} rows cannot have columns of their own among {columns}; transpose the gains")
    # Column 0 is a stand-in from which each row's search begins.
    row_prices, column_prices = -gain.max(axis=1), np.zeros(columns + 1)
    row_of = np.full(columns + 1, -1)
    # Rows whose best columns differ have them at once.
    wanted, first = np.unique(gain.argmax(axis=1), return_index=True)
    row_of[wanted + 1] = first
    for row in np.setdiff1d(np.arange(rows), first):
        row_of[0], column = row, 0
        distance = np.full(columns + 1, np.inf)
        before = np.zeros(columns + 1, dtype=np.int64)
        visited = np.zeros(columns + 1, dtype=bool)
        while row_of[column] >= 0:
            visited[column] = True
            here = row_of[column]
            reduced = -gain[here] - row_prices[here] - column_prices[1:]
            closer = ~visited[1:] & (reduced < distance[1:])
            distance[1:][closer] = reduced[closer]
            before[1:][closer] = column
            column = int(np.where(visited, np.inf, distance).argmin())
            step = distance[column]
            row_prices[row_of[visited]] += step
            column_prices[visited] -= step
            distance[~visited] -= step
        while column:
            row_of[column] = row_of[before[column]]
            column = int(before[column])
        row_of[0] = -1
    found = np.empty(rows, dtype=np.int64)
    taken = np.flatnonzero(row_of >= 0)
    found[row_of[taken]] = taken - 1
    return found
