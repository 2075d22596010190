"""The command line as a process: help, unknown commands and the exit codes of errors."""

import errno
import os
import subprocess
import sys

import pytest

from spanbert.cli import main as command_line
from spanbert.errors import DataError


def run(*arguments, stdin=None):
    return subprocess.run(
        [sys.executable, "-m", "spanbert", *arguments],
        capture_output=True,
        input=stdin,
        timeout=120,
        check=False,
    )


def one_line(error):
    assert error.endswith(b"\n")
    assert error.count(b"\n") == 1
    assert b"Traceback" not in error
    return error.decode()


def test_help_lists_every_command():
    done = run("--help")
    assert done.returncode == 0
    for name in command_line.COMMANDS:
        assert name in done.stdout.decode()


def test_version():
    assert run("--version").stdout.decode().strip() == "0.1.0"


def test_an_unknown_command_is_refused_with_the_nearest_one():
    done = run("finetun")
    assert done.returncode == 2
    assert "'finetune'" in one_line(done.stderr)


@pytest.mark.parametrize("arguments", [("predict",), ("evaluate", "question-answering"), ("inspect",)])
def test_missing_arguments_are_one_line(arguments):
    done = run(*arguments)
    assert done.returncode == 2
    one_line(done.stderr)


def test_an_unknown_flag_is_one_line():
    done = run("evaluate", "question-answering", "--data", "x", "--modle", "x")
    assert done.returncode == 2
    assert "--modle" in one_line(done.stderr)


def test_an_unknown_task_names_the_known_ones(tmp_path):
    done = run("predict", "poetry", "--model", str(tmp_path))
    assert done.returncode == 2
    one_line(done.stderr)


def raising(error):
    def fail():
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (DataError("broken", "file.json", 3), 2, "file.json:3: broken"),
        (
            OSError(errno.ENOSPC, "No space left on device", "out.json"),
            2,
            "out.json: No space left on device",
        ),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_errors_become_exit_codes(monkeypatch, capsys, error, code, said):
    monkeypatch.setattr(command_line, "_check_command", lambda _: None)
    monkeypatch.setattr(command_line, "build_app", lambda: lambda *_, **__: raising(error)())
    assert command_line.run(["anything"]) == code
    assert capsys.readouterr().err == f"spanbert: {said}\n"


def test_a_fault_of_ours_is_not_hidden(monkeypatch):
    monkeypatch.setattr(command_line, "build_app", lambda: lambda *_, **__: raising(ZeroDivisionError())())
    with pytest.raises(ZeroDivisionError):
        command_line.run([])


@pytest.mark.parametrize("said", [None, "7"])
def test_waiting_threads_sleep_soon_unless_the_user_says_otherwise(monkeypatch, capsys, said):
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    if said:
        monkeypatch.setenv("GOMP_SPINCOUNT", said)
    with pytest.raises(SystemExit):
        command_line.main(["--version"])
    assert os.environ["GOMP_SPINCOUNT"] == (said or "1000")
