import pytest

from spanbert.text.spans import Span


@pytest.mark.parametrize(("start", "end"), [(-1, 2), (3, 2), (-2, -1)])
def test_what_is_no_interval_is_refused(start, end):
    with pytest.raises(ValueError, match="not a span"):
        Span(start, end)


def test_half_open():
    assert len(Span(2, 5)) == 3
    assert len(Span(4, 4)) == 0
    assert "abcdefg"[Span(2, 5).start : Span(2, 5).end] == "cde"


@pytest.mark.parametrize(
    ("other", "overlaps", "contains"),
    [
        (Span(2, 5), True, True),
        (Span(3, 4), True, True),
        (Span(0, 2), False, False),
        (Span(5, 9), False, False),
        (Span(4, 6), True, False),
        (Span(1, 6), True, False),
    ],
)
def test_overlaps_and_contains(other, overlaps, contains):
    span = Span(2, 5)
    assert span.overlaps(other) is other.overlaps(span) is overlaps
    assert span.contains(other) is contains


def test_shift():
    assert Span(2, 5).shift(3) == Span(5, 8)
    assert Span(2, 5).shift(-2) == Span(0, 3)
    with pytest.raises(ValueError, match="not a span"):
        Span(2, 5).shift(-3)


def test_order_is_by_place():
    assert sorted([Span(3, 4), Span(1, 9), Span(1, 2)]) == [Span(1, 2), Span(1, 9), Span(3, 4)]
