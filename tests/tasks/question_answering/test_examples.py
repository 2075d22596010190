"""Readers take every legal form, and say in one line what is wrong with the others."""

import gzip
import json
from pathlib import Path

import pytest

from spanbert.errors import DataError
from spanbert.tasks.question_answering.examples import (
    DATA_FORMATS,
    GoldAnswer,
    QaAnswer,
    QaExample,
    QaPrediction,
    parse_example,
    read_examples,
)
from spanbert.text.spans import Span

PASSAGE = "Ada wrote it. Ada Lovelace, née Byron 🙂, wrote it in 1843."
ADA = GoldAnswer("Ada", Span(0, 3))
LATER_ADA = GoldAnswer("Ada", Span(14, 17))
DATA = Path(__file__).parents[4] / "shared" / "data" / "qa"


def squad(*questions, title="Ada", passage=PASSAGE):
    return {
        "version": "v2.0",
        "data": [{"title": title, "paragraphs": [{"context": passage, "qas": [*questions]}]}],
    }


def asked(number="q1", answers=(("Ada", 0),), **more):
    found = [{"text": text, "answer_start": start} for text, start in answers]
    return {"id": number, "question": "Who wrote it?", "answers": found, **more}


def line(answers=None, **more):
    item = {"id": "q1", "question": "Who wrote it?", "passage": PASSAGE, "answers": answers, **more}
    return {name: value for name, value in item.items() if value is not None}


def written(folder, content, name="data.json"):
    """A file of that content; bytes and text as they are, lists as JSON lines, all else as JSON."""
    if isinstance(content, list):
        content = "".join(json.dumps(item) + "\n" for item in content)
    elif isinstance(content, dict):
        content = json.dumps(content, ensure_ascii=False)
    raw = content.encode() if isinstance(content, str) else content
    path = folder / name
    path.write_bytes(gzip.compress(raw, mtime=0) if name.endswith(".gz") else raw)
    return path


def read(folder, content, name="data.json"):
    return list(read_examples(written(folder, content, name)))


def complaint(folder, content, name="data.json"):
    """The message of the error that reading must end in: one line that begins with the file."""
    path = written(folder, content, name)
    with pytest.raises(DataError) as caught:
        list(read_examples(path))
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    assert len(message) < 300 + len(str(path))
    return message.removeprefix(str(path))


# Legal forms


@pytest.mark.parametrize("name", ["data.json", "data.json.gz", "data", "data.txt.gz"])
def test_squad_files_are_read_whatever_their_name(tmp_path, name):
    questions = [
        asked("q1", (("Ada", 0), ("Ada", 14), ("Ada", 0))),
        asked("q2", (), is_impossible=True),
        asked("q3", is_impossible=False),
    ]
    examples = read(tmp_path, squad(*questions), name)
    assert [(made.id, made.answers) for made in examples] == [
        ("q1", (ADA, LATER_ADA)),
        ("q2", ()),
        ("q3", (ADA,)),
    ]
    assert examples[0] == QaExample("q1", "Who wrote it?", PASSAGE, (ADA, LATER_ADA), "Ada")


def test_squad_laid_out_over_many_lines_is_the_same(tmp_path):
    data = squad(asked())
    assert read(tmp_path, json.dumps(data, indent=1)) == read(tmp_path, data)
    assert read(tmp_path, json.dumps(data, indent=1).replace("\n", "\r\n").encode("utf-8-sig")) == read(
        tmp_path, data
    )


@pytest.mark.parametrize("name", ["data.jsonl", "data.jsonl.gz", "data.ndjson", "data.json", "data"])
def test_json_lines_are_read_whatever_their_name(tmp_path, name):
    items = [line([{"text": "Ada", "start": 14}], id="q1"), line([], id="q2"), line(id="q3", title="Life")]
    examples = read(tmp_path, items, name)
    assert [(made.id, made.answers) for made in examples] == [("q1", (LATER_ADA,)), ("q2", ()), ("q3", None)]
    assert [made.article for made in examples] == [None, None, "Life"]


@pytest.mark.parametrize("name", ["data.jsonl", "data.json"])
def test_a_single_json_line_is_enough(tmp_path, name):
    assert [made.id for made in read(tmp_path, [line()], name)] == ["q1"]


@pytest.mark.parametrize(
    ("version", "always"), [("1.1", True), ("v1.1", True), ("1.0", True), ("v2.0", False), (None, False)]
)
def test_the_version_of_a_file_says_whether_no_answer_is_an_answer(tmp_path, version, always):
    content = squad(asked("a"), asked("b", answers=())) | ({} if version is None else {"version": version})
    answerable, without = read(tmp_path, content)
    assert answerable.always_answer is always
    assert without.always_answer is False


def test_an_article_without_title_is_one_of_its_own(tmp_path):
    data = squad(asked("q1"))
    data["data"] += squad(asked("q2"), title=None)["data"] + squad(asked("q3"))["data"]
    del data["data"][2]["title"]
    assert [made.article for made in read(tmp_path, data)] == ["Ada", "1", "2"]


@pytest.mark.parametrize("start", ["start", "answer_start"])
@pytest.mark.parametrize("place", ["passage", "context"])
def test_fields_have_two_names(start, place):
    item = {"question": "Who?", place: PASSAGE, "answers": [{"text": "Ada", start: 14}]}
    assert parse_example(item, "item", 3) == QaExample("3", "Who?", PASSAGE, (LATER_ADA,))


@pytest.mark.parametrize("name", ["data.jsonl", "data.json"])
def test_answers_may_stand_in_columns(tmp_path, name):
    columns = {"text": ["Ada", "Ada"], "answer_start": [0, 14]}
    items = [line(columns, id="1"), line({"text": [], "answer_start": []}, id="2")]
    if name == "data.json":
        items = squad(*({key: item[key] for key in ("id", "question", "answers")} for item in items))
    assert [made.answers for made in read(tmp_path, items, name)] == [(ADA, LATER_ADA), ()]


def test_integer_ids_stay_integers_and_missing_ones_become_line_numbers(tmp_path):
    items = [line(id=7), {key: value for key, value in line().items() if key != "id"}, {**line(), "id": None}]
    assert [made.id for made in read(tmp_path, items, "data.jsonl")] == [7, "2", "3"]


def test_blank_passages_are_legal_and_have_no_answer(tmp_path):
    items = [line([], id="1", passage=""), line([], id="2", passage=" \n\t"), line(id="3", passage="")]
    assert [made.answers for made in read(tmp_path, items, "data.jsonl")] == [(), (), None]


def test_offsets_count_code_points(tmp_path):
    start = PASSAGE.index("wrote it in")
    (made,) = read(tmp_path, squad(asked(answers=[("wrote it in", start)])))
    assert made.passage[made.answers[0].chars.start : made.answers[0].chars.end] == "wrote it in"


def test_a_million_characters_in_one_line_are_read(tmp_path):
    passage = "x " * 500_000 + "Ada"
    for content, name in (
        (squad(asked(answers=[("Ada", 1_000_000)]), passage=passage), "data.json"),
        ([line([{"text": "Ada", "start": 1_000_000}], passage=passage)], "data.jsonl"),
    ):
        (made,) = read(tmp_path, content, name)
        assert made.answers == (GoldAnswer("Ada", Span(1_000_000, 1_000_003)),)


def test_the_example_of_the_format_description_is_legal():
    shown = next(text for text in DATA_FORMATS.splitlines() if text.startswith("{"))
    assert parse_example(json.loads(shown), "help", 1).answers == (ADA,)


@pytest.mark.skipif(not DATA.is_dir(), reason="the data sets are not at hand")
def test_a_whole_compressed_training_set_is_read():
    examples = list(read_examples(DATA / "squad2" / "train.json.gz"))
    assert (len(examples), sum(not made.answers for made in examples)) == (6789, 3315)


# Faults: what the file holds, and what the message must say


BROKEN_FILES = [
    (b"", "data.json", ": the file is empty"),
    (b" \n\n", "data.json", ": the file is empty"),
    (b"", "data.jsonl", ": the file holds no questions"),
    (b"\n\n", "data.jsonl.gz", ": the file holds no questions"),
    (squad(), "data.json", ": the file holds no questions"),
    ({"version": "1.1", "data": []}, "data.json", ": the file holds no questions"),
    ({"version": "1.1"}, "data.json", ': no SQuAD file: an object with a list "data" is needed'),
    ("[1, 2]", "data.json", ': no SQuAD file: an object with a list "data" is needed'),
    ("17", "data", ': no SQuAD file: an object with a list "data" is needed'),
    ('{"data": [\n{"title": "x",\n oops}]}', "data.json", ":3: broken JSON: "),
    ('{"data": [', "data.json.gz", ":1: broken JSON: Expecting value (column 11)"),
    ([line()], "data.jsonl.gz", None),
    (json.dumps(line()) + "\n\n{broken\n", "data.jsonl", ":3: broken JSON: "),
    (json.dumps(line()) + "\n[]\n", "data.jsonl", ":2: a JSON object is needed, found list"),
    (
        '{"question": "Who?", "passage": "caf\xe9"}'.encode("latin-1"),
        "data.jsonl",
        ":1: not UTF-8 text (byte 0xe9)",
    ),
    ('{"data": [\n"caf\xe9"]}'.encode("latin-1"), "data.json", ":2: not UTF-8 text (byte 0xe9)"),
    (json.dumps(line()).encode("utf-16"), "data.jsonl", ":1: not UTF-8 text (byte 0xff)"),
    (gzip.compress(b"{}", mtime=0), "data.jsonl", ":1: not UTF-8 text (byte 0x8b)"),
    (bytes(range(256)) * 50, "data.bin", ":2: not UTF-8 text (byte 0x80)"),
    (b"\x00" * 5000, "data.json", r":1: JSON is needed, found '\x00"),
    ("x" * 1_000_000, "data.jsonl", ":1: JSON is needed, found 'xxx"),
    ('{"question": "' + "x" * 1_000_000, "data.json", ":1: broken JSON: "),
    ("[" * 100_000, "data.json", ":1: JSON is nested too deeply"),
    (json.dumps(line(), ensure_ascii=True).replace("Ada", "\\ud83d"), "data.jsonl", ":1: "),
]


@pytest.mark.parametrize(("content", "name", "message"), BROKEN_FILES)
def test_broken_files(tmp_path, content, name, message):
    if message is None:
        path = written(tmp_path, content, name)
        path.write_bytes(path.read_bytes()[:-12])  # an archive that was cut off
        with pytest.raises(DataError, match=r"cannot be read \("):
            list(read_examples(path))
        return
    assert complaint(tmp_path, content, name).startswith(message)


def test_missing_files_and_folders(tmp_path):
    for name in ("absent.json", "absent.jsonl", "absent"):
        with pytest.raises(DataError, match=f"{name}: no such file"):
            list(read_examples(tmp_path / name))
    with pytest.raises(DataError, match="a file is needed"):
        list(read_examples(tmp_path))


def without(*names):
    return {name: value for name, value in line([]).items() if name not in names}


BROKEN_LINES = [
    (without("question"), "no field \"question\"; found ['id', 'passage', 'answers']"),
    (without("passage"), "no field \"passage\"; found ['id', 'question', 'answers']"),
    ({}, 'no field "question"; found []'),
    ({f"field {number}" * 50: 0 for number in range(500)}, 'no field "question"; found'),
    (line(question=["Who?"]), '"question" must be a string, found a list'),
    (line(passage=3), '"passage" must be a string, found int'),
    (line(question=""), "the question is empty"),
    (line(question=" \n"), "the question is empty"),
    (line(id=1.5), '"id" must be a string or an integer, found float'),
    (line(id=True), '"id" must be a string or an integer, found true or false'),
    (line(id=["q1"]), '"id" must be a string or an integer, found a list'),
    (line("Ada"), '"answers" must be a list of objects with "text" and "start"'),
    (line(["Ada"]), '"answers" must be a list of objects with "text" and "start"'),
    (line([{"text": "Ada"}]), 'an answer needs a string "text" and an integer "start"'),
    (line([{"start": 0}]), 'an answer needs a string "text" and an integer "start"'),
    (line([{"text": "Ada", "start": "0"}]), 'an answer needs a string "text" and an integer "start"'),
    (line([{"text": "Ada", "start": 0.0}]), 'an answer needs a string "text" and an integer "start"'),
    (line([{"text": "Ada", "start": False}]), 'an answer needs a string "text" and an integer "start"'),
    (line([{"text": None, "start": 0}]), 'an answer needs a string "text" and an integer "start"'),
    (line([{"text": "", "start": 0}]), "an answer is empty; leave it out"),
    (line([{"text": " ", "start": 3}]), "an answer is empty; leave it out"),
    (
        line([{"text": "wrote", "start": 5}]),
        "the answer 'wrote' does not stand at character 5 of its passage; it stands at character 4",
    ),
    (line([{"text": "Ada", "start": -len(PASSAGE)}]), "the answer 'Ada' does not stand at character -"),
    (line([{"text": "Ada\n", "start": 0}]), "the answer 'Ada\\n' does not stand at character 0"),
    (line([{"text": "Ada", "start": 10**9}]), "the answer 'Ada' does not stand at character 1000000000"),
    (line([{"text": "Bob\n" * 999, "start": 0}]), "the answer 'Bob\\nBob\\n"),
    (line([{"text": "ada", "start": 0}]), "of its passage; it stands nowhere in it"),
    (line({"text": ["Ada"], "answer_start": []}), '"answers" needs two lists of one length'),
    (line({"text": "Ada", "answer_start": 0}), '"answers" needs two lists of one length'),
    (line({"texts": ["Ada"]}), '"answers" needs two lists of one length'),
    (line({"text": [1], "answer_start": [0]}), 'an answer needs a string "text" and an integer "start"'),
    (
        line([{"text": "Ada", "start": 0}], is_impossible=True),
        '"is_impossible" is true although there are answers',
    ),
    (line([], is_impossible="false"), '"is_impossible" must be true or false, found str'),
]


@pytest.mark.parametrize(("item", "message"), BROKEN_LINES)
def test_broken_json_lines(tmp_path, item, message):
    found = complaint(tmp_path, [line(id="first"), item], "data.jsonl")
    assert found.startswith(":2: ")
    assert message in found


@pytest.mark.parametrize(("item", "message"), BROKEN_LINES[6:])
def test_broken_squad_questions(tmp_path, item, message):
    passage = item.pop("passage", PASSAGE)
    found = complaint(tmp_path, squad(asked("first"), item, passage=passage))
    item["passage"] = passage
    assert found.startswith(f" (question {item['id']!r}): ")
    assert message in found


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"data": [[]]}, ': data[0] has no list "paragraphs"'),
        ({"data": [{"paragraphs": {}}]}, ': data[0] has no list "paragraphs"'),
        ({"data": [{"paragraphs": ["text"]}]}, ': data[0].paragraphs[0] has no list "qas"'),
        ({"data": [{"paragraphs": [{"qas": []}]}]}, ': data[0].paragraphs[0] has no string "context"'),
        (squad(asked(), {"question": "Who?"}), ': data[0].paragraphs[0].qas[1] has no "id"'),
        (squad(asked(), "Who?"), ': data[0].paragraphs[0].qas[1] has no "id"'),
        (squad({"id": "q9"}), " (question 'q9'): no field \"question\"; found ['id', 'passage', 'article']"),
    ],
)
def test_broken_squad_structure(tmp_path, data, message):
    assert complaint(tmp_path, data).startswith(message)


def test_ids_that_stand_twice(tmp_path):
    assert complaint(tmp_path, [line(id="a"), line(id="b"), line(id="a")], "d.jsonl") == (
        ":3: the id 'a' stands twice; ids must differ"
    )
    assert complaint(tmp_path, squad(asked("a"), asked("a"))) == (
        " (question 'a'): the id 'a' stands twice; ids must differ"
    )
    assert "stands twice" in complaint(tmp_path, [line(id=1), line(id="1")], "d.jsonl")


def test_what_stands_before_a_fault_has_been_read(tmp_path):
    found = read_examples(written(tmp_path, [line(id="1"), line(id="2"), {}], "data.jsonl"))
    assert [next(found).id, next(found).id] == ["1", "2"]
    with pytest.raises(DataError, match=":3: "):
        next(found)


# Predictions


def test_a_prediction_as_json():
    answer = QaAnswer("Ada", Span(0, 3), 1.23456789, 0.87654321)
    made = QaPrediction("q", answer, 0.1234567, (answer,), 2, 50)
    assert json.loads(json.dumps(made.to_json())) == {
        "id": "q",
        "answer": {"text": "Ada", "char_start": 0, "char_end": 3, "probability": 0.876543, "score": 1.2346},
        "no_answer_probability": 0.123457,
        "candidates": [made.to_json()["answer"]],
        "windows": 2,
        "covered_chars": 50,
    }
    assert (made.text, made.score) == ("Ada", 1.23456789)
    nothing = QaPrediction("q", None, 1.0, (), 1, 0)
    assert (nothing.text, nothing.score, nothing.to_json()["answer"]) == ("", float("-inf"), None)
