"""Readers of coreference files: what they give, and what they say of files that break their format."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbert.errors import DataError
from spanbert.tasks.coreference.examples import Turn, parse_example, read_examples
from spanbert.text.spans import Span

SENTENCES = [["Ada", "came", "."], ["She", "left", "."]]


def parsed(**fields):
    return parse_example(fields, "here", 7)


def shown(example):
    return [[example.text[span.start : span.end] for span in cluster] for cluster in example.clusters]


def test_tokens_become_a_text_and_their_spans_characters():
    example = parsed(doc_key="d", sentences=SENTENCES, clusters=[[[3, 3], [0, 0]], [[0, 1]]])
    assert (example.id, example.text) == ("d", "Ada came . She left .")
    assert shown(example) == [["Ada", "She"], ["Ada came"]]


def test_a_text_has_its_spans_in_characters():
    cluster = {
        "name": "Ada",
        "mentions": [{"text": "Ada", "char_start": 0, "char_end": 3, "probability": 0.5}],
    }
    assert shown(parsed(text="Ada came.", clusters=[cluster])) == [["Ada"]]


def test_gold_may_be_absent_or_say_that_nothing_corefers():
    assert parsed(sentences=SENTENCES).clusters is None
    assert parsed(sentences=SENTENCES, clusters=[]).clusters == ()
    assert parsed(sentences=[]).text == ""


def test_turns_join_neighbouring_tokens_of_one_speaker():
    example = parsed(sentences=SENTENCES, speakers=[["Max", "Max", "-"], ["Eve", "Eve", "Eve"]])
    assert example.turns == (Turn(Span(0, 8), "Max"), Turn(Span(11, 21), "Eve"))


def test_a_text_file_is_one_document(tmp_path):
    path = tmp_path / "novel.txt.gz"
    path.write_bytes(gzip.compress(b"Ada came.\nShe left."))
    (example,) = read_examples(path)
    assert (example.id, example.text, example.clusters) == ("novel", "Ada came.\nShe left.", None)


@given(
    st.lists(
        st.lists(st.text("ab你é😀", min_size=1, max_size=3), min_size=1, max_size=4), min_size=1, max_size=4
    ),
    st.data(),
)
def test_every_token_span_is_found_at_its_characters(sentences, data):
    words = [word for sentence in sentences for word in sentence]
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first, len(words) - 1))
    example = parsed(sentences=sentences, clusters=[[[first, last]]])
    (span,) = example.clusters[0]
    found = example.text[span.start : span.end]
    assert found.replace(" ", "") == "".join(words[first : last + 1])
    assert found.startswith(words[first])
    assert found.endswith(words[last])


def test_tokens_without_characters_count_and_have_no_place_in_the_text():
    fields = {
        "sentences": [["", "New", "Zealand", "", "that"], [" ", "it", ""]],
        "clusters": [[[0, 3], [6, 7]]],
        "speakers": [["", "", "", "", ""], ["Max", "Max", "Max"]],
    }
    example = parse_example({"id": "1", **fields}, "x", 1)
    assert example.text == "New Zealand that it"
    assert [[example.text[span.start : span.end] for span in one] for one in example.clusters] == [
        ["New Zealand", "it"]
    ]
    (turn,) = example.turns
    assert example.text[turn.chars.start : turn.chars.end].strip() == "it"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "no field"),
        ({"sentences": ["Ada came"]}, "list of lists"),
        ({"sentences": [["Ada", 3]]}, "must hold strings, found int"),
        ({"sentences": [["Ada", " "]], "clusters": [[[1, 1]]]}, r"\[1, 1\] has no characters"),
        ({"sentences": SENTENCES, "speakers": [["Max"]]}, '1 "speakers" for 6 tokens'),
        ({"sentences": SENTENCES, "clusters": {}}, "must be a list, found an object"),
        ({"sentences": SENTENCES, "clusters": [[[0, 0, 1]]]}, "first token, last token"),
        ({"sentences": SENTENCES, "clusters": [[[0, True]]]}, "first token, last token"),
        ({"sentences": SENTENCES, "clusters": [[[3, 6]]]}, r"\[3, 6\] is no span of 6 tokens"),
        ({"sentences": SENTENCES, "clusters": [[[2, 1]]]}, r"\[2, 1\] is no span"),
        ({"sentences": SENTENCES, "clusters": [[[0, 0], [3, 3]], [[0, 0]]]}, "'Ada' .* stands twice"),
        ({"sentences": SENTENCES, "clusters": [[[0, 0], [0, 0]]]}, "stands twice"),
        ({"text": "Ada", "clusters": [[[0, 1]]]}, 'object with "mentions"'),
        ({"text": "Ada", "clusters": [{"mentions": [{"char_start": 0}]}]}, '"char_end"'),
        (
            {"text": "Ada", "clusters": [{"mentions": [{"char_start": False, "char_end": 3}]}]},
            "needs integers",
        ),
        (
            {"text": "Ada", "clusters": [{"mentions": [{"char_start": 0, "char_end": True}]}]},
            "needs integers",
        ),
        ({"sentences": SENTENCES, "clusters": [[[0, True]]]}, "must be .first token, last token"),
        ({"text": "Ada", "clusters": [{"mentions": [{"char_start": 0, "char_end": 4}]}]}, "no span of 3"),
        ({"text": "A  b", "clusters": [{"mentions": [{"char_start": 1, "char_end": 3}]}]}, "but spaces"),
        (
            {"text": "Ada", "clusters": [{"mentions": [{"text": "Eve", "char_start": 0, "char_end": 3}]}]},
            "'Eve' does not stand",
        ),
    ],
)
def test_what_breaks_the_format_is_said_with_file_and_line(fields, message):
    with pytest.raises(DataError, match=message) as caught:
        parsed(**fields)
    assert str(caught.value).startswith("here:7: ")
    assert "\n" not in str(caught.value)


def test_ids_differ_and_files_hold_something(tmp_path):
    path = tmp_path / "data.jsonlines"
    line = json.dumps({"doc_key": "d", "sentences": SENTENCES}) + "\n"
    path.write_text(line + "\n" + line)
    with pytest.raises(DataError, match=r"data.jsonlines:3: the id 'd' stands twice"):
        list(read_examples(path))
    path.write_text("")
    with pytest.raises(DataError, match="no documents"):
        list(read_examples(path))


def test_spaces_at_the_ends_of_a_mention_are_left_off():
    mention = {"text": " Ada\n", "char_start": 2, "char_end": 7}
    found = parse_example({"text": "So Ada\nran.", "clusters": [{"mentions": [mention]}]}, "here", 1)
    assert found.clusters == ((Span(3, 6),),)
