"""One encoder input from a long text: the stretches around both entities, with the entities marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spanbert.text.alignment import pieces_of_chars
from spanbert.text.spans import Span
from spanbert.text.tokenizer import Pieces


def entity_pieces(pieces: Pieces, chars: Span) -> Span:
    """The pieces of an entity; an empty span at its place where no piece stands for any of its characters."""
    found = pieces_of_chars(pieces, chars)
    if found is not None:
        return found
    place = int(np.searchsorted(pieces.char_starts, chars.start))
    return Span(place, place)


def stretches(first: Span, second: Span, piece_count: int, room: int) -> list[Span]:
    """What is read of a text: all of it, a stretch around both entities, or one around each.

    Args:
        first: pieces of one entity.
        second: of the other.
        piece_count: pieces of the text.
        room: how many of them can be read.

    Returns:
        Disjoint spans of pieces, ascending, of at most `room` pieces in all. An entity longer than its share
        is read from its start.
    """
    hull = Span(min(first.start, second.start), max(first.end, second.end))
    if piece_count <= room:
        return [Span(0, piece_count)]
    if len(hull) <= room:
        return [_around(hull, piece_count, room)]
    left, right = sorted(_around(entity, piece_count, room // 2) for entity in (first, second))
    if left.end >= right.start:
        return [Span(left.start, max(left.end, right.end))]
    return [left, right]


def _around(span: Span, piece_count: int, size: int) -> Span:
    """`size` pieces with the span in their middle, as far as the text's ends allow."""
    spare = max(size - len(span), 0)
    start = min(max(span.start - spare // 2, 0), piece_count - size)
    return Span(start, start + size)


@dataclass(frozen=True, slots=True)
class Mark:
    """An entity's pieces, and what is shown of it.

    Args:
        entity: pieces of the text.
        before: pieces put before the entity, or in its place.
        after: pieces put after it.
        hides: whether the entity's own pieces are left out.
    """

    entity: Span
    before: Sequence[int]
    after: Sequence[int]
    hides: bool


def lay_out(
    ids: NDArray[np.int32], marks: Sequence[Mark], read: Sequence[Span], gap: int
) -> tuple[NDArray[np.int32], tuple[int, ...]]:
    """The pieces of the stretches with their marks, and where each entity's first mark stands.

    Args:
        ids: of all pieces of the text (P,).
        marks: one an entity; each entity starts within or at the end of a stretch.
        read: stretches that do not touch, ascending.
        gap: the piece that stands for what is left out between two stretches.
    """
    shown = [_within_stretch(mark.entity, read) for mark in marks]
    hidden = {place for mark in marks if mark.hides for place in range(mark.entity.start, mark.entity.end)}
    opening: dict[int, list[int]] = {}
    closing: dict[int, list[int]] = {}
    # So that marks nest, the longest entity opens first and closes last.
    for number in sorted(range(len(marks)), key=lambda number: -len(shown[number])):
        opening.setdefault(shown[number].start, []).append(number)
        if shown[number]:
            closing.setdefault(shown[number].end, []).insert(0, number)
    laid: list[int] = []
    starts = [0] * len(marks)
    for index, stretch in enumerate(read):
        if index:
            laid.append(gap)
        for place in range(stretch.start, stretch.end + 1):
            for number in closing.get(place, ()):
                laid += marks[number].after
            for number in opening.get(place, ()):
                starts[number] = len(laid)
                laid += marks[number].before
                if not shown[number]:
                    laid += marks[number].after
            if place < stretch.end and place not in hidden:
                laid.append(ids[place])
    return np.asarray(laid, dtype=np.int32), tuple(starts)


def _within_stretch(entity: Span, read: Sequence[Span]) -> Span:
    """What is shown of an entity: it ends with the stretch in which it starts."""
    end = next(stretch.end for stretch in read if stretch.start <= entity.start <= stretch.end)
    return Span(entity.start, min(entity.end, end))
