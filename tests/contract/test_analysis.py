"""What every task must do that says where its errors are."""

import pytest
import torch

from html_reading import read
from spanbert.checkpoint.source import read_checkpoint
from spanbert.tasks import TASKS, example_file, task_class
from spanbert.tasks.contract import Analysing
from spanbert.workflows.model_source import build
from spanbert.workflows.pages.analysis_page import analysis_page
from spanbert.workflows.predict import Predictor
from tiny_start import write_start


@pytest.mark.parametrize(
    "name", [name for name in sorted(TASKS) if isinstance(task_class(name)(), Analysing)]
)
def test_the_predictions_of_a_random_model_are_analysed(name, tmp_path):
    torch.manual_seed(0)
    fixture = example_file(name)
    start = write_start(tmp_path / "start", [fixture.read_text("utf-8")], max_positions=512)
    task = task_class(name)()
    examples = list(task.read(fixture))
    predictor = Predictor.of(build(read_checkpoint(start), task.learn(examples), dropout=0.0))
    predictions = list(predictor.predict(examples))
    made = predictor.task.analysis(examples, predictions, examples)
    assert made.task == name
    assert made.errors
    assert sum(kind.count for kind in made.kinds) == len(made.errors)
    assert set(made.suspects.cases) <= set(made.errors)
    assert all(len(part.scores) == len(table.metrics) for table in made.tables for part in table.slices)
    for case in made.errors:
        assert case.confidence is None or 0 <= case.confidence <= 1
        assert all(len(mark.chars) and mark.chars.end <= len(case.text) for mark in case.marks)
    assert "Errors by kind" in read(analysis_page(made, model="m", data="d")).text()
