"""Training by two processes on the CPU: the numbers of one, files written once, deaths, resuming by one."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from launched import Launch
from tiny_start import write_start

UPDATES = 30
COMMON = ["--precision", "float32", "--learning-rate", "3e-3", "--evaluations", "3", "--save-every", "4"]


def losses(output: Path) -> list[float]:
    return [line["loss"] for line in lines(output) if line["kind"] == "update"]


def lines(output: Path) -> list[dict]:
    return [json.loads(line) for line in (output / "run" / "metrics.jsonl").read_text().splitlines()]


def report(output: Path) -> dict:
    return json.loads((output / "run" / "report.json").read_text())


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    """A folder with a corpus and a model to start from."""
    folder = tmp_path_factory.mktemp("job")
    chance = random.Random(0)
    names, places = ["ada", "mary", "alan"], ["paris", "the old town", "turin"]
    text = [
        f"{chance.choice(names)} went to {chance.choice(places)} in 18{chance.randrange(10, 99)} by train."
        for _ in range(400)
    ]
    (folder / "text.txt").write_text(
        "".join("\n" if n % 8 == 0 else line + "\n" for n, line in enumerate(text))
    )
    write_start(folder / "start", text)
    return folder


def pretraining(job: Path, output: Path, *more) -> list:
    settings = (
        f"--steps {UPDATES} --batch-pieces 128 --held-out 0.1 --corpus-settings.block-pieces 40".split()
    )
    return [
        "pretrain",
        job / "text.txt",
        "--model",
        job / "start",
        "--output",
        output,
        *COMMON,
        *settings,
        *more,
    ]


@pytest.fixture(scope="module")
def alone(job, tmp_path_factory):
    """The run of one process that accumulates two batches an update."""
    folder = tmp_path_factory.mktemp("alone")
    (done,) = Launch(folder, 1, pretraining(job, folder / "model", "--accumulate", 2)).ended()
    assert done.code == 0, done.err
    return folder / "model"


def assert_the_same_run(output: Path, expected: Path) -> None:
    """Losses within 1e-5, and everything written once."""
    assert losses(output) == pytest.approx(losses(expected), abs=1e-5)
    assert [line["step"] for line in lines(output)] == [line["step"] for line in lines(expected)]
    assert report(output)["values"] == pytest.approx(report(expected)["values"], abs=1e-4)
    assert report(output)["counts"] == report(expected)["counts"]
    mine, theirs = (load_file(folder / "model.safetensors") for folder in (output, expected))
    for name in theirs:
        assert mine[name] == pytest.approx(theirs[name], abs=1e-4), name
    assert sorted(path.name for path in output.rglob("*")) == sorted(
        path.name for path in expected.rglob("*")
    )


def test_two_processes_train_as_one_and_one_of_them_speaks(job, alone, tmp_path):
    first, second = Launch(tmp_path, 2, pretraining(job, tmp_path / "model")).ended()
    assert (first.code, second.code) == (0, 0), first.err + second.err
    assert len(losses(alone)) == UPDATES
    assert_the_same_run(tmp_path / "model", alone)
    assert "preparing the corpus" in first.err
    assert f"done after {UPDATES} updates" in first.err
    assert "validation_loss" in first.out
    assert (second.out, second.err) == ("", "")


def wait_for(path: Path, seconds: float = 600) -> None:
    end = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < end, path
        time.sleep(0.005)


@pytest.mark.parametrize("killed", [0, 1])
def test_a_killed_process_ends_the_run_and_one_process_goes_on_alone(job, alone, tmp_path, killed):
    output = tmp_path / "model"
    launch = Launch(tmp_path / "killed", 2, pretraining(job, output))
    wait_for(output / "run" / "resume.pt")
    launch.kill(killed)
    ended = launch.ended()
    survivor = ended[1 - killed]
    assert (ended[killed].code, survivor.code) == (-signal.SIGKILL, 2)
    message = survivor.err.splitlines()[-1]
    assert message.startswith("spanbert: another process of the run has ended")
    assert "--resume goes on from the last resume point" in message
    assert "Traceback" not in survivor.err

    (refused,) = Launch(tmp_path / "refused", 1, pretraining(job, output, "--resume")).ended()
    assert refused.code == 2
    assert (
        "these differ: accumulate (batches of an update, processes x --accumulate: 2 in the run, 1 now)"
        in (refused.err)
    )
    again = pretraining(job, output, "--accumulate", 2, "--resume")
    (resumed,) = Launch(tmp_path / "resumed", 1, again).ended()
    assert resumed.code == 0, resumed.err
    assert "resumed after" in resumed.err
    assert_the_same_run(output, alone)


def test_what_the_user_did_wrong_is_said_once(job, alone, tmp_path):
    """One process finds it; the others neither go on nor wait for ever."""
    for number, (wrong, message) in enumerate(
        [
            (pretraining(job, alone), "holds a finished run"),
            (pretraining(tmp_path / "absent", tmp_path / "model"), "no such"),
            (pretraining(job, tmp_path / "model", "--objective", "none"), "unknown objective"),
            (pretraining(job, tmp_path / "model", "--most-held-out", 0), "most_held_out"),
        ]
    ):
        first, second = Launch(tmp_path / str(number), 2, wrong).ended()
        assert (first.code, second.code) == (2, 2)
        assert message in first.err
        assert (first.err.count("\n"), second.err) == (1, "")


def test_fine_tuning_by_two_processes_equals_one(qa_job, tmp_path):
    def command(output, *more):
        files = [
            "--train",
            qa_job / "train.jsonl",
            "--dev",
            qa_job / "dev.jsonl",
            "--model",
            qa_job / "start",
        ]
        settings = ["--steps", "8", "--batch-pieces", "128", "--task-settings.window-pieces", "96"]
        return ["finetune", "question-answering", *files, "--output", output, *COMMON, *settings, *more]

    one, two = tmp_path / "one", tmp_path / "two"
    (done,) = Launch(tmp_path / "1", 1, command(one, "--accumulate", 2)).ended()
    assert done.code == 0, done.err
    first, second = Launch(tmp_path / "2", 2, command(two)).ended()
    assert (first.code, second.code, second.err) == (0, 0, ""), first.err
    assert len(losses(two)) == 8
    assert_the_same_run(two, one)


def test_torchrun_ends_when_a_worker_is_killed_and_resumes(job, alone, tmp_path):
    """From the outside: as a user starts the run, loses a process and starts it again."""
    output = tmp_path / "model"
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [*launcher, "-m", "spanbert", *map(str, pretraining(job, output))]
    with (tmp_path / "log").open("w") as log:
        launched = subprocess.Popen(
            command, stdout=log, stderr=log, env=os.environ | {"OMP_NUM_THREADS": "1"}
        )
    try:
        wait_for(output / "run" / "resume.pt")
        os.kill(worker(launched.pid, 1), signal.SIGKILL)
        assert launched.wait(600) != 0
    finally:
        launched.kill()
    assert "Signal 9 (SIGKILL)" in (tmp_path / "log").read_text()
    again = subprocess.run([*command, "--resume"], capture_output=True, text=True, timeout=600, check=False)
    assert again.returncode == 0, again.stderr
    assert "resumed after" in again.stderr
    assert_the_same_run(output, alone)


def test_accelerate_launches_the_same_run(job, alone, tmp_path):
    launcher = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2"]
    done = subprocess.run(
        [*launcher, "-m", "spanbert", *map(str, pretraining(job, tmp_path / "model"))],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"},
    )
    assert done.returncode == 0, done.stderr
    assert_the_same_run(tmp_path / "model", alone)


def worker(launcher: int, number: int) -> int:
    """Process id of a launcher's worker by its rank."""
    for child in Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split():
        if f"\0RANK={number}\0" in "\0" + Path(f"/proc/{child}/environ").read_text():
            return int(child)
    raise AssertionError("no such worker")
