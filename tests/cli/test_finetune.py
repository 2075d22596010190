import json
import os
import signal
import subprocess
import sys
import time

import pytest

from spanbert.cli.main import run
from spanbert.workflows.predict import load

SMALL = ["--steps", "4", "--evaluations", "2", "--batch-pieces", "128"]


def files(job):
    return ["--train", job / "train.jsonl", "--dev", job / "dev.jsonl", "--model", job / "start"]


def spanbert(*arguments) -> int:
    return run([str(argument) for argument in arguments])


def settings(output):
    return json.loads((output / "run" / "settings.json").read_text(encoding="utf-8"))


def test_a_model_is_trained_evaluated_and_reported(qa_job, tmp_path, capsys):
    output = tmp_path / "model"
    more = ["--train", qa_job / "dev.jsonl", "--task-settings.window-pieces", "96"]
    assert spanbert("finetune", "question-answering", *files(qa_job), *more, "--output", output, *SMALL) == 0
    shown = capsys.readouterr()
    assert "update 4: dev f1" in shown.err
    assert "exact_match" in shown.out
    assert settings(output)["train"] == [str(qa_job / "train.jsonl"), str(qa_job / "dev.jsonl")]
    assert load(output).task.settings.window_pieces == 96

    data = ["--model", output, "--data", qa_job / "dev.jsonl"]
    assert spanbert("evaluate", "question-answering", *data, "--json", "--output", tmp_path / "scores") == 0
    shown = capsys.readouterr()
    printed = json.loads(shown.out)
    written = json.loads((tmp_path / "scores" / "report.json").read_text(encoding="utf-8"))
    assert shown.out.count("\n") == 1
    assert printed["values"] == written["values"]

    assert spanbert("evaluate", "question-answering", *data) == 0
    table = capsys.readouterr().out
    assert "f1" in table
    assert "pieces/s" in table


def test_flags_win_over_the_file_and_the_file_over_defaults(qa_job, tmp_path):
    config = tmp_path / "job.toml"
    config.write_text(
        f'train = ["{qa_job / "train.jsonl"}"]\n'
        f'dev = "{qa_job / "dev.jsonl"}"\nmodel = "{qa_job / "start"}"\n'
        f'output = "{tmp_path / "model"}"\nsteps = 9\nseed = 5\nbatch_pieces = 128\nevaluations = 1\n'
        "[task_settings]\nwindow_pieces = 96\ncontrast = 0.25\n"
    )
    flags = ["--steps", "2", "--task-settings.contrast", "0.5", "--output", tmp_path / "other"]
    assert spanbert("finetune", "question-answering", "--config", config, *flags) == 0
    assert not (tmp_path / "model").exists()
    found = settings(tmp_path / "other")
    assert (found["steps"], found["seed"], found["learning_rate"]) == (2, 5, 5e-5)
    trained = load(tmp_path / "other").task.settings
    assert (trained.window_pieces, trained.contrast) == (96, 0.5)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--epcohs", "1"], "--epcohs"),
        (["--epochs", "many"], "epochs: input should be a valid number"),
        (["--epochs", "-1"], "epochs: input should be greater than 0, got '-1'"),
        (["--epochs", "1"], "spanbert: say epochs or steps, not both\n"),
        (["--precision", "float16"], "float16"),
        (["--task-settings.contrats", "1"], "unknown setting contrats: did you mean contrast?"),
        (["--train", "absent.jsonl"], "absent.jsonl: no such file"),
        (["--config", "absent.toml"], "absent.toml: no such file"),
    ],
)
def test_wrong_flags_are_one_line_and_exit_code_2(qa_job, tmp_path, capsys, flags, message):
    code = spanbert(
        "finetune", "question-answering", *files(qa_job), "--output", tmp_path / "m", *SMALL, *flags
    )
    shown = capsys.readouterr()
    assert code == 2
    assert message in shown.err
    assert shown.err.count("\n") == 1
    assert "pydantic.dev" not in shown.err
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed = 1\nepcohs = 2\n", "job.toml:2: unknown setting epcohs: did you mean epochs?"),
        ("seed = 1\n\nwarmup = 7\n", "job.toml:3: warmup: input should be less than or equal to 1, got 7"),
        ("train = 3\n", "job.toml:1: train"),
        ("seed = \n", "job.toml: broken TOML"),
    ],
)
def test_wrong_files_are_one_line_with_their_place(tmp_path, capsys, text, message):
    (tmp_path / "job.toml").write_text(text)
    assert spanbert("finetune", "question-answering", "--config", tmp_path / "job.toml") == 2
    shown = capsys.readouterr().err
    assert message in shown
    assert shown.count("\n") == 1


def test_missing_files_are_named(capsys):
    assert spanbert("finetune", "question-answering", "--dev", "a.json") == 2
    assert "--train, --model, --output" in capsys.readouterr().err


def test_an_unknown_task_is_named(qa_job, tmp_path, capsys):
    assert spanbert("finetune", "question-answerin", *files(qa_job), "--output", tmp_path / "m") == 2
    assert "unknown task 'question-answerin'" in capsys.readouterr().err


def test_help_does_not_import_torch():
    code = (
        "import sys; from spanbert.cli.main import run; run(['finetune', '--help']); "
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0
    assert "--task-settings" in done.stdout


def test_an_interrupt_says_how_to_go_on_and_resume_does(qa_job, tmp_path, capsys, caplog):
    output = tmp_path / "model"
    arguments = ["finetune", "question-answering", *files(qa_job), "--output", output, "--batch-pieces", "64"]
    arguments = [
        str(one) for one in [*arguments, "--steps", "300", "--evaluations", "1", "--save-every", "20"]
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "spanbert", *arguments],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
        # A suite that a shell runs in the background inherits interrupts ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while not (output / "run" / "resume.pt").exists() and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, message = process.communicate()
    assert process.returncode == 130, message
    assert "--resume goes on" in message
    assert "Traceback" not in message
    assert not (output / "config.json").exists()
    assert run([*arguments, "--resume"]) == 0
    assert "resumed after" in capsys.readouterr().err
    before = (output / "model.safetensors").stat().st_mtime_ns
    assert run([*arguments, "--resume"]) == 0
    assert "finished, there is nothing to resume" in caplog.text
    assert (output / "model.safetensors").stat().st_mtime_ns == before
