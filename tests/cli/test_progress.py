import io

from rich.console import Console

from spanbert.cli.pretrain import LONG_TO_HASH, PreparationLine
from spanbert.cli.progress import training_progress
from spanbert.pretraining.corpus.prepare import PreparationProgress
from spanbert.scoring.report import Report
from spanbert.training.events import StepRecord


def record(step, steps=100, data_seconds=0.01):
    return StepRecord(
        step=step,
        steps=steps,
        epoch=0.5,
        loss=10.0 / step,
        losses={"answers": 10.0 / step},
        accuracies={},
        gradient_norm=1.0,
        learning_rate=1e-4,
        pieces=1000,
        seconds=0.5,
        data_seconds=data_seconds,
    )


def shown(data_seconds=0.01, **options) -> str:
    stream = io.StringIO()
    with training_progress(Console(file=stream, width=120, highlight=False, **options)) as listener:
        listener.started(0, 100)
        for step in range(1, 101):
            listener.updated(record(step, data_seconds=data_seconds))
            if step % 50 == 0:
                value = 80.0 - step / 10
                listener.evaluated(step, Report("toy", {"f1": value}, "f1"), step == 50)
        listener.ended(100, "all updates made")
    return stream.getvalue()


def test_a_file_gets_plain_lines():
    lines = shown(force_terminal=False).splitlines()
    assert lines[0] == "100 updates"
    assert "update 50: dev f1 75.00 (kept)" in lines
    assert "update 100: dev f1 70.00 (best 75.00)" in lines
    assert lines[-1].startswith("done after 100 updates in 0:00:0")
    assert lines[-1].endswith(": all updates made")
    states = [line for line in lines if "loss" in line]
    assert len(states) == 20  # one each twentieth of the run
    assert states[-1] == states[-1].strip()
    assert "2,000 pieces/s" in states[-1]
    assert "rate 1.00e-04" in states[-1]
    assert "best 75.00" in states[-1]
    assert "update 60/100" in lines[lines.index(states[11])]
    assert "0:00:20 left" in states[11]
    assert "\x1b" not in "".join(lines)


def test_the_loss_shown_is_a_mean_over_recent_updates():
    last = [line for line in shown(force_terminal=False).splitlines() if "loss" in line][-1]
    mean = sum(10.0 / step for step in range(51, 101)) / 50
    assert f"loss {mean:.4f}" in last


def test_a_terminal_gets_a_bar_and_keeps_the_evaluations():
    text = shown(force_terminal=True, color_system="truecolor", legacy_windows=False)
    assert "\x1b[" in text
    assert "update 50: dev f1 75.00 (kept)" in text
    assert "all updates made" in text


def test_a_share_of_time_in_data_is_shown_once_it_is_worth_it():
    assert "of the time in data" not in shown(force_terminal=False)
    assert "pieces/s (20% of the time in data), " in shown(data_seconds=0.1, force_terminal=False)


def test_a_preparation_says_every_tenth_of_what_takes_long():
    stream = io.StringIO()
    line = PreparationLine(Console(file=stream, highlight=False))
    for total in (1000, 10 * LONG_TO_HASH):
        for stage in ("hashing", "tokenizing"):
            for done in range(21):
                line(PreparationProgress(stage, done * total // 20, total, pieces=100 * done))
    lines = stream.getvalue().splitlines()
    cut = [f"preparing the corpus: {10 * tenth} %, {200 * tenth:,} pieces" for tenth in range(11)]
    hashed = [f"preparing the corpus: {10 * tenth} % of the hashes" for tenth in range(11)]
    assert lines == [*cut, *hashed, *cut]
