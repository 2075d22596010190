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


@dataclass(frozen=True, slots=True)
class _Cut:
    """Pieces to be put in at a place of the text, where an entity opens or closes.

    Args:
        place: the piece before which they are put.
        opens: whether the entity opens here.
        other: the entity's other end.
        entity: its number.
        ids: the pieces.
    """

    place: int
    opens: bool
    other: int
    entity: int
    ids: Sequence[int]

    @property
    def order(self) -> tuple[int, bool, int, int]:
        """At one place, what closes comes first, and what opens first closes last: the longer entity."""
        return self.place, self.opens, -self.other, self.entity if self.opens else -self.entity


def lay_out(
    ids: NDArray[np.int32], marks: Sequence[Mark], read: Sequence[Span], gap: int
) -> tuple[NDArray[np.int32], tuple[int, ...]]:
    """The pieces of the stretches with their marks, and where each entity's first mark stands.

    Args:
        ids: of all pieces of the text (P,).
        marks: one an entity; each entity starts within or at the end of a stretch.
        read: disjoint stretches, ascending.
        gap: the piece that stands for what is left out between two stretches.
    """
    hidden = np.zeros(len(ids), dtype=bool)
    cuts: list[list[_Cut]] = [[] for _ in read]
    for number, mark in enumerate(marks):
        start, end = mark.entity.start, mark.entity.end
        if mark.hides:
            hidden[start:end] = True
        home = next(
            (index for index, stretch in enumerate(read) if stretch.start <= start < stretch.end),
            len(read) - 1,
        )
        end = min(end, read[home].end)
        if mark.hides or start == end:
            cuts[home].append(_Cut(start, True, end, number, [*mark.before, *mark.after]))
        else:
            cuts[home].append(_Cut(start, True, end, number, mark.before))
            cuts[home].append(_Cut(end, False, start, number, mark.after))
    laid: list[int] = []
    starts = [0] * len(marks)
    for index, stretch in enumerate(read):
        if index:
            laid.append(gap)
        here = stretch.start
        for cut in sorted(cuts[index], key=lambda cut: cut.order):
            laid += ids[here : cut.place][~hidden[here : cut.place]].tolist()
            here = cut.place
            if cut.opens:
                starts[cut.entity] = len(laid)
            laid += cut.ids
        laid += ids[here : stretch.end][~hidden[here : stretch.end]].tolist()
    return np.asarray(laid, dtype=np.int32), tuple(starts)
