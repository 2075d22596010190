"""`spanbert pretrain` that cannot go on: losses that are no numbers, and a full disk."""

import pytest
import torch

from pretrain_run import start
from run_results import results
from spanbert.checkpoint.folder import read_folder

WRONG_INPUT = 2


def model_files(output):
    return {path.name: path.read_bytes() for path in output.iterdir() if path.is_file()}


def last_line(ended):
    """The error; what stands before it is progress."""
    assert "Traceback" not in ended.message
    return ended.message.splitlines()[-1]


def assert_goes_on(job, output, whole):
    """The same command with --resume comes to the end of the uninterrupted run."""
    ended = start(job, output, resume=True)
    assert ended.returncode == 0, ended.message
    assert results(output) == whole[1]


def test_a_learning_rate_that_diverges_stops_with_update_and_sequences(pretrain_job, tmp_path):
    ended = start(pretrain_job, tmp_path / "model", flags={"learning-rate": 1e30})
    assert ended.returncode == WRONG_INPUT, ended.message
    assert last_line(ended).startswith("spanbert: update 2: the loss is ")
    assert "(of block " in last_line(ended)
    assert "take another --output" in last_line(ended)
    assert not (tmp_path / "model" / "model.safetensors").exists()


def test_an_update_that_overflows_the_weights_is_not_what_a_run_goes_on_from(pretrain_job, tmp_path):
    ended = start(pretrain_job, tmp_path / "model", flags={"learning-rate": 1e39, "save-every": 1})
    assert ended.returncode == WRONG_INPUT, ended.message
    assert last_line(ended).startswith("spanbert: update 1: weights are no longer numbers; ")
    assert not (tmp_path / "model" / "run" / "resume.pt").exists()


def test_a_loss_that_is_no_number_leaves_model_and_resume_point(pretrain_job, uninterrupted, tmp_path):
    output = tmp_path / "model"
    point = output / "run" / "resume.pt"
    start(pretrain_job, output, kill_at_update=3)
    kept, sound = model_files(output), point.read_bytes()
    assert "model.safetensors" in kept
    state = torch.load(point, weights_only=True)
    state["model"]["encoder.layers.1.feed_forward.inner.weight"][0, 0] = torch.nan
    torch.save(state, point)
    damaged = point.read_bytes()

    ended = start(pretrain_job, output, resume=True)
    assert ended.returncode == WRONG_INPUT, ended.message
    assert last_line(ended).startswith("spanbert: update 3: the loss is nan")
    assert "(of block " in last_line(ended)
    assert model_files(output) == kept
    read_folder(output)
    assert point.read_bytes() == damaged

    point.write_bytes(sound)
    assert_goes_on(pretrain_job, output, uninterrupted)


def test_a_disk_too_full_for_the_corpus(pretrain_job, uninterrupted, tmp_path):
    ended = start(pretrain_job, tmp_path / "model", largest_file=3000)
    assert ended.returncode == WRONG_INPUT, ended.message
    assert "shard-000000.bin: cannot be written (File too large); make room" in last_line(ended)
    assert_goes_on(pretrain_job, tmp_path / "model", uninterrupted)


def test_a_disk_too_full_for_a_resume_point(pretrain_job, uninterrupted, tmp_path):
    output = tmp_path / "model"
    size = len(b"".join(uninterrupted[1]["model.safetensors"].values()))
    ended = start(pretrain_job, output, largest_file=2 * size)
    assert ended.returncode == WRONG_INPUT, ended.message
    assert "resume.pt: cannot write the resume point" in last_line(ended)
    read_folder(output)
    assert not [path for path in output.rglob(".*") if path.is_file()]
    assert_goes_on(pretrain_job, output, uninterrupted)


def test_a_disk_too_full_for_the_model(pretrain_job, uninterrupted, tmp_path):
    output = tmp_path / "model"
    start(pretrain_job, output, kill_at_update=3)
    kept, point = model_files(output), (output / "run" / "resume.pt").read_bytes()
    size = len(b"".join(uninterrupted[1]["model.safetensors"].values()))
    ended = start(pretrain_job, output, resume=True, largest_file=size // 2)
    assert ended.returncode == WRONG_INPUT, ended.message
    assert "model.safetensors" in last_line(ended)
    assert model_files(output) == kept
    assert (output / "run" / "resume.pt").read_bytes() == point
    assert_goes_on(pretrain_job, output, uninterrupted)


@pytest.mark.parametrize("update", [1, 3])
def test_a_disk_too_full_for_the_metrics(pretrain_job, uninterrupted, tmp_path, update):
    output = tmp_path / "model"
    ended = start(pretrain_job, output, full_at_update=update)
    assert ended.returncode == WRONG_INPUT, ended.message
    assert "metrics.jsonl: cannot be written (File too large); make room" in last_line(ended)
    assert_goes_on(pretrain_job, output, uninterrupted)
