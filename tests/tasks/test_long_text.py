"""Windows of two texts that are read together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbert.errors import DataError
from spanbert.tasks.long_text import LongTextSettings, pair_windows

ROOM = 33
SETTINGS = LongTextSettings(overlap_pieces=8)


def read(tokenizer, first, second, settings=SETTINGS):
    pieces = (tokenizer.encode(word * count) for word, count in (("paris ", first), ("city ", second)))
    return pair_windows(*pieces, ROOM, settings)


def lengths(found):
    return [(len(one.pieces), len(other.pieces)) for one, other in found]


@given(first=st.integers(1, 120), second=st.integers(1, 120))
def test_every_piece_of_both_is_read_in_windows_that_fit(tokenizer, first, second):
    found = read(tokenizer, first, second)
    assert all(one + other <= ROOM for one, other in lengths(found))
    for side, count in enumerate((first, second)):
        windows = dict.fromkeys(pair[side] for pair in found)
        owned = [number for one in windows for number in range(one.owned.start, one.owned.end)]
        assert owned == list(range(count))


def test_two_texts_that_fit_are_one_window(tokenizer):
    assert lengths(read(tokenizer, 1, 32)) == [(1, 32)]
    assert lengths(read(tokenizer, 17, 16)) == [(17, 16)]


def test_a_short_text_stands_beside_all_windows_of_a_long_one(tokenizer):
    found = lengths(read(tokenizer, 100, 5))
    assert len(found) > 1
    assert set(found) == {(28, 5)}
    assert set(lengths(read(tokenizer, 5, 100))) == {(5, 28)}


def test_two_long_texts_share_the_room(tokenizer):
    assert set(lengths(read(tokenizer, 100, 40))) == {(17, 16)}
    assert set(lengths(read(tokenizer, 40, 100))) == {(16, 17)}


def test_settings_for_long_texts_hold_for_both(tokenizer):
    cut = read(tokenizer, 100, 40, LongTextSettings(on_long="truncate"))
    assert lengths(cut) == [(17, 16)]
    with pytest.raises(DataError, match="100 pieces, a window holds 28"):
        read(tokenizer, 100, 5, LongTextSettings(on_long="error"))
