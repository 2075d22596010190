import sys

import numpy as np
import pytest

from spanbert.errors import MissingExtraError
from spanbert.pretraining.corpus.tokenizing import CorpusTokenizer, Cut
from spanbert.text.tokenizer import Tokenizer


def cut(tokenizer: Tokenizer, texts, spans=None, *, segment_chinese: bool = False) -> Cut:
    corpus_tokenizer = CorpusTokenizer(tokenizer.backend.to_str(), segment_chinese=segment_chinese)
    return corpus_tokenizer.cut(texts, spans or [()] * len(texts))


def words(tokenizer: Tokenizer, found: Cut) -> list[str]:
    """Pieces of a word joined by `+`."""
    joined: list[str] = []
    for piece_id, starts in zip(found.piece_ids, found.starts_word, strict=True):
        joined += [] if joined and not starts else [""]
        joined[-1] += ("" if starts else "+") + tokenizer.piece(int(piece_id))
    return joined


def test_texts_follow_one_another_with_their_words_marked(tokenizer):
    found = cut(tokenizer, ["the cats, paris", "", "unable"])
    assert words(tokenizer, found) == ["the", "c+##a+##t+##s", ",", "paris", "un+##able"]
    assert found.lengths.tolist() == [7, 0, 2]


def test_a_special_piece_written_out_in_the_text_is_text(tokenizer):
    found = cut(tokenizer, ["the [MASK] [SEP]"])
    assert words(tokenizer, found) == ["the", "[", "m+##a+##s+##k", "]", "[", "s+##e+##p", "]"]
    assert tokenizer.encode("[MASK]").ids.tolist() == [tokenizer.mask_id], "the tokenizer itself is as it was"


def test_given_spans_cover_the_pieces_of_their_characters(tokenizer):
    found = cut(tokenizer, ["the cats", "in paris, france"], [[(4, 8)], [(3, 8), (2, 3), (10, 16)]])
    assert found.given.tolist() == [[1, 5], [7, 8], [9, 10]], "a span of a space has no piece"


@pytest.fixture(scope="module")
def chinese(tmp_path_factory) -> Tokenizer:
    return Tokenizer.train(["我们爱北京大学 bert 模型。"] * 2, size=100, lowercase=True, min_frequency=1)


def test_a_chinese_word_is_a_character(chinese):
    assert words(chinese, cut(chinese, ["我们爱北京大学"])) == list("我们爱北京大学")


def test_a_chinese_word_is_a_segment_where_asked_for(chinese):
    pytest.importorskip("rjieba")
    found = cut(chinese, ["我们爱北京大学。bert模型"], segment_chinese=True)
    assert words(chinese, found)[:4] == ["我+们", "爱", "北+京+大+学", "。"]
    assert words(chinese, found)[-1] == "模+型"


def test_segments_keep_their_place_behind_characters_of_two_code_units(chinese):
    pytest.importorskip("rjieba")
    found = cut(chinese, ["😀😀我们 爱北京"], segment_chinese=True)
    assert words(chinese, found)[1:] == ["我+们", "爱", "北+京"]


def test_characters_of_a_segment_apart_by_a_space_stay_words(chinese):
    pytest.importorskip("rjieba")
    assert words(chinese, cut(chinese, ["北 京"], segment_chinese=True)) == ["北", "京"]


def test_segmenting_names_the_extra_it_lacks(chinese, monkeypatch):
    monkeypatch.setitem(sys.modules, "rjieba", None)
    with pytest.raises(MissingExtraError, match=r"spanbert\[chinese\]"):
        cut(chinese, ["我们"], segment_chinese=True)


def test_no_texts_with_pieces_make_empty_arrays(tokenizer):
    found = cut(tokenizer, [""])
    assert (found.piece_ids.dtype, len(found.piece_ids), found.starts_word.dtype) == (np.int32, 0, np.bool_)
