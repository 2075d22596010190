import logging
from pathlib import Path

import pytest

from spanbert.errors import DataError
from spanbert.tasks.classification.examples import as_number, parse_example, read_examples
from spanbert.tasks.classification.settings import ClassificationSettings

SHARED = Path(__file__).parents[4] / "shared" / "data" / "classification"


def parse(item, **settings):
    return parse_example(item, ClassificationSettings(**settings), "item", 1)


def read(path, **settings):
    return list(read_examples(path, ClassificationSettings(**settings)))


@pytest.mark.parametrize(
    ("value", "settings", "gold"),
    [
        ("x ", {}, "x"),
        (3, {}, "3"),
        (True, {}, "true"),
        (2.5, {}, 2.5),
        (["b", 1, "b"], {}, ("b", "1")),
        ([], {}, ()),
        ("b| a|b|", {"label_separator": "|"}, ("b", "a")),
        ("", {"label_separator": "|"}, ()),
        ("", {}, None),
        (None, {}, None),
        (float("nan"), {}, None),
        ("2.5", {"kind": "number"}, 2.5),
        (2, {"kind": "number"}, 2.0),
        ("", {"kind": "number"}, None),
    ],
)
def test_labels_of_every_form(value, settings, gold):
    assert parse({"text": "a", "label": value}, **settings).gold == gold


def test_a_label_may_be_absent():
    assert parse({"text": "a"}).gold is None


def test_columns_are_guessed_and_said_once_a_file(tmp_path, caplog):
    path = tmp_path / "reviews.csv"
    path.write_text("Review,Sentiment,id\nnice,good,7\nawful,bad,8\n", encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        found = read(path)
    assert [(one.id, one.text, one.gold) for one in found] == [("7", "nice", "good"), ("8", "awful", "bad")]
    assert [record.getMessage() for record in caplog.records] == [
        f"{path}: guessed text_column = Review, label_column = Sentiment (settings can say otherwise)"
    ]


def test_named_columns_win_and_need_no_saying(tmp_path, caplog):
    path = tmp_path / "t.tsv"
    path.write_text("text\tbody\tother\tlabel\tgrade\nno\tyes\ttwo\tno\tA\n", encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        found = read(path, text_column="body", pair_column="other", label_column="grade")
    assert (found[0].text, found[0].pair, found[0].gold) == ("yes", "two", "A")
    assert not caplog.records


def test_pairs_are_found(tmp_path):
    path = tmp_path / "t.tsv"
    path.write_text("sentence1\tsentence2\tscore\na\tb\t4.5\n", encoding="utf-8")
    assert [(one.text, one.pair, one.gold) for one in read(path)] == [("a", "b", "4.5")]


def test_a_text_file_is_a_text_a_line(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text("one, two\n\nthree\n", encoding="utf-8")
    assert [(one.id, one.text) for one in read(path)] == [("1", "one, two"), ("3", "three")]


def test_columns_are_those_of_the_whole_table_and_not_of_a_row(tmp_path):
    lines = ['{"text": "c", "rating": 4}', '{"text": "a", "title": "HEAD", "label": "pos", "rating": 5}']
    path = tmp_path / "t.jsonl"
    path.write_text("\n".join([*lines, '{"text": "d", "text2": "e"}']), encoding="utf-8")
    found = [(one.text, one.pair, one.gold) for one in read(path)]
    assert found == [("c", None, None), ("a", None, "pos"), ("d", "e", None)]
    path.write_text("\n".join([*lines, '{"title": "HEAD", "body": "x", "label": "neg"}']), encoding="utf-8")
    with pytest.raises(DataError, match=r"t\.jsonl:3: no field \"text\""):
        read(path)


def test_rows_before_a_broken_one_are_given(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text('{"text": "a"}\n{"text": \n', encoding="utf-8")
    rows = read_examples(path, ClassificationSettings())
    assert next(rows).text == "a"
    with pytest.raises(DataError, match=r"t\.jsonl:2"):
        next(rows)


def test_what_has_no_names_of_its_own_is_text_whatever_the_column_was_called(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text("a film\n", encoding="utf-8")
    assert read(path, text_column="review", label_column="stars")[0].text == "a film"
    assert parse({"text": "a film"}, text_column="review").text == "a film"


def test_a_named_column_serves_once(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("premise,hypothesis,score,label\na,b,c,d\n", encoding="utf-8")
    assert [(one.text, one.pair) for one in read(path, text_column="hypothesis")] == [("b", None)]
    assert read(path, text_column="label")[0].gold == "c"


def test_a_pair_may_be_null():
    assert parse({"text": "a", "text2": None, "label": "x"}).pair is None


def test_an_underscore_is_no_part_of_a_number():
    assert as_number("1_5") is None


@pytest.mark.parametrize(
    ("name", "text", "settings", "message"),
    [
        ("t.csv", "Text,text,label\na,b,c\n", {}, "t.csv:1: names of columns differ in case alone"),
        (
            "t.csv",
            "text,label\na,b\n",
            {"text_column": "text", "label_column": "Text"},
            "one column is named for two things",
        ),
        (
            "t.csv",
            "a lovely film,1\nb,0\n",
            {},
            "t.csv:1: no column of the text: found ['a lovely film', '1'], expected one of text, sentence, ",
        ),
        ("t.csv", "text,label\na,b\n", {"text_column": "body"}, "expected 'body'"),
        ("t.csv", "text,label\na,b\n", {"pair_column": "text9"}, "expected 'text9'"),
        ("t.csv", "text,label\na,b\n ,b\n", {}, "t.csv:3: the text in 'text' is empty"),
        ("t.csv", "text,label\n", {}, "t.csv: the file holds no texts"),
        (
            "t.csv",
            "text,label\na,3\nb,x\n",
            {"kind": "number"},
            "t.csv:3: a number is needed as the label, found 'x'",
        ),
        ("t.csv", "text,label\na,inf\n", {"kind": "number"}, "a number is needed"),
        ("t.jsonl", '{"text": 3}\n', {}, 't.jsonl:1: "text" must be a string, found int'),
        ("t.jsonl", '{"text": "a", "label": {}}\n', {}, "t.jsonl:1: a label must be a string or an integer"),
        (
            "t.jsonl",
            '{"text": "a", "label": ["x", 1.5]}\n',
            {},
            "a label must be a string or an integer, found float",
        ),
    ],
)
def test_bad_input_is_one_line_with_its_place(tmp_path, name, text, settings, message):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read(path, **settings)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the data sets are not here")
@pytest.mark.parametrize(
    ("name", "texts", "labels"),
    [
        ("banking77", 998, 77),
        ("clinc150", 3095, 151),
        ("sst2", 872, 2),
        ("thucnews", 991, 10),
        ("trec", 556, 6),
    ],
)
def test_real_data_is_read_whole(name, texts, labels):
    path = SHARED / name / "dev.tsv"
    found = read(path)
    assert (len(found), len({example.gold for example in found})) == (texts, labels)
    lines = path.read_text(encoding="utf-8").split("\n")[1:-1]
    assert [f"{example.text}\t{example.gold}" for example in found] == lines
