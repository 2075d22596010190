import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanbert.errors import DataError
from spanbert.tasks.fill_mask.examples import parse_example
from spanbert.tasks.fill_mask.features import Ask, Opening
from spanbert.tasks.fill_mask.layout import FillMaskEncoder
from spanbert.tasks.fill_mask.settings import FillMaskSettings
from spanbert.text.tokenizer import Pieces

TEXTS = st.lists(
    st.sampled_from(["the city ", "[MASK]", "[MASK...]", "é是", " x", "🎻", "a\u0301", "\x00"]), min_size=1
)


def asked(tokenizer, text, options=None, **fields):
    encoder = FillMaskEncoder(tokenizer, options or FillMaskSettings())
    return encoder.features(parse_example({"text": text, **fields}, "item", 1))


def shown(tokenizer, feature):
    return " ".join(tokenizer.piece(piece_id) for piece_id in feature.piece_ids)


@given(TEXTS.map("".join).filter(str.strip))
@settings(max_examples=60)
def test_pieces_of_a_text_with_masks_stand_for_their_characters(tokenizer, text):
    encoder = FillMaskEncoder(tokenizer, FillMaskSettings())
    example = parse_example({"text": text}, "item", 1)
    cut = encoder.encode(example).text
    chars = list(zip(cut.pieces.char_starts.tolist(), cut.pieces.char_ends.tolist(), strict=True))
    assert [chars[place] for place in cut.masks] == [(m.chars.start, m.chars.end) for m in example.masks]
    assert (np.diff(cut.pieces.char_starts) >= 0).all()
    assert (np.diff(cut.pieces.words) >= 0).all()
    # What is not a mask is cut as it is where it stands alone.
    if not any(mask.is_span for mask in example.masks):
        whole: Pieces = tokenizer.encode(text)
        assert cut.pieces.ids.tolist() == whole.ids.tolist()
        assert cut.pieces.char_starts.tolist() == whole.char_starts.tolist()


def test_one_piece_masks_share_sequences_and_each_span_has_one_for_each_length(tokenizer):
    found = asked(tokenizer, "the [MASK] of [MASK...] [MASK]", FillMaskSettings(longest_span=3))
    assert [(one.ask, one.masks) for one in found] == [
        (Ask.APART, (0, 2)),
        (Ask.TOGETHER, (0, 2)),
        (Ask.SPAN, (1,)),
        (Ask.SPAN, (1,)),
        (Ask.SPAN, (1,)),
    ]
    assert shown(tokenizer, found[0]) == "[CLS] the [MASK] o ##f [MASK] [MASK] [SEP]"
    assert found[0].places.tolist() == [2, 6]
    assert shown(tokenizer, found[4]) == "[CLS] the [MASK] o ##f [MASK] [MASK] [MASK] [MASK] [SEP]"
    assert found[4].places.tolist() == [5, 6, 7]
    assert found[4].span_end == 8
    assert found[0].span_end is None


def test_candidates_that_begin_alike_share_a_sequence(tokenizer):
    found = asked(tokenizer, "the [MASK].", candidates=["city", "river", "the city", "the river", "the"])
    assert all(one.ask is Ask.CHOOSE and len(one.places) == 1 for one in found)
    by_text = {shown(tokenizer, one): one for one in found}
    assert set(by_text) == {
        "[CLS] the [MASK] . [SEP]",
        "[CLS] the [MASK] [MASK] . [SEP]",
        "[CLS] the the [MASK] . [SEP]",
    }
    assert by_text["[CLS] the [MASK] . [SEP]"].choices == ((0, False), (1, False), (4, False))
    last = by_text["[CLS] the the [MASK] . [SEP]"]
    assert last.places.tolist() == [3]
    assert [tokenizer.piece(piece_id) for piece_id in last.given_ids] == ["city", "river"]


def test_a_mask_right_behind_a_letter_asks_for_the_rest_of_its_word(tokenizer):
    text = "run[MASK] [MASK] 的[MASK] .[MASK]"
    opening = asked(tokenizer, text)[0].openings
    assert opening == (Opening.REST_OF_WORD, Opening.WORD, Opening.WORD, Opening.WORD)


def test_only_windows_that_own_a_mask_are_read(tokenizer):
    options = FillMaskSettings(window_pieces=40, overlap_pieces=10)
    text = "the [MASK] " + "city " * 200 + "[MASK] river"
    found = asked(tokenizer, text, options)
    assert [one.masks for one in found] == [(0,), (1,)]
    assert all(one.piece_count <= 40 for one in found)
    assert found[0].window.start == 0
    assert found[1].window.end == 204
    truncated = asked(tokenizer, text, options.model_copy(update={"on_long": "truncate"}))
    assert [one.masks for one in truncated] == [(0,)]
    with pytest.raises(DataError, match="on_long = error"):
        asked(tokenizer, text, options.model_copy(update={"on_long": "error"}))


def test_no_sequence_is_longer_than_a_window(tokenizer):
    options = FillMaskSettings(window_pieces=36, overlap_pieces=8)
    text = "the city [MASK...] of " * 30
    assert max(one.piece_count for one in asked(tokenizer, text, options)) == 36
    assert max(one.piece_count for one in asked(tokenizer, text, options, answers=["the city"] * 30)) <= 36


def test_answers_that_leave_no_room_are_refused(tokenizer):
    with pytest.raises(DataError, match="leaves no room"):
        asked(tokenizer, "the [MASK]", FillMaskSettings(window_pieces=36), candidates=["city " * 30])


def test_unknown_candidates_are_refused_and_unknown_answers_not_scored(tokenizer):
    with pytest.raises(DataError, match="candidate 'ж'"):
        asked(tokenizer, "the [MASK]", candidates=["ж"])
    assert [one.ask for one in asked(tokenizer, "the [MASK]", answers=["ж"])] == [Ask.APART]
    assert [one.ask for one in asked(tokenizer, "the [MASK]", answers=["city"])] == [Ask.APART, Ask.SCORE]


def test_gold_is_hidden_from_every_sequence(tokenizer):
    river = tokenizer.encode("river").ids[0]
    for one in asked(tokenizer, "the [MASK...] of paris", answers=["river"]):
        assert river not in one.piece_ids
    (one,) = asked(tokenizer, "the city of paris. " * 9)
    hidden = one.piece_ids == tokenizer.mask_id
    assert hidden.sum() == len(one.places) == len(one.given_ids) == round(0.15 * 9 * 6)
    assert np.flatnonzero(hidden).tolist() == one.places.tolist()


def test_candidates_behind_a_letter_go_on_with_the_word(tokenizer):
    (one,) = asked(tokenizer, "walk[MASK]", candidates=["ing"])
    assert [tokenizer.piece(piece_id) for piece_id in one.given_ids] == ["##ing"]
    (one,) = asked(tokenizer, "walk[MASK...]", candidates=["ing"])
    assert [tokenizer.piece(piece_id) for piece_id in one.given_ids] == ["##ing"]


def test_answers_behind_letters_go_on_with_the_word(tokenizer):
    (scored,) = (
        one
        for one in asked(tokenizer, "walk[MASK] the[MASK][MASK] [MASK]", answers=["ing", ".", "s", "s"])
        if one.ask is Ask.SCORE
    )
    assert [tokenizer.piece(piece_id) for piece_id in scored.given_ids] == ["##ing", ".", "s", "s"]
    (scored,) = (
        one for one in asked(tokenizer, "[MASK][MASK]", answers=["what", "s"]) if one.ask is Ask.SCORE
    )
    assert [tokenizer.piece(piece_id) for piece_id in scored.given_ids] == ["what", "##s"]


def test_answers_do_not_change_what_is_read_for_predictions(tokenizer):
    options = FillMaskSettings(window_pieces=36, overlap_pieces=8)
    text = "the city [MASK] of " * 10
    plain = asked(tokenizer, text, options)
    with_answers = asked(tokenizer, text, options, answers=["the " * 12, *["city"] * 9])
    asks = [one for one in with_answers if one.ask is not Ask.SCORE]
    assert [shown(tokenizer, one) for one in asks] == [shown(tokenizer, one) for one in plain]
    long = [one for one in with_answers if one.ask is Ask.SCORE and len(one.places) == 12]
    assert len(long) == 1
    assert long[0].piece_count == 36
    assert long[0].piece_ids[long[0].places[0] - 1] == tokenizer.encode("city").ids[-1]


@pytest.mark.parametrize("text", ["ж", "\x00 .\x00", "[UNK]"])
def test_a_text_with_nothing_to_hide_still_has_a_feature(tokenizer, text):
    (one,) = asked(tokenizer, text) if text != "\x00 .\x00" else asked(tokenizer, "ж ж")
    assert len(one.places) == 0
