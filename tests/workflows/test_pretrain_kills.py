"""`spanbert pretrain` killed without warning, inside every write and at random moments, then resumed."""

import random
import signal

import pytest

from pretrain_run import start
from run_results import results
from spanbert.checkpoint.folder import read_folder

RANDOM_KILLS = 4
SIGKILLED = -signal.SIGKILL


def test_a_run_killed_inside_every_write_ends_in_the_same_bits(pretrain_job, uninterrupted, tmp_path):
    output, moments = tmp_path / "model", tmp_path / "moments"
    runs = 0
    while True:
        ended = start(pretrain_job, output, resume=runs > 0, die_at_new_write=moments)
        if ended.returncode == 0:
            break
        assert ended.returncode == SIGKILLED, ended.message
        runs += 1
        if (output / "model.safetensors").exists():
            read_folder(output)  # whatever the moment, what was kept can be used
    died = moments.read_text(encoding="utf-8").splitlines()
    assert runs == len(died) == len(set(died))
    written = {moment.split()[1] for moment in died if moment.startswith("replace")}
    assert {"shard-000000.bin", "manifest.json", "settings.json", "resume.pt", "model.safetensors"} <= written
    assert {"config.json", "metrics.jsonl", "report.json"} <= written
    assert results(output) == uninterrupted[1]


def is_finished(output):
    return (output / "run" / "report.json").exists() and not (output / "run" / "resume.pt").exists()


@pytest.mark.parametrize("seed", [0, 1])
def test_a_run_killed_at_random_moments_ends_in_the_same_bits(pretrain_job, uninterrupted, tmp_path, seed):
    chance = random.Random(seed)
    output = tmp_path / "model"
    killed = 0
    for attempt in range(RANDOM_KILLS):
        seconds = chance.uniform(0, 0.5 * uninterrupted[0].seconds)  # its processor time varies
        ended = start(pretrain_job, output, resume=attempt > 0, kill_after=seconds)
        if ended.returncode == 0:
            break
        assert ended.returncode == -signal.SIGPROF, ended.message
        killed += 1
        if is_finished(output):  # the process died on its way out
            break
    else:
        ended = start(pretrain_job, output, resume=True)
        assert ended.returncode == 0, ended.message
    assert killed
    assert results(output) == uninterrupted[1]


def test_a_prepared_corpus_is_used_again_after_a_kill(pretrain_job, tmp_path):
    flags = {"corpus-folder": tmp_path / "corpus"}
    ended = start(pretrain_job, tmp_path / "model", flags=flags, kill_at_update=1)
    assert ended.returncode == SIGKILLED, ended.message
    shard = tmp_path / "corpus" / "shard-000000.bin"
    written = shard.stat().st_mtime_ns
    ended = start(pretrain_job, tmp_path / "model", flags=flags, resume=True)
    assert ended.returncode == 0, ended.message
    assert shard.stat().st_mtime_ns == written
