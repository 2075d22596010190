from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanbert.text.spans import Span
from spanbert.text.words import joined, word_count

WORDS = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters=" "), min_size=1, max_size=4), max_size=8
)


@given(WORDS)
@settings(max_examples=60, deadline=None)
def test_every_word_stands_at_its_characters_in_order(words):
    text, spans = joined(words)
    assert [text[span.start : span.end] for span in spans] == words
    assert all(left.end <= right.start for left, right in pairwise(spans))
    assert "".join(words) == text.replace(" ", "")


def test_spaces_stand_between_words_of_spaced_scripts_only():
    assert joined(["Ada", "wrote", "it", "."])[0] == "Ada wrote it ."
    assert joined(["他", "是", "AI", "专", "家", "。"])[0] == "他是 AI 专家。"
    assert joined([]) == ("", [])
    assert joined(["x"])[1] == [Span(0, 1)]


@pytest.mark.parametrize(
    ("text", "count"), [("", 0), (" Ada  Byron\n", 2), ("艾达 in 伦敦", 5), ("l'été", 1)]
)
def test_words_are_counted_by_spaces_or_by_character(text, count):
    assert word_count(text) == count
