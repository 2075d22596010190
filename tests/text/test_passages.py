"""Cutting documents into passages."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbert.errors import SettingsError
from spanbert.text.documents import Document
from spanbert.text.passages import passages


def document(text: str, headings: tuple[int, ...] = ()) -> Document:
    return Document(Path("a.txt"), text, headings=headings)


def cut(text: str, **settings) -> list[str]:
    return [passage.text for passage in passages(document(text), **settings)]


PIECES = st.sampled_from(
    ["word ", "a", "Dr. No! ", "\n", "\n\n", " \n\t\n", "。", "\r\n", "\f", "\u2029", "漢字", "x" * 40]
)


@given(st.lists(PIECES | st.text(max_size=4), max_size=60).map("".join), st.integers(1, 90), st.data())
def test_every_visible_character_is_in_a_passage(text, max_chars, data):
    overlap = data.draw(st.integers(0, max_chars // 4))
    headings = sorted(data.draw(st.sets(st.integers(0, max(len(text) - 1, 0)), max_size=4)))
    seen = set()
    previous = -1
    for passage in passages(document(text, tuple(headings)), max_chars, overlap):
        chars = passage.chars
        assert text[chars.start : chars.end] == passage.text
        assert passage.text == passage.text.strip()
        assert 0 < len(chars) <= max_chars
        assert chars.start > previous
        previous = chars.start
        seen.update(range(chars.start, chars.end))
    assert {place for place, char in enumerate(text) if not char.isspace()} <= seen


def test_short_paragraphs_are_joined_up_to_the_size():
    assert cut("one two\n\nthree four\n\nfive six", max_chars=20, overlap_chars=0) == [
        "one two\n\nthree four",
        "five six",
    ]


def test_a_heading_begins_a_passage():
    text = "End of one.\n# Two\nText of two."
    found = [passage.text for passage in passages(document(text, (12,)))]
    assert found == ["End of one.", "# Two\nText of two."]


def test_a_title_travels_with_the_long_paragraph_behind_it():
    found = cut("Title\n\n" + "A sentence. " * 20, max_chars=100, overlap_chars=0)
    assert found[0].startswith("Title\n\nA sentence.")


def test_a_long_paragraph_is_cut_at_sentence_ends_with_overlap():
    sentences = [f"Sentence number {number} stands here." for number in range(40)]
    found = cut(" ".join(sentences), max_chars=200, overlap_chars=50)
    assert all(part.startswith("Sentence") and part.endswith("here.") for part in found)
    for left, right in pairwise(found):
        shared = sentences[int(right.split()[2])]
        assert left.endswith(shared)


def test_words_stay_whole_where_there_are_no_sentences():
    words = [f"word{number}" for number in range(300)]
    for part in cut(" ".join(words), max_chars=120, overlap_chars=20):
        assert set(part.split()) <= set(words)


def test_chinese_is_cut_behind_its_full_stop():
    found = cut("这是一个句子。" * 40, max_chars=60, overlap_chars=0)
    assert all(part.endswith("。") for part in found)


def test_a_line_of_a_million_characters():
    text = "x" * 1_000_000
    found = list(passages(document(text)))
    assert found[0].chars.start == 0
    assert found[-1].chars.end == len(text)
    assert len(found) == pytest.approx(1_000_000 / 1000, rel=0.01)


def test_passages_come_as_a_stream():
    stream = passages(document("one\n\n" + "two " * 1000))
    assert next(stream).text.startswith("one")


def test_nothing_visible_gives_no_passage():
    assert cut(" \n\n\t \f\n") == []


def test_an_overlap_that_eats_the_passage_is_refused():
    with pytest.raises(SettingsError, match="quarter"):
        cut("text", max_chars=100, overlap_chars=26)
