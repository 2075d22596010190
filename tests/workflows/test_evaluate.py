import hashlib
import json

import pytest

from spanbert.errors import SpanbertError
from spanbert.workflows.evaluate import evaluate
from spanbert.workflows.predict import load


@pytest.fixture(scope="module")
def evaluated(qa_job, qa_model, tmp_path_factory):
    output = tmp_path_factory.mktemp("evaluated") / "new" / "folder"
    made = evaluate(
        "question-answering",
        model=qa_model,
        data=qa_job / "dev.jsonl",
        output=output,
        command="spanbert evaluate",
    )
    return made, output


def test_the_report_names_model_data_machine_and_speed(evaluated, qa_job, qa_model):
    made, output = evaluated
    report = json.loads((output / "report.json").read_text(encoding="utf-8"))
    assert report["values"] == made.report.values
    assert report["primary"] == "f1"
    assert report["counts"]["questions"] == 10
    assert report["data"]["sha256"] == hashlib.sha256((qa_job / "dev.jsonl").read_bytes()).hexdigest()
    for name in ("model.safetensors", "task.json", "config.json", "tokenizer.json"):
        assert report["model"]["sha256"][name] == hashlib.sha256((qa_model / name).read_bytes()).hexdigest()
    assert report["command"] == "spanbert evaluate"
    assert {"torch", "processor", "cores", "threads"} <= set(report["machine"])
    assert set(report["package"]) == {"spanbert", "commit"}
    assert "lost_gold" in report


def test_pieces_are_the_real_ones_that_were_read(evaluated, qa_job, qa_model):
    made, _ = evaluated
    predictor = load(qa_model)
    examples = list(predictor.task.read(qa_job / "dev.jsonl"))
    features = predictor.task.features(examples, predictor.tokenizer)
    assert made.pieces == sum(one.piece_count for several in features for one in several)
    assert made.to_json()["pieces_per_second"] == pytest.approx(made.pieces / made.seconds, rel=0.01)


def test_predictions_are_written_in_order_and_in_the_official_form(evaluated, qa_job):
    _, output = evaluated
    asked = [json.loads(line)["id"] for line in (qa_job / "dev.jsonl").read_text().splitlines()]
    lines = [json.loads(line) for line in (output / "predictions.jsonl").read_text().splitlines()]
    assert [line["id"] for line in lines] == asked
    official = json.loads((output / "predictions.json").read_text())
    assert list(official) == asked
    for line in lines:
        assert official[line["id"]] == (line["answer"]["text"] if line["answer"] else "")


def test_nothing_is_written_unless_asked(qa_job, qa_model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    evaluate("question-answering", model=qa_model, data=qa_job / "dev.jsonl")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ({"question": "Who?", "passage": "Ada."}, "nothing to score"),
        ({"question": "Who?"}, r"data\.jsonl:1: .*passage"),
    ],
)
def test_data_without_gold_or_with_faults_is_one_line(qa_model, tmp_path, line, message):
    data = tmp_path / "data.jsonl"
    data.write_text(json.dumps(line))
    with pytest.raises(SpanbertError, match=message) as caught:
        evaluate("question-answering", model=qa_model, data=data, output=tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_model_without_a_trained_head_is_refused(qa_job):
    with pytest.raises(SpanbertError, match="fine-tune it first"):
        evaluate("question-answering", model=qa_job / "start", data=qa_job / "dev.jsonl")
