import gzip

import pytest

from spanbert.errors import DataError
from spanbert.tasks.fill_mask.examples import Fill, parse_example, read_examples
from spanbert.text.spans import Span


def parse(**fields):
    return parse_example(fields, "file", 3)


def test_masks_are_found_where_they_stand():
    text = "é [MASK] of [MASK...][MASK…]."
    example = parse(text=text)
    assert [text[mask.chars.start : mask.chars.end] for mask in example.masks] == [
        "[MASK]",
        "[MASK...]",
        "[MASK…]",
    ]
    assert example.masks[0].chars == Span(2, 8)
    assert [mask.is_span for mask in example.masks] == [False, True, True]
    assert not example.has_gold


def test_a_text_without_masks_and_one_with_answers_have_gold():
    assert parse(text="the city").has_gold
    assert parse(text="the [MASK]", answers=["city"]).has_gold


def test_small_probabilities_keep_their_digits():
    fill = Fill("city", 1.23456789e-9, -20.512345678)
    assert fill.to_json() == {"text": "city", "probability": 1.23457e-9, "log_probability": -20.5123}


def test_candidates_are_kept_once():
    assert parse(text="the [MASK]", candidates=["city", "river", "city"]).candidates == ("city", "river")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"texts": "a"}, 'no field "text"'),
        ({"text": 3}, "must be a string"),
        ({"text": " "}, "empty"),
        ({"text": "the <mask>."}, "write \\[MASK\\]"),
        ({"text": "the [mask]."}, "write \\[MASK\\]"),
        ({"text": "the [MASK..]."}, "write \\[MASK\\]"),
        ({"text": "the ［MASK］."}, "write \\[MASK\\]"),
        ({"text": "北京【ＭＡＳＫ】。"}, "write \\[MASK\\]"),
        ({"text": "the [MASK]", "answers": ["a", "b"]}, "2 texts, but the text has 1 masks"),
        ({"text": "the city", "answers": ["a"]}, "1 texts, but the text has 0 masks"),
        ({"text": "the [MASK]", "answers": "city"}, "must be a list"),
        ({"text": "the [MASK]", "answers": [""]}, "is no text"),
        ({"text": "the [MASK]", "candidates": [3]}, "is no text"),
        ({"text": "the [MASK]", "candidates": []}, "leave it out"),
        ({"text": "the [MASK]", "candidates": ["[MASK]"]}, "a mask itself"),
        ({"text": "the city", "candidates": ["a"]}, "no \\[MASK\\]"),
        ({"text": "the [MASK]", "id": 1.5}, '"id"'),
    ],
)
def test_wrong_fields_are_refused_with_place_and_remedy(fields, message):
    with pytest.raises(DataError, match=message) as caught:
        parse(**fields)
    assert str(caught.value).startswith("file:3: ")
    assert "\n" not in str(caught.value)


def test_jsonl_and_plain_text_are_read(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"id": 7, "text": "the [MASK]"}\n\n{"text": "x"}\n', encoding="utf-8")
    assert [(one.id, one.text) for one in read_examples(tmp_path / "a.jsonl")] == [
        (7, "the [MASK]"),
        ("3", "x"),
    ]
    with gzip.open(tmp_path / "a.txt.gz", "wt", encoding="utf-8") as stream:
        stream.write("the city\n\nthe [MASK]\n")
    assert [(one.id, one.text) for one in read_examples(tmp_path / "a.txt.gz")] == [
        ("1", "the city"),
        ("3", "the [MASK]"),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"text": "a"}\n{"text": \n', "2: "),
        ('{"id": 1, "text": "a"}\n{"id": "1", "text": "b"}\n', "2: the id '1' stands twice"),
        ("\n", "holds no texts"),
        ("[1]\n", "1: a JSON object is needed"),
    ],
)
def test_broken_files_are_refused_with_their_line(tmp_path, content, message):
    path = tmp_path / "a.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        list(read_examples(path))
