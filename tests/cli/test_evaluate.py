"""`spanbert evaluate` and `spanbert predict` with settings of the task in place of the stored ones."""

import json

from spanbert.cli.main import run


def scored(qa_trained, capsys, *flags):
    model, data = qa_trained
    code = run(
        ["evaluate", "question-answering", "--model", str(model), "--data", str(data), "--json", *flags]
    )
    shown = capsys.readouterr()
    return code, shown


def test_the_threshold_can_be_taken_away(qa_trained, capsys):
    code, shown = scored(qa_trained, capsys, "--task-settings.no-answer-threshold=-inf")
    assert code == 0
    report = json.loads(shown.out)
    assert report["counts"]["answers_given"] == report["counts"]["questions"]
    code, shown = scored(qa_trained, capsys, "--task-settings.no-answer-threshold=1000")
    assert json.loads(shown.out)["counts"]["answers_given"] == 0


def test_an_unknown_setting_is_one_line(qa_trained, capsys):
    code, shown = scored(qa_trained, capsys, "--task-settings.threshold", "1")
    assert code == 2
    assert "unknown setting threshold" in shown.err
    assert shown.err.count("\n") == 1


def test_prediction_takes_them_too(qa_trained, tmp_path, capsys):
    model, data = qa_trained
    flags = ["--input", str(data), "--output", str(tmp_path / "out.jsonl"), "--task-settings.candidates", "2"]
    assert run(["predict", "question-answering", "--model", str(model), *flags]) == 0
    lines = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    assert f"wrote {len(lines)} predictions to " in capsys.readouterr().err
    assert lines
    assert all(len(json.loads(line)["candidates"]) <= 2 for line in lines)
