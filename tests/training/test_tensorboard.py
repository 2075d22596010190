"""Event files of a run, read back by TensorBoard itself."""

import json
import sys

import pytest

from spanbert.errors import MissingExtraError, TrainingError
from spanbert.training.tensorboard import TensorBoardWriter, check_tensorboard
from stopping import Stop, StopAt
from toy_training import trainer

OPTIONS = {"steps": 12, "save_every": 4, "evaluations": 3, "scores": [3.0, 9.0, 4.0]}


def curves(folder):
    """Tag -> [(step, value)] as TensorBoard shows them."""
    reading = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found = reading.EventAccumulator(str(folder), size_guidance={reading.SCALARS: 0}).Reload()
    return {
        tag: [(event.step, event.value) for event in found.Scalars(tag)] for tag in found.Tags()["scalars"]
    }


@pytest.fixture
def events(tmp_path):
    pytest.importorskip("tensorboard")
    return tmp_path / "events"


def test_every_figure_of_the_metrics_is_there(tmp_path, events):
    trainer(tmp_path, listeners=[TensorBoardWriter(events)], **OPTIONS).train()
    shown = curves(events)
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    updates = [line for line in lines if line["kind"] == "update"]
    for tag, values in {
        "loss": [line["loss"] for line in updates],
        "loss/squares": [line["losses"]["squares"] for line in updates],
        "update/learning_rate": [line["learning_rate"] for line in updates],
        "update/gradient_norm": [line["gradient_norm"] for line in updates],
        "speed/pieces_per_second": [line["pieces"] / max(line["seconds"], 1e-9) for line in updates],
        "speed/share_of_time_in_data": [
            line["data_seconds"] / max(line["seconds"], 1e-9) for line in updates
        ],
    }.items():
        assert [step for step, _ in shown[tag]] == list(range(1, 13)), tag
        assert [value for _, value in shown[tag]] == pytest.approx(values, rel=1e-5), tag
    assert shown["evaluation/score"] == [(4, 3.0), (8, 9.0), (12, 4.0)]


@pytest.mark.parametrize("stop", [3, 6, 10])
def test_a_resumed_run_shows_every_update_once(tmp_path, events, stop):
    writer = TensorBoardWriter(events)
    with pytest.raises(Stop):
        trainer(tmp_path, listeners=[writer, StopAt(stop)], **OPTIONS).train()
    assert [step for step, _ in curves(events)["loss"]] == list(range(1, stop + 1))  # on disk unasked
    trainer(tmp_path, resume=True, listeners=[TensorBoardWriter(events)], **OPTIONS).train()
    shown = curves(events)
    assert [step for step, _ in shown["loss"]] == list(range(1, 13))
    assert [step for step, _ in shown["evaluation/score"]] == [4, 8, 12]


def test_a_place_that_cannot_be_written_is_one_line(events):
    events.write_text("a file where a folder should be")
    with pytest.raises(TrainingError, match=r"events: cannot be written .*--resume goes on"):
        TensorBoardWriter(events).started(0, 12)


def test_without_the_package_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(
        MissingExtraError, match=r"--tensorboard needs .*pip install 'spanbert\[tensorboard\]'"
    ):
        check_tensorboard()
