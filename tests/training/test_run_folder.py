import json
import struct
import subprocess
import sys

import pytest
import torch

from spanbert.errors import CheckpointError, SettingsError
from spanbert.training.events import StepRecord
from spanbert.training.run_folder import RunFolder
from toy_training import report

SETTINGS = {"seed": 1, "train": ["a.json"]}


def record(step):
    return StepRecord(step, 9, 0.1, 1.0, {"toy": 1.0}, {}, 1.0, 0.1, 64, 0.5, 0.0)


def begun(path, *, steps=3, saved=None, resume=False):
    run = RunFolder(path, SETTINGS, resume=resume)
    run.begin()
    for step in range(1, steps + 1):
        run.updated(record(step))
    if saved:
        run.save({"step": saved, "model": {"weight": torch.ones(2)}})
    run.close()
    return run


def test_looking_at_a_folder_writes_nothing(tmp_path):
    RunFolder(tmp_path / "run", SETTINGS, resume=False)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("saved", [None, 2])
def test_an_unfinished_run_is_not_overwritten_in_silence(tmp_path, saved):
    begun(tmp_path, saved=saved)
    before = (tmp_path / "metrics.jsonl").read_bytes()
    with pytest.raises(SettingsError, match="unfinished run; add --resume"):
        RunFolder(tmp_path, SETTINGS, resume=False)
    assert (tmp_path / "metrics.jsonl").read_bytes() == before


def test_a_finished_run_is_not_overwritten(tmp_path):
    begun(tmp_path, saved=2).finish(report(1.0))
    with pytest.raises(SettingsError, match="finished run; choose another --output"):
        RunFolder(tmp_path, SETTINGS, resume=False)


def test_resuming_a_finished_run_has_its_outcome_and_wants_its_settings(tmp_path):
    run = begun(tmp_path, saved=2)
    assert run.outcome() is None
    run.finish(report(1.0))
    assert RunFolder(tmp_path, SETTINGS, resume=True).outcome() == report(1.0)
    with pytest.raises(SettingsError, match="these differ: seed"):
        RunFolder(tmp_path, {**SETTINGS, "seed": 2}, resume=True)


def test_a_run_killed_while_it_finished_can_be_resumed(tmp_path):
    run = begun(tmp_path, saved=2)
    point = run.resume_point.read_bytes()
    run.finish(report(1.0))
    run.resume_point.write_bytes(point)  # the kill came between the report and the end of the resume point
    again = RunFolder(tmp_path, SETTINGS, resume=True)
    assert again.outcome() is None
    assert again.load()["step"] == 2


def test_a_run_that_never_made_an_update_may_be_started_again(tmp_path):
    begun(tmp_path, steps=0)
    assert RunFolder(tmp_path, {"seed": 2}, resume=False).load() is None


def test_resuming_forgets_what_came_after_the_resume_point(tmp_path):
    run = begun(tmp_path, steps=5, saved=3)
    with run.metrics.open("a") as stream:
        stream.write('{"kind": "upd')  # cut by the kill
    again = RunFolder(tmp_path, SETTINGS, resume=True)
    again.begin()
    again.started(again.load()["step"], 9)
    again.updated(record(4))
    assert [line["step"] for line in map(json.loads, again.metrics.read_text().splitlines())] == [1, 2, 3, 4]


def test_resuming_without_a_resume_point_starts_anew(tmp_path, caplog):
    begun(tmp_path)
    again = RunFolder(tmp_path, SETTINGS, resume=True)
    with caplog.at_level("WARNING"):
        again.begin()
    assert "no resume point yet" in caplog.text
    assert again.load() is None
    assert list(again.records()) == []


def test_resuming_with_other_settings_is_refused_without_a_resume_point_too(tmp_path):
    begun(tmp_path)
    with pytest.raises(SettingsError, match="these differ: seed"):
        RunFolder(tmp_path, SETTINGS | {"seed": 3}, resume=True)


def test_resuming_with_other_settings_names_them(tmp_path):
    begun(tmp_path, saved=2)
    with pytest.raises(SettingsError, match=r"settings\.json: .*these differ: seed \(1 in .* 2 now\), steps"):
        RunFolder(tmp_path, {**SETTINGS, "seed": 2, "steps": 5}, resume=True)


def test_half_written_files_of_a_killed_run_are_cleared_away(tmp_path):
    begun(tmp_path, saved=2)
    (tmp_path / ".resume.x.part").write_bytes(b"half")
    begun(tmp_path, steps=0, resume=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["metrics.jsonl", "resume.pt", "settings.json"]


@pytest.mark.parametrize("damage", [lambda raw: raw[: len(raw) // 2], lambda raw: b"", lambda raw: b"text"])
def test_a_damaged_resume_point_is_one_line_that_names_it(tmp_path, damage):
    run = begun(tmp_path, saved=2)
    run.resume_point.write_bytes(damage(run.resume_point.read_bytes()))
    with pytest.raises(CheckpointError, match=r"resume\.pt: damaged resume point") as caught:
        RunFolder(tmp_path, SETTINGS, resume=True).load()
    assert "\n" not in str(caught.value)


def test_a_weight_that_changed_on_disk_is_noticed(tmp_path):
    run = begun(tmp_path, saved=2)
    raw = bytearray(run.resume_point.read_bytes())
    place = raw.index(struct.pack("<2f", 1.0, 1.0))
    raw[place] ^= 1  # a number still, that nobody would see
    run.resume_point.write_bytes(raw)
    with pytest.raises(CheckpointError, match=r"damaged resume point \(.*has changed since it was written\)"):
        RunFolder(tmp_path, SETTINGS, resume=True).load()


def test_two_processes_do_not_train_one_run(tmp_path):
    begun(tmp_path, saved=2)
    code = (
        "import sys; from spanbert.training.run_folder import RunFolder; from pathlib import Path; "
        "run = RunFolder(Path(sys.argv[1]), {'seed': 1, 'train': ['a.json']}, resume=True); run.begin(); "
        "print('begun', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "begun\n"
        mine = RunFolder(tmp_path, SETTINGS, resume=True)
        with pytest.raises(SettingsError, match="another process is training this run"):
            mine.begin()
        other.kill()
    mine.begin()  # of a process that was killed the lock is free
    mine.close()
    assert not (tmp_path / ".lock").exists()


def test_a_run_that_another_process_has_finished_meanwhile_is_not_begun_anew(tmp_path):
    run = begun(tmp_path, saved=2)
    late = RunFolder(tmp_path, SETTINGS, resume=True)
    run.finish(report(1.0))
    before = run.metrics.read_bytes()
    with pytest.raises(SettingsError, match="finished this run meanwhile"):
        late.begin()
    assert run.metrics.read_bytes() == before


def test_an_interrupted_write_keeps_the_earlier_resume_point(tmp_path, monkeypatch):
    run = begun(tmp_path, saved=2)

    def interrupted(state, stream):
        stream.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run.save({"step": 3})
    assert run.load()["step"] == 2
    assert not list(tmp_path.glob(".*.part"))


def test_a_run_from_before_a_setting_existed_is_resumed_where_its_default_is_kept(tmp_path):
    begun(tmp_path, saved=2)
    defaults = {"head_rate": None}
    RunFolder(tmp_path, SETTINGS | {"head_rate": None}, resume=True, defaults=defaults)
    with pytest.raises(SettingsError, match="these differ: head_rate"):
        RunFolder(tmp_path, SETTINGS | {"head_rate": 1.0}, resume=True, defaults=defaults)


def test_what_was_recorded_after_the_start_is_compared_too(tmp_path):
    run = RunFolder(tmp_path / "run", SETTINGS, resume=False)
    run.record("corpus_sha256", "a")
    run.begin()
    run.save({"step": 1})
    RunFolder(tmp_path / "run", SETTINGS, resume=True).record("corpus_sha256", "a")
    with pytest.raises(SettingsError, match=r"these differ: the content of corpus$"):
        RunFolder(tmp_path / "run", SETTINGS, resume=True).record("corpus_sha256", "b")


def test_free_settings_may_change(tmp_path):
    begun(tmp_path, saved=2)
    RunFolder(tmp_path, SETTINGS | {"save_every": 3}, resume=True, free={"save_every"})
    with pytest.raises(SettingsError, match=r"save_every \(null in the run, 3 now\)"):
        RunFolder(tmp_path, SETTINGS | {"save_every": 3}, resume=True)
