"""What every task must do. A new task brings `example.jsonl` beside `task.py`, five lines with gold."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from spanbert.checkpoint.source import read_checkpoint
from spanbert.scoring.report import Report
from spanbert.tasks import TASKS, example_file, task_class
from spanbert.workflows.finetune import finetune
from spanbert.workflows.model_source import build
from spanbert.workflows.predict import load
from tiny_start import write_start


@pytest.fixture(scope="module", params=sorted(TASKS))
def task(request):
    return task_class(request.param)()


@pytest.fixture(scope="module")
def fixture(task) -> Path:
    return example_file(task.name)


@pytest.fixture(scope="module")
def start(fixture, tmp_path_factory) -> Path:
    return write_start(tmp_path_factory.mktemp("start"), [fixture.read_text("utf-8")], max_positions=512)


@pytest.fixture(scope="module")
def trained(task, fixture, start, tmp_path_factory) -> Path:
    output = tmp_path_factory.mktemp("trained") / task.name
    finetune(
        task.name,
        train=fixture,
        dev=fixture,
        model=start,
        output=output,
        steps=20,
        evaluations=2,
        learning_rate=3e-3,
        dropout=0.0,
        precision="float32",
    )
    return output


@pytest.fixture
def made(task, fixture, start):
    return build(read_checkpoint(start), task.learn(list(task.read(fixture))), dropout=0.1)


def test_the_fixture_has_five_lines_and_is_read_with_its_ids(task, fixture):
    examples = list(task.read(fixture))
    assert len(examples) == 5
    assert len({example.id for example in examples}) == 5


def test_the_documented_example_line_can_be_parsed(task):
    lines = [line for line in task.data_formats.splitlines() if line.startswith("{")]
    assert lines
    for line in lines:
        task.parse(json.loads(line), "documentation", 1)


def test_settings_survive_json(task):
    values = json.loads(json.dumps(task.settings.model_dump(), default=str).replace("-Infinity", '"-inf"'))
    assert type(task.settings).model_validate(values) == task.settings
    assert all(field.description for field in type(task.settings).model_fields.values())


def test_twenty_updates_lower_the_loss(trained):
    lines = map(json.loads, (trained / "run" / "metrics.jsonl").read_text("utf-8").splitlines())
    losses = [line["loss"] for line in lines if line["kind"] == "update"]
    assert len(losses) == 20
    assert np.mean(losses[-3:]) < 0.7 * np.mean(losses[:3])


def test_training_mode_gives_every_parameter_a_gradient(task, fixture, made):
    features = made.task.training_set(task.read(fixture), made.tokenizer).epoch(0, 0)
    made.model.train()
    loss = made.model(made.task.collate(features)).loss
    assert loss.shape == ()
    assert torch.isfinite(loss)
    loss.backward()
    missing = [
        name
        for name, one in made.model.named_parameters()
        if one.grad is None or not one.grad.isfinite().all()
    ]
    assert not missing


def test_training_features_are_a_function_of_seed_and_epoch(task, fixture, made):
    training_set = made.task.training_set(task.read(fixture), made.tokenizer)
    other = made.task.training_set(task.read(fixture), made.tokenizer)
    made.model.eval()

    def losses(features):
        return [made.model(made.task.collate([feature])).loss.item() for feature in features]

    assert losses(training_set.epoch(1, 2)) == losses(other.epoch(1, 2))


def test_evaluation_mode_gives_one_output_for_each_feature_alike_every_time(task, fixture, made):
    found = made.task.features(list(task.read(fixture)), made.tokenizer)
    assert len(found) == 5
    assert all(found)
    features = [feature for several in found for feature in several]
    made.model.eval()
    with torch.inference_mode():
        first, second = (made.model(made.task.collate(features)) for _ in range(2))
    assert first.loss is None
    assert len(first.per_sequence()) == len(features)
    assert all(
        np.array_equal(one, other)
        for one, other in zip(first.per_sequence(), second.per_sequence(), strict=True)
    )


def test_predictions_keep_order_and_id_and_are_json(task, fixture, trained):
    predictor = load(trained)
    examples = list(task.read(fixture))
    lines = [json.loads(json.dumps(made.to_json(), allow_nan=False)) for made in predictor.predict(examples)]
    assert [line["id"] for line in lines] == [example.id for example in examples]


def test_predictions_are_scored_with_a_primary_value_in_percent(task, fixture, trained):
    predictor = load(trained)
    examples = list(task.read(fixture))
    report = predictor.task.score(examples, list(predictor.predict(examples)))
    assert isinstance(report, Report)
    assert report.task == task.name
    assert 0 <= report.primary_value <= 100
    json.dumps(report.to_json(), allow_nan=False)


def test_fitting_and_refitting_change_choices_only(task, fixture, trained):
    predictor = load(trained)
    examples = list(task.read(fixture))
    predictions = list(predictor.predict(examples))
    fitted = predictor.task.fit(examples, predictions)
    assert [fitted.refit(made).id for made in predictions] == [example.id for example in examples]
    assert fitted.refit(fitted.refit(predictions[0])) == fitted.refit(predictions[0])


def test_the_saved_model_predicts_the_same_alone_and_among_others(task, fixture, trained):
    examples = list(task.read(fixture))
    together = [made.to_json() for made in load(trained).predict(examples)]
    again = [made.to_json() for made in load(trained, task.name).predict(examples)]
    assert again == together
    alone = [load(trained)(example).to_json() for example in examples]
    for one, other in zip(alone, together, strict=True):
        assert_alike(one, other)


def assert_alike(one, other):
    """Equal, numbers to within what the order of summation changes."""
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_alike(one[key], other[key])
    elif isinstance(one, list):
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            assert_alike(left, right)
    elif isinstance(one, float):
        assert one == pytest.approx(other, abs=1e-3)
    else:
        assert one == other
