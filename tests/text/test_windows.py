from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbert.errors import SettingsError
from spanbert.text.spans import Span
from spanbert.text.windows import Window, windows

sizes = st.integers(1, 40).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size - 1)))


@given(st.integers(0, 400), sizes)
def test_owned_parts_are_the_text_cut_without_gap_or_overlap(piece_count, size_and_overlap):
    found = windows(piece_count, *size_and_overlap)
    assert found[0].owned.start == 0
    assert found[-1].owned.end == piece_count
    assert all(left.owned.end == right.owned.start for left, right in pairwise(found))
    assert all(len(window.owned) for window in found) or piece_count == 0


@given(st.integers(0, 400), sizes)
def test_a_window_owns_what_it_reads(piece_count, size_and_overlap):
    assert all(window.pieces.contains(window.owned) for window in windows(piece_count, *size_and_overlap))


@given(st.integers(0, 400), sizes)
def test_no_window_is_longer_than_asked_and_none_is_left_short(piece_count, size_and_overlap):
    size, _ = size_and_overlap
    found = windows(piece_count, *size_and_overlap)
    assert {len(window.pieces) for window in found} == {min(size, piece_count)}
    assert all(window.pieces.end <= piece_count for window in found)


@given(st.integers(0, 400), sizes)
def test_neighbours_share_at_least_what_was_asked(piece_count, size_and_overlap):
    _, overlap = size_and_overlap
    for left, right in pairwise(windows(piece_count, *size_and_overlap)):
        assert left.pieces.start < right.pieces.start
        assert left.pieces.end - right.pieces.start >= overlap


@given(st.integers(1, 400), sizes)
def test_each_piece_is_owned_by_a_window_with_half_the_overlap_as_context(piece_count, size_and_overlap):
    _, overlap = size_and_overlap
    for window in windows(piece_count, *size_and_overlap):
        for piece in (window.owned.start, window.owned.end - 1):
            assert piece - window.pieces.start >= min(overlap // 2, piece)
            assert window.pieces.end - 1 - piece >= min(overlap // 2, piece_count - 1 - piece)


def test_worked_example():
    assert windows(10, 6, 2) == [
        Window(Span(0, 6), Span(0, 5)),
        Window(Span(4, 10), Span(5, 10)),
    ]


@pytest.mark.parametrize(("size", "overlap"), [(4, 4), (4, 5), (4, -1), (0, 0)])
def test_settings_that_make_no_windows_are_refused(size, overlap):
    with pytest.raises(SettingsError, match=f"overlap {overlap} .*size {size}"):
        windows(10, size, overlap)
