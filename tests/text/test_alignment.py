import unicodedata
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from spanbert.text.alignment import chars_of_pieces, pieces_of_chars, whole_words, with_marks
from spanbert.text.spans import Span
from spanbert.text.tokenizer import SPECIAL_PIECES, Tokenizer

# Any Unicode text, and text of the characters that normalising moves, drops, joins or splits.
AWKWARD = (
    "aIİıéßﬁ \u0301\u0316\u0345\u302e\u302f\U0001d165\u200b\u200d\ufe0f\ufeff\u00a0\t\r\n\x00\ufffd"
    "한각ᄀ的𠀀א\u05b0ب\u064e##[]"
)
texts = st.one_of(
    st.text(max_size=60),
    st.lists(st.sampled_from([*AWKWARD, *SPECIAL_PIECES, "word", "e\u0301", "👨‍👩‍👧"]), max_size=30).map(
        "".join
    ),
)


@pytest.fixture(scope="module", params=["uncased", "cased", "accents kept", "cased, accents stripped"])
def any_tokenizer(request, vocabulary) -> Tokenizer:
    lowercase, strip_accents = {
        "uncased": (True, None),
        "cased": (False, None),
        "accents kept": (True, False),
        "cased, accents stripped": (False, True),
    }[request.param]
    return Tokenizer.from_vocabulary(vocabulary, lowercase=lowercase, strip_accents=strip_accents)


def piece_spans(count: int):
    return (Span(start, end) for start in range(count) for end in range(start + 1, count + 1))


@given(text=texts)
@example("\u302e\U0001d165")  # marks that canonical order swaps
@example("한국어 İ\u0307")
def test_pieces_stand_in_order_within_the_text(any_tokenizer, text):
    pieces = any_tokenizer.encode(text)
    assert (pieces.char_starts >= 0).all()
    assert (pieces.char_starts < pieces.char_ends).all()
    assert (pieces.char_ends <= len(text)).all()
    assert (np.diff(pieces.char_starts) >= 0).all()
    assert (np.diff(pieces.char_ends) >= 0).all()
    assert (np.diff(pieces.words) >= 0).all()


@given(text=texts)
def test_a_piece_span_survives_the_way_to_characters_and_back(any_tokenizer, text):
    pieces = any_tokenizer.encode(text)
    for piece_span in piece_spans(len(pieces)):
        char_span = chars_of_pieces(pieces, piece_span)
        assert 0 <= char_span.start < char_span.end <= len(text)
        back = pieces_of_chars(pieces, char_span)
        assert back is not None
        assert back.contains(piece_span)
        assert chars_of_pieces(pieces, back) == char_span
        first_shared = piece_span.start > 0 and pieces.char_ends[piece_span.start - 1] > char_span.start
        last_shared = piece_span.end < len(pieces) and pieces.char_starts[piece_span.end] < char_span.end
        assert back == piece_span or first_shared or last_shared  # several pieces of one character


@given(text=texts, data=st.data())
def test_a_char_span_is_covered_by_the_fewest_pieces(any_tokenizer, text, data):
    pieces = any_tokenizer.encode(text)
    start = data.draw(st.integers(0, len(text)))
    char_span = Span(start, data.draw(st.integers(start, len(text))))
    touching = [
        number
        for number in range(len(pieces))
        if char_span.overlaps(Span(int(pieces.char_starts[number]), int(pieces.char_ends[number])))
    ]
    expected = Span(touching[0], touching[-1] + 1) if touching and len(char_span) else None
    assert pieces_of_chars(pieces, char_span) == expected


def test_an_empty_span_inside_a_piece_touches_nothing(tokenizer):
    pieces = tokenizer.encode("paris")
    assert pieces_of_chars(pieces, Span(2, 2)) is None
    assert pieces_of_chars(pieces, Span(2, 3)) == Span(0, 1)


def test_spaces_and_dropped_characters_have_no_piece(tokenizer):
    pieces = tokenizer.encode("paris \u200b  france")
    assert pieces_of_chars(pieces, Span(5, 9)) is None
    assert pieces_of_chars(pieces, Span(4, 10)) == Span(0, 2)


@pytest.mark.parametrize("span", [Span(0, 0), Span(1, 1), Span(0, 3), Span(2, 3)])
@pytest.mark.parametrize("convert", [chars_of_pieces, whole_words])
def test_spans_that_hold_no_piece_are_refused(tokenizer, convert, span):
    with pytest.raises(ValueError, match="empty or outside 2 pieces"):
        convert(tokenizer.encode("paris france"), span)


@given(text=texts)
def test_whole_words_are_the_smallest_run_of_words(any_tokenizer, text):
    pieces = any_tokenizer.encode(text)
    for piece_span in piece_spans(len(pieces)):
        grown = whole_words(pieces, piece_span)
        assert grown.contains(piece_span)
        assert set(pieces.words[grown.start : grown.end]) == set(
            pieces.words[piece_span.start : piece_span.end]
        )
        outside = [*pieces.words[: grown.start], *pieces.words[grown.end :]]
        assert not set(outside) & set(pieces.words[grown.start : grown.end])


def test_whole_words_example(tokenizer):
    pieces = tokenizer.encode("the rivers what")
    assert [tokenizer.piece(number) for number in pieces.ids] == ["the", "river", "##s", "what"]
    assert whole_words(pieces, Span(2, 3)) == Span(1, 3)
    assert whole_words(pieces, Span(2, 4)) == Span(1, 4)
    assert whole_words(pieces, Span(0, 1)) == Span(0, 1)


def test_an_answer_keeps_the_accent_of_its_last_letter(tokenizer):
    text = unicodedata.normalize("NFD", "the café runs")
    pieces = tokenizer.encode(text)
    bare = chars_of_pieces(pieces, whole_words(pieces, Span(1, 2)))
    assert text[bare.start : bare.end] == "cafe"
    whole = with_marks(text, bare)
    assert unicodedata.normalize("NFC", text[whole.start : whole.end]) == "café"


@given(text=texts)
def test_marks_are_the_only_growth(text):
    for start, end in pairwise(range(len(text) + 1)):
        grown = with_marks(text, Span(start, end))
        assert grown.start == start
        assert all(unicodedata.category(char).startswith("M") for char in text[end : grown.end])
        assert grown.end == len(text) or not unicodedata.category(text[grown.end]).startswith("M")
