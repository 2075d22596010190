"""`spanbert tasks`: what it prints can be typed."""

import shlex

import pytest

from spanbert.cli.main import run
from spanbert.tasks import TASKS, example_file
from tiny_start import write_start


@pytest.fixture
def printed(capsys):
    assert run(["tasks"]) == 0
    return [line.strip() for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("task", sorted(TASKS))
def test_the_commands_of_a_task_run_as_they_stand(task, printed, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    data = example_file(task)
    write_start(tmp_path / "mini", [data.read_text(encoding="utf-8"), "@ # * ^ $ %"], max_positions=512)
    lines = [line for line in printed if line.startswith("spanbert ") and f" {task} " in line]
    assert [line.split()[1] for line in lines] == ["finetune", "predict"]
    for line in lines:
        words = shlex.split(line)[1:]
        assert run(["./mini" if word == "mini" else word for word in words]) == 0, capsys.readouterr().err
    assert len(capsys.readouterr().out.splitlines()) >= 5


def test_every_setting_is_listed_with_its_meaning(printed):
    assert any(line.startswith("window_pieces = 384  Longest encoder input") for line in printed)
    assert not any("Undefined" in line for line in printed)
