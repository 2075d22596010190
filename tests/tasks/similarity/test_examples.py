import gzip
import json
import logging

import pytest

from spanbert.errors import DataError, SettingsError
from spanbert.tasks.similarity.examples import SimilarityExample, parse_example, read_examples
from spanbert.tasks.similarity.settings import SimilaritySettings
from spanbert.workflows.settings import checked

PLAIN = SimilaritySettings()


def written(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_csv_tsv_and_jsonl_give_the_same_pairs(tmp_path):
    csv = written(tmp_path / "a.csv", 'sentence1,sentence2,score\n"A, or b",c,4.5\nd,e,0\n')
    tsv = written(tmp_path / "a.tsv", "sentence1\tsentence2\tscore\nA, or b\tc\t4.5\nd\te\t0\n")
    lines = [("A, or b", "c", 4.5), ("d", "e", 0)]
    objects = [{"sentence1": one, "sentence2": two, "score": score} for one, two, score in lines]
    jsonl = tmp_path / "a.jsonl.gz"
    with gzip.open(jsonl, "wt", encoding="utf-8") as stream:
        stream.writelines(json.dumps(item) + "\n" for item in objects)
    wanted = [("A, or b", "c", 4.5), ("d", "e", 0.0)]
    for path in (csv, tsv, jsonl):
        assert [(made.text1, made.text2, made.score) for made in read_examples(path, PLAIN)] == wanted
    assert [made.id for made in read_examples(csv, PLAIN)] == ["2", "3"]


@pytest.mark.parametrize(
    ("first", "second", "score"),
    [("Text1", "Text2", "Similarity"), ("question1", "question2", "label"), ("anchor", "positive", "score")],
)
def test_usual_names_are_guessed_whatever_their_case(first, second, score):
    made = parse_example({first: "a", second: "b", score: "2"}, PLAIN, "x", 3)
    assert made == SimilarityExample("3", "a", "b", 2.0)


def test_said_names_win_over_usual_ones():
    settings = SimilaritySettings(text1_column="Left", text2_column="right", score_column="points")
    item = {"left": "a", "right": "b", "sentence1": "c", "sentence2": "d", "score": 1, "points": 3}
    assert parse_example(item, settings, "x", 1) == SimilarityExample("1", "a", "b", 3.0)


@pytest.mark.parametrize("score", [None, "", "  "])
def test_a_score_may_be_absent(score):
    assert parse_example({"sentence1": "a", "sentence2": "b", "score": score}, PLAIN, "x", 1).score is None


@pytest.mark.parametrize("score", ["high", True, [1], "nan", float("inf"), 10**400])
def test_a_score_that_is_no_number_is_refused_with_its_line(score):
    with pytest.raises(DataError, match=r"^x:7: 'score' must be a number, found "):
        parse_example({"sentence1": "a", "sentence2": "b", "score": score}, PLAIN, "x", 7)


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (
            {"sentence1": "a", "other": "b"},
            r"no column 'sentence2'; found \['sentence1', 'other'\], expected",
        ),
        ({"sentence1": "a", "sentence2": " "}, "the text 'sentence2' is empty"),
        ({"sentence1": "a", "sentence2": 4}, "must be a string, found int"),
    ],
)
def test_a_pair_that_lacks_a_text_is_refused_with_its_line(item, message):
    with pytest.raises(DataError, match=f"^x:7: .*{message}"):
        parse_example(item, PLAIN, "x", 7)


def test_a_file_without_pairs_is_refused(tmp_path):
    with pytest.raises(DataError, match="holds no pairs"):
        list(read_examples(written(tmp_path / "a.tsv", "sentence1\tsentence2\tscore\n"), PLAIN))


@pytest.mark.parametrize("values", [{"score_min": 1}, {"score_min": 2, "score_max": 2}])
def test_a_scale_without_extent_is_refused(values):
    with pytest.raises(SettingsError, match="score_m"):
        checked(SimilaritySettings, values, "settings")


def pair(**more):
    return {"sentence1": "a", "sentence2": "b", **more}


def in_lines(path, *items):
    return written(path, "".join(json.dumps(item) + "\n" for item in items))


def test_which_columns_are_meant_is_decided_once_for_a_file(tmp_path):
    path = in_lines(tmp_path / "a.jsonl", pair(text1="x", text2="y"), pair(score=3), pair(label=9))
    made = list(read_examples(path, PLAIN))
    assert [(one.text1, one.score) for one in made] == [("a", None), ("a", 3.0), ("a", None)]
    assert not any(one.unread_columns for one in made)


def test_a_line_with_other_names_for_its_texts_is_the_first_bad_one(tmp_path):
    path = in_lines(tmp_path / "a.jsonl", pair(score=3), {"text1": "x", "text2": "y", "score": 1})
    found = read_examples(path, PLAIN)
    assert next(found).score == 3
    with pytest.raises(DataError, match=r"a\.jsonl:2: no field \"sentence1\"; found \['text1'"):
        next(found)


@pytest.mark.parametrize("setting", ["text1_column", "text2_column"])
def test_a_said_text_that_is_not_there_is_refused(setting):
    with pytest.raises(
        DataError, match=r"^x:7: no column 'left'; found \['sentence1', 'sentence2'\], expected"
    ):
        parse_example(pair(), SimilaritySettings(**{setting: "left"}), "x", 7)


@pytest.mark.parametrize(
    "settings", [{"text1_column": "sentence2"}, {"score_column": "sentence1"}, {"text2_column": "SENTENCE1"}]
)
def test_one_column_is_not_two_things(settings):
    with pytest.raises(DataError, match=r"^x:7: one column is taken for two things"):
        parse_example(pair(), SimilaritySettings(**settings), "x", 7)


def test_names_that_differ_in_case_alone_are_refused():
    with pytest.raises(DataError, match=r"^x:7: names of columns differ in case alone"):
        parse_example(pair(score=1, Score=2), PLAIN, "x", 7)


@pytest.mark.parametrize(
    ("item", "settings", "unread"),
    [
        (pair(id="1", points=3, genre="x"), {}, ("points", "genre")),
        (pair(id="1", points=3, score=None), {}, ()),
        (pair(id="1", points=3), {"score_column": "points"}, ()),
        (pair(id="1", points=3), {"score_column": "scor"}, ()),
        (pair(ID="1"), {}, ()),
    ],
)
def test_columns_that_may_hold_the_score_are_remembered_where_none_is_known_to(item, settings, unread):
    assert parse_example(item, SimilaritySettings(**settings), "x", 1).unread_columns == unread


def test_guessed_columns_are_said_once_and_others_not_at_all(tmp_path, caplog):
    caplog.set_level(logging.WARNING, logger="spanbert")
    list(read_examples(written(tmp_path / "plain.csv", "sentence1,sentence2,score\na,b,1\n"), PLAIN))
    said = SimilaritySettings(text1_column="anchor", text2_column="positive", score_column="label")
    guessed = written(tmp_path / "a.csv", "anchor,positive,label\na,b,1\nc,d,2\n")
    list(read_examples(guessed, said))
    assert not caplog.messages
    list(read_examples(guessed, PLAIN))
    (told,) = caplog.messages
    assert told.endswith(
        "a.csv: guessed text1_column = anchor, text2_column = positive, score_column = label "
        "(settings can say otherwise)"
    )
