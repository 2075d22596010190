from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from spanbert.text.spans import Span
from spanbert.workflows.pages.excerpt import AROUND, LONGEST_WORD, MOST, surroundings

WORDS = " ".join(f"word{number:04d}" for number in range(1000))


def test_around_a_span_whole_words_are_shown():
    start = WORDS.index("word0500")
    (shown,) = surroundings(WORDS, [Span(start, start + 8)])
    stretch = WORDS[shown.start : shown.end]
    assert "word0500" in stretch
    assert all(len(word) == 8 for word in stretch.split())
    assert 2 * AROUND <= len(stretch) <= 2 * (AROUND + LONGEST_WORD) + 8


def test_the_middle_of_a_long_span_and_what_lies_between_far_spans_are_left_out():
    assert len(surroundings(WORDS, [Span(1000, 5000)])) == 2
    assert len(surroundings(WORDS, [Span(1000, 1010), Span(5000, 5010)])) == 2
    assert len(surroundings(WORDS, [Span(1000, 1010), Span(1100, 1110)])) == 1


def test_a_short_text_is_shown_whole():
    assert surroundings("Ada wrote it.", [Span(0, 3)]) == [Span(0, 13)]
    assert surroundings("", []) == [Span(0, 0)]


def test_many_spans_do_not_make_it_long():
    shown = surroundings("中文字" * 10_000, [Span(place, place + 2) for place in range(0, 30_000, 50)])
    assert sum(map(len, shown)) <= MOST + 2 * (AROUND + LONGEST_WORD)


@settings(max_examples=50, deadline=None)
@given(
    st.text("ab \n中", max_size=2000),
    st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 60)), max_size=4),
)
def test_stretches_are_in_order_disjoint_and_hold_the_first_edges(text, places):
    spans = [Span(min(start, len(text)), min(start + length, len(text))) for start, length in places]
    shown = surroundings(text, spans)
    assert all(one.end < two.start for one, two in pairwise(shown))
    assert shown[-1].end <= len(text)
    if spans:
        assert shown[0].start <= min(span.start for span in spans) <= shown[0].end
