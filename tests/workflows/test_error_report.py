"""`report.html`, the error analysis that an evaluation leaves."""

import pytest

from html_reading import read
from spanbert.errors import SpanbertError
from spanbert.workflows.evaluate import evaluate


def evaluated(qa_job, qa_model, output, **given):
    return evaluate("question-answering", model=qa_model, data=qa_job / "dev.jsonl", output=output, **given)


def test_it_agrees_with_the_report(qa_job, qa_model, tmp_path):
    made = evaluated(qa_job, qa_model, tmp_path, training_data=qa_job / "train.jsonl")
    reading = read((tmp_path / "report.html").read_text(encoding="utf-8"))
    low, high = made.report.details["f1_interval_95"]
    text = reading.text()
    assert f"{made.report.values['f1']:.1f} ({low:.1f} to {high:.1f})" in text
    wrong = round(made.report.counts["questions"] * (1 - made.report.values["exact_match"] / 100))
    assert f"10, with {wrong} errors" in text
    assert "train.jsonl" in text
    assert "training question" in text


def test_training_data_without_a_report_to_tell_of_them_are_refused(qa_job, qa_model):
    with pytest.raises(SpanbertError, match="needs an output folder"):
        evaluated(qa_job, qa_model, None, training_data=qa_job / "train.jsonl")


def test_training_data_that_cannot_be_read_stop_it_before_the_work(qa_job, qa_model, tmp_path):
    with pytest.raises(SpanbertError, match="no such file"):
        evaluated(qa_job, qa_model, tmp_path / "out", training_data=tmp_path / "none.jsonl")
    assert not (tmp_path / "out").exists()
