"""Labelled data of a run, once it is read."""

from spanbert.tasks.classification.examples import ClassificationExample
from spanbert.tasks.classification.settings import ClassificationSettings
from spanbert.tasks.classification.task import Classification
from spanbert.workflows.labelled_data import LabelledData


def held_out(texts):
    examples = [ClassificationExample(n, text, None, "ab"[n % 2]) for n, text in enumerate(texts)]
    task = Classification(ClassificationSettings()).learn(examples)
    return LabelledData(examples, None, None, {}).with_dev(task, 0.2, 0)


def test_twins_on_both_sides_of_the_split_are_counted(caplog):
    assert len(held_out([f"text {number}" for number in range(20)]).dev) == 4
    assert "word for word" not in caplog.text
    held_out(["this", "that"] * 10)
    assert "4 of them stand in the other part too, word for word: scores are too good" in caplog.text
