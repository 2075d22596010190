"""The predictor and bulk prediction: order, ids, streams, and errors that lose nothing."""

import gzip
import io
import json
import os
import subprocess
import sys
import threading

import pytest

from spanbert.errors import CheckpointError, DataError, SettingsError
from spanbert.workflows.predict import load
from spanbert.workflows.predict_file import predict_file

LONG = "The lease ends in May. " * 60


@pytest.fixture(scope="module")
def predictor(qa_model):
    return load(qa_model)


def items(count):
    return [
        {"id": f"q{number}", "question": "when does it end ?", "passage": LONG[: 30 + 97 * (number % 13)]}
        for number in range(count)
    ]


def test_predictions_come_in_order_whatever_their_length(predictor):
    asked = items(150)
    made = list(predictor.predict(asked))
    assert [prediction.id for prediction in made] == [item["id"] for item in asked]
    for item, prediction in zip(asked, made, strict=True):
        for candidate in prediction.candidates:
            assert item["passage"][candidate.chars.start : candidate.chars.end] == candidate.text
        assert prediction.covered_chars == len(item["passage"])


def test_one_item_alone_gets_the_answer_it_gets_among_others(predictor):
    asked = items(20)
    together = list(predictor.predict(asked))
    for item, prediction in zip(asked, together, strict=True):
        alone = predictor(item)
        assert [c.chars for c in alone.candidates][:3] == [c.chars for c in prediction.candidates][:3]
        assert alone.score == pytest.approx(prediction.score, abs=1e-4)


@pytest.mark.parametrize(("name", "expected"), [("items.jsonl", 150), ("items.jsonl.gz", 150), ("-", 0)])
def test_how_many_predictions_will_come_is_known_of_files(predictor, tmp_path, monkeypatch, name, expected):
    told = []

    def run_groups(groups, expected):
        told.append(expected)
        return iter(())

    monkeypatch.setattr(predictor.engine, "run_groups", run_groups)
    lines = "".join(json.dumps(item) + "\n" for item in items(150)).encode()
    source = tmp_path / name
    source.write_bytes(gzip.compress(lines) if name.endswith(".gz") else lines)
    predict_file(predictor, io.BytesIO(lines) if name == "-" else source, tmp_path / "made.jsonl")
    assert told == [expected]


def test_a_pipe_is_read_once(predictor, tmp_path):
    pipe = tmp_path / "items.jsonl"
    os.mkfifo(pipe)
    lines = "".join(json.dumps(item) + "\n" for item in items(3))
    writer = threading.Thread(target=pipe.write_text, args=(lines,), daemon=True)
    writer.start()
    assert predict_file(predictor, pipe, tmp_path / "made.jsonl") == 3
    writer.join(timeout=60)


def test_prediction_streams(predictor):
    read = []

    def endless():
        number = 0
        while True:
            read.append(number)
            yield {"id": str(number), "question": "when ?", "passage": LONG}
            number += 1

    stream = predictor.predict(endless())
    assert [next(stream).id for _ in range(3)] == ["0", "1", "2"]
    assert len(read) < 2000


def test_a_wrong_item_is_named(predictor):
    with pytest.raises(DataError, match="item:2"):
        list(predictor.predict([items(1)[0], {"question": "who ?"}]))


def test_bulk_prediction_keeps_ids_and_order(predictor, tmp_path):
    source, target = tmp_path / "in.jsonl", tmp_path / "deep" / "out.jsonl"
    source.write_text("".join(json.dumps(item) + "\n" for item in items(7)), encoding="utf-8")
    assert predict_file(predictor, source, target) == 7
    lines = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    assert [line["id"] for line in lines] == [f"q{number}" for number in range(7)]
    assert [file.name for file in target.parent.iterdir()] == ["out.jsonl"]


def test_a_bad_line_keeps_what_was_done(predictor, tmp_path):
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    lines = [json.dumps(item) + "\n" for item in items(600)]
    source.write_text("".join(lines) + "{broken\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"in\.jsonl:601: .*earlier predictions are in .*out\.jsonl\.part"):
        predict_file(predictor, source, target)
    assert not target.exists()
    kept = (tmp_path / "out.jsonl.part").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["id"] for line in kept] == [f"q{number}" for number in range(600)]


def test_integer_ids_come_back_as_integers(predictor):
    assert [predictor({**items(1)[0], "id": number}).to_json()["id"] for number in (7, "7")] == [7, "7"]


def test_a_question_that_is_too_long_loses_none_before_it(predictor):
    stream = predictor.predict([*items(5), {"question": "when " * 200, "passage": LONG}])
    assert [next(stream).id for _ in range(5)] == [f"q{number}" for number in range(5)]
    with pytest.raises(DataError, match="question '6'"):
        next(stream)


def test_a_folder_is_refused_as_target(predictor, tmp_path):
    with pytest.raises(SettingsError, match="is a folder"):
        predict_file(predictor, io.BytesIO(b""), tmp_path)


def test_a_target_named_after_another_format_is_refused(predictor, tmp_path):
    with pytest.raises(SettingsError, match=r"out\.CSV: predictions are JSON lines"):
        predict_file(predictor, io.BytesIO(b""), tmp_path / "out.CSV")


def test_standard_input_is_named_in_errors(predictor):
    with pytest.raises(DataError, match="standard input:2"):
        predict_file(predictor, io.BytesIO(json.dumps(items(1)[0]).encode() + b"\n[1]\n"), io.StringIO())


def test_pipes_on_the_command_line(qa_model):
    lines = "".join(json.dumps(item) + "\n" for item in items(3)).encode()
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "spanbert",
            "predict",
            "question-answering",
            "--model",
            str(qa_model),
            "--input",
            "-",
        ],
        input=lines,
        capture_output=True,
        timeout=120,
        check=True,
    )
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == ["q0", "q1", "q2"]


def test_an_item_of_another_kind_is_named(predictor):
    with pytest.raises(DataError, match=r"item:2: a dictionary is needed, found \('a', 'b'\)"):
        list(predictor.predict([items(1)[0], ("a", "b")]))


def test_a_shipped_model_is_called_by_its_name():
    with pytest.raises(CheckpointError, match=r"^mini: was trained for question-answering.* --model mini "):
        load("mini", "classification")


def test_a_model_without_a_trained_head_is_refused(qa_job):
    with pytest.raises(CheckpointError, match="finetune"):
        load(qa_job / "start", "question-answering")


def test_a_model_that_compares_texts_says_that_it_was_trained_for_another_task(qa_model, caplog):
    load(qa_model, "similarity")
    assert "was trained for question-answering; its encoder alone is used" in caplog.text


def test_an_unknown_precision_is_refused_before_anything_is_loaded(tmp_path):
    with pytest.raises(SettingsError, match="float32, bfloat16, int8"):
        load(tmp_path / "nothing", precision="float4")


def test_a_string_alone_is_refused(predictor):
    with pytest.raises(DataError, match=r"item:1: no field \"question\"; found \['text'\]"):
        predictor("Who wrote it?")
    with pytest.raises(DataError, match='"passage" is null'):
        predictor({"question": "Who?", "passage": None})
