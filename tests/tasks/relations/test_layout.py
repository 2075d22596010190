"""What is read of a text around two entities, and how it is marked."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanbert.tasks.relations.layout import Mark, lay_out, stretches
from spanbert.text.spans import Span

GAP = -99


@st.composite
def two_spans(draw):
    count = draw(st.integers(1, 120))
    spans = []
    for _ in range(2):
        start = draw(st.integers(0, count - 1))
        spans.append(Span(start, draw(st.integers(start, min(count, start + 30)))))
    return count, *spans


@given(two_spans(), st.integers(16, 60))
@settings(deadline=None, max_examples=200)
def test_stretches_keep_room_order_and_entities(drawn, room):
    count, first, second = drawn
    read = stretches(first, second, count, room)
    assert sum(map(len, read)) <= room
    assert sum(map(len, read)) >= min(count, room // 2)
    assert all(left.end < right.start for left, right in itertools.pairwise(read))
    assert read[0].start >= 0
    assert read[-1].end <= count
    for entity in (first, second):
        shown = Span(entity.start, min(entity.end, entity.start + room // 2))
        assert any(stretch.start <= shown.start and shown.end <= stretch.end for stretch in read)


def test_a_text_that_fits_is_read_whole_and_a_longer_one_around_the_entities():
    assert stretches(Span(2, 3), Span(9, 10), 20, 20) == [Span(0, 20)]
    assert stretches(Span(40, 42), Span(46, 48), 100, 20) == [Span(34, 54)]
    assert stretches(Span(10, 12), Span(80, 82), 100, 20) == [Span(6, 16), Span(76, 86)]
    assert stretches(Span(80, 82), Span(0, 2), 100, 20) == [Span(0, 10), Span(76, 86)]
    assert stretches(Span(99, 100), Span(0, 40), 100, 20) == [Span(0, 10), Span(90, 100)]


def laid(first, second, *, hides=False, count=6, read=None):
    marks = [
        Mark(first, [-1], [] if hides else [-2], hides),
        Mark(second, [-3], [] if hides else [-4], hides),
    ]
    ids, starts = lay_out(np.arange(count, dtype=np.int32), marks, read or [Span(0, count)], GAP)
    assert [ids[start] for start in starts] == [-1, -3]
    return ids.tolist()


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((0, 1), (5, 6), [-1, 0, -2, 1, 2, 3, 4, -3, 5, -4]),
        ((1, 3), (3, 4), [0, -1, 1, 2, -2, -3, 3, -4, 4, 5]),
        ((3, 4), (1, 3), [0, -3, 1, 2, -4, -1, 3, -2, 4, 5]),
        ((1, 4), (1, 2), [0, -1, -3, 1, -4, 2, 3, -2, 4, 5]),
        ((3, 4), (1, 4), [0, -3, 1, 2, -1, 3, -2, -4, 4, 5]),
        ((2, 3), (2, 3), [0, 1, -1, -3, 2, -4, -2, 3, 4, 5]),
        ((1, 3), (2, 5), [0, -1, 1, -3, 2, -2, 3, 4, -4, 5]),
        ((2, 2), (6, 6), [0, 1, -1, -2, 2, 3, 4, 5, -3, -4]),
    ],
)
def test_marks_nest_and_stand_around_their_entity(first, second, expected):
    assert laid(Span(*first), Span(*second)) == expected


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((0, 2), (5, 6), [-1, 2, 3, 4, -3]),
        ((1, 4), (2, 3), [0, -1, -3, 4, 5]),
        ((2, 3), (2, 3), [0, 1, -1, -3, 3, 4, 5]),
    ],
)
def test_placeholders_stand_in_place_of_their_entity(first, second, expected):
    assert laid(Span(*first), Span(*second), hides=True) == expected


def test_what_is_left_out_in_the_middle_is_one_gap_and_a_cut_entity_is_closed():
    read = [Span(0, 3), Span(7, 10)]
    assert laid(Span(1, 2), Span(8, 10), count=12, read=read) == [0, -1, 1, -2, 2, GAP, 7, -3, 8, 9, -4]
    assert laid(Span(2, 6), Span(7, 8), count=12, read=read) == [0, 1, -1, 2, -2, GAP, -3, 7, -4, 8, 9]
    assert laid(Span(1, 6), Span(1, 7), count=12, read=read) == [0, -1, -3, 1, 2, -4, -2, GAP, 7, 8, 9]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=4))
@settings(deadline=None, max_examples=200)
def test_at_each_place_what_closes_comes_first_and_marks_nest(ends):
    entities = [Span(min(both), max(both)) for both in ends]
    marks = [
        Mark(entity, [-number], [-number - 10], hides=False) for number, entity in enumerate(entities, 1)
    ]
    ids, starts = lay_out(np.arange(5, dtype=np.int32), marks, [Span(0, 5)], GAP)
    expected = []
    for place in range(6):
        for length, number in sorted((len(one), -number) for number, one in enumerate(entities, 1)):
            if length and entities[-number - 1].end == place:
                expected.append(number - 10)
        for length, number in sorted((-len(one), number) for number, one in enumerate(entities, 1)):
            if entities[number - 1].start == place:
                expected += [-number] if length else [-number, -number - 10]
        if place < 5:
            expected.append(place)
    assert ids.tolist() == expected
    assert [ids[start] for start in starts] == [-number for number, _ in enumerate(entities, 1)]


@given(two_spans(), st.integers(16, 60), st.booleans())
@settings(deadline=None, max_examples=200)
def test_every_piece_that_is_read_is_there_once_and_in_order(drawn, room, hides):
    count, first, second = drawn
    read = stretches(first, second, count, room)
    ids = laid(first, second, hides=hides, count=count, read=read)
    pieces = [piece for piece in ids if piece >= 0]
    hidden = {*range(first.start, first.end), *range(second.start, second.end)} if hides else set()
    assert pieces == [n for stretch in read for n in range(stretch.start, stretch.end) if n not in hidden]
    assert ids.count(GAP) == len(read) - 1
    if not hides:
        for opening, closing, entity in ((-1, -2, first), (-3, -4, second)):
            inside = [piece for piece in ids[ids.index(opening) : ids.index(closing)] if piece >= 0]
            assert inside == [piece for piece in pieces if entity.start <= piece < entity.end][: len(inside)]
            assert len(inside) >= min(len(entity), room // 2)
