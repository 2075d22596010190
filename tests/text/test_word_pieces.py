"""Pieces of given words keep to them and stand at the right characters."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanbert.text.spans import Span
from spanbert.text.tokenizer import Tokenizer
from spanbert.text.word_pieces import encode_words
from spanbert.text.words import joined

WORDS = [
    "Ada",
    "don't",
    "12,5",
    "～",
    "～",
    "あ",
    "い",
    "阿",
    "é",
    "e\u0301",
    "\ufffd",
    "x y",
    "[MASK]",
    "😀",
    "-",
]


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer.train([" ".join(WORDS) + " ～～ あい"], size=120, lowercase=True, min_frequency=1)


@given(words=st.lists(st.sampled_from(WORDS), max_size=8))
@settings(deadline=None, max_examples=60)
def test_every_piece_stands_in_its_word(tokenizer, words):
    text, spans = joined(words)
    (pieces,) = encode_words(tokenizer, [(text, spans)])
    alone = [tokenizer.encode(word) for word in words]
    np.testing.assert_array_equal(pieces.ids, np.concatenate([one.ids for one in alone] or [pieces.ids]))
    for start, end, word in zip(pieces.char_starts, pieces.char_ends, pieces.words, strict=True):
        assert spans[word].start <= start <= end <= spans[word].end
    expected = [number for number, one in enumerate(alone) for _ in range(len(one))]
    assert pieces.words.tolist() == expected


def test_signs_that_the_tokenizer_would_join_stay_apart(tokenizer):
    text, spans = joined(["～", "～", "あ", "い"])
    assert text == "～～あい"
    (pieces,) = encode_words(tokenizer, [(text, spans)])
    assert pieces.words.tolist() == [0, 1, 2, 3]
    assert pieces.char_starts.tolist() == [0, 1, 2, 3]
    assert len(tokenizer.encode(text)) < 4


def test_words_need_not_be_the_whole_text(tokenizer):
    (pieces,) = encode_words(tokenizer, [("Ada -- Ada", [Span(7, 10)])])
    assert pieces.char_starts.min() == 7
    assert pieces.char_ends.max() == 10
    assert set(pieces.words.tolist()) == {0}
