"""Ranking passages by shared words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbert.text.ranking import PassageIndex, words

PASSAGES = [
    "The bridge over the river was built in 1894 by two engineers.",
    "A café in the old town sells coffee and cakes.",
    "The studies of rivers began early.",
    "北京是中华人民共和国的首都,也是直辖市。",
    "上海是中国最大的城市。",
]


def best(question: str) -> int:
    return PassageIndex(PASSAGES).rank(question, 1)[0][0]


def test_words_meet_whatever_their_case_ending_or_width():
    assert best("Who BUILDS bridges?") == 0
    assert best("study of a river") == 2
    assert best("ＣＯＦＦＥＥ") == 1
    assert best("cafe\u0301") == 1  # e and a combining accent


def test_chinese_is_found_without_spaces():
    assert best("中国的首都是哪里?") == 3
    assert best("最大的城市") == 4


def test_function_words_do_not_decide():
    index = PassageIndex(["what is it that the and of", "an elephant"])
    assert index.rank("What is it that the elephant is?", 1)[0][0] == 1


def test_no_shared_word_keeps_the_order_of_the_passages():
    index = PassageIndex(PASSAGES)
    assert index.rank("xylophone", 3) == [(0, 0.0), (1, 0.0), (2, 0.0)]
    assert [number for number, _ in index.rank("the", 9)] == [0, 1, 2, 3, 4]
    assert [number for number, _ in index.rank("largest 城市", 9)] == [4, 3, 0, 1, 2]


@given(
    st.lists(st.text(alphabet="abcs 京北,", max_size=30), max_size=6),
    st.text(alphabet="abcs 京北", max_size=9),
)
def test_an_index_for_one_question_ranks_as_the_full_one(passages, question):
    assert PassageIndex(passages, question).rank(question, 6) == PassageIndex(passages).rank(question, 6)


def test_an_index_for_one_question_takes_no_other():
    with pytest.raises(ValueError, match="another question"):
        PassageIndex(PASSAGES, "Who built the bridge?").rank("largest city", 1)


def test_nothing_to_index():
    assert PassageIndex([]).rank("a question", 5) == []
    assert PassageIndex(["...", ""]).rank("a question", 5) == [(0, 0.0), (1, 0.0)]
    assert len(PassageIndex(["...", ""])) == 2


def test_scores_fall_and_top_limits():
    ranked = PassageIndex(PASSAGES).rank("rivers built engineers", 4)
    assert len(ranked) == 4
    assert [score for _, score in ranked] == sorted((score for _, score in ranked), reverse=True)


@given(st.lists(st.text(max_size=30), max_size=6), st.text(max_size=20), st.integers(1, 8))
def test_any_text_gives_each_passage_at_most_once(passages, question, top):
    ranked = PassageIndex(passages).rank(question, top)
    numbers = [number for number, _ in ranked]
    assert len(set(numbers)) == len(numbers) == min(top, len(passages))


@given(st.text(max_size=40))
def test_words_hold_no_white_space(text):
    assert all(word and not any(char.isspace() for char in word) for word in words(text))
