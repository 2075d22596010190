import json
import logging
import shutil

import pytest
import torch

from qa_run import start
from run_results import results
from spanbert.checkpoint.folder import read_folder
from spanbert.errors import SettingsError, SpanbertError
from spanbert.workflows.evaluate import evaluate
from spanbert.workflows.finetune import finetune
from spanbert.workflows.predict import load

ITEM = {"question": "Where did Ada go?", "passage": "In the year 1900 Ada went to Paris by train."}


@pytest.fixture(scope="session")
def whole(qa_job, tmp_path_factory) -> dict[str, object]:
    output = tmp_path_factory.mktemp("whole") / "model"
    done = start(qa_job, output)
    assert done.returncode == 0, done.message
    return results(output)


def test_a_finished_run_leaves_model_card_report_metrics_and_picture(whole):
    assert {"config.json", "model.safetensors", "task.json", "tokenizer.json", "README.md"} <= set(whole)
    assert {"run/settings.json", "run/metrics.jsonl", "run/report.json", "run/curves.png"} <= set(whole)
    assert not [name for name in whole if "resume" in name or "part" in name or "staged" in name]
    kinds = [line["kind"] for line in whole["run/metrics.jsonl"]]
    assert (kinds.count("update"), kinds.count("evaluation"), kinds.count("end")) == (12, 4, 1)
    best = max(line["f1"] for line in whole["run/metrics.jsonl"] if line["kind"] == "evaluation")
    assert json.loads(whole["run/report.json"])["values"]["f1"] == best


@pytest.mark.parametrize(
    "kill",
    [
        ("updated", 3),  # nothing saved yet
        ("save", 5),  # half of the first resume point written
        ("evaluated", 6),  # after the best checkpoint was kept, before the next save
        ("save", 10),  # the earlier resume point counts
        ("ended", 12),
    ],
    ids=lambda kill: f"{kill[0]}-{kill[1]}",
)
def test_a_killed_and_resumed_run_leaves_what_the_whole_run_leaves(qa_job, whole, tmp_path, kill):
    killed = start(qa_job, tmp_path / "model", kill=kill)
    assert killed.returncode == -9, killed.message
    resumed = start(qa_job, tmp_path / "model", resume=True)
    assert resumed.returncode == 0, resumed.message
    assert results(tmp_path / "model") == whole


def test_a_disk_too_full_for_a_resume_point_is_one_line_and_the_kept_model_stays(qa_job, whole, tmp_path):
    size = sum(map(len, whole["model.safetensors"].values()))
    ended = start(qa_job, tmp_path / "model", largest_file=size * 2)
    assert ended.returncode == 2
    assert "resume.pt: cannot write the resume point" in ended.message
    assert ended.message.count("\n") == 1
    left = results(tmp_path / "model")
    assert not [name for name in left if "part" in name or "staged" in name]
    assert load(tmp_path / "model").predict([ITEM])

    resumed = start(qa_job, tmp_path / "model", resume=True)
    assert resumed.returncode == 0, resumed.message
    assert results(tmp_path / "model") == whole


def test_a_disk_too_full_for_the_model_leaves_the_earlier_one_as_it_was(qa_job, whole, tmp_path):
    start(qa_job, tmp_path / "model", kill=("updated", 4))
    before = {path.name: path.read_bytes() for path in (tmp_path / "model").iterdir() if path.is_file()}
    assert "model.safetensors" in before
    size = sum(map(len, whole["model.safetensors"].values()))
    ended = start(qa_job, tmp_path / "model", resume=True, largest_file=size // 2)
    assert ended.returncode == 2
    begins_anew, error = ended.message.splitlines()
    assert "no resume point yet" in begins_anew
    assert "model.safetensors" in error
    after = {path.name: path.read_bytes() for path in (tmp_path / "model").iterdir() if path.is_file()}
    assert after == before


def test_a_resumed_run_refuses_other_settings_and_other_data(qa_job, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(qa_job, data)
    start(data, tmp_path / "model", kill=("updated", 7))
    other = start(data, tmp_path / "model", resume=True, settings={"learning_rate": 1e-4})
    assert (other.returncode, other.message.count("\n")) == (2, 1)
    assert "these differ: learning_rate" in other.message
    with (data / "train.jsonl").open("a") as stream:
        stream.write("\n")
    changed = start(data, tmp_path / "model", resume=True)
    assert "these differ: the content of train" in changed.message


def run_here(job, output, **options):
    files = {"train": job / "train.jsonl", "dev": job / "dev.jsonl", "model": job / "start"}
    settings = {"steps": 2, "evaluations": 1, "batch_pieces": 128, "precision": "float32"}
    return finetune("question-answering", output=output, **files | settings | options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epohcs": 1}, "settings: unknown setting epohcs: did you mean epochs?"),
        ({"epochs": 0}, "settings: epochs: input should be greater than 0, got 0"),
        (
            {"task_settings": {"window_piece": 96}},
            "unknown setting window_piece: did you mean window_pieces?",
        ),
        ({"task_settings": {"contrast": "much"}}, "settings of question-answering: contrast: .* got 'much'"),
        ({"train": "absent.jsonl"}, "absent.jsonl: no such file"),
        ({"model": "./absent"}, "absent: no such folder"),
    ],
)
def test_wrong_settings_and_files_are_one_line_and_write_nothing(qa_job, tmp_path, options, message):
    with pytest.raises(SpanbertError, match=message) as caught:
        run_here(qa_job, tmp_path / "model", **options)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "model").exists()


def test_a_folder_with_a_model_is_not_overwritten(qa_job, tmp_path):
    model = shutil.copytree(qa_job / "start", tmp_path / "model")
    before = results(model)
    with pytest.raises(SpanbertError, match=r"holds config\.json, .* already, which would be replaced"):
        run_here(qa_job, model)
    assert results(model) == before


def test_a_file_is_no_place_for_a_model(qa_job, tmp_path):
    (tmp_path / "model").write_text("mine", encoding="utf-8")
    with pytest.raises(SpanbertError, match="model: is a file; name a folder"):
        run_here(qa_job, tmp_path / "model")
    assert (tmp_path / "model").read_text(encoding="utf-8") == "mine"


def test_gold_that_cannot_be_used_is_counted_in_warning_report_and_card(qa_job, tmp_path, caplog):
    lines = (qa_job / "train.jsonl").read_text(encoding="utf-8").splitlines()
    long = " ".join(["train"] * 100)
    lost = {"id": "long", "question": "Where?", "passage": long, "answers": [{"text": long, "start": 0}]}
    train = tmp_path / "train.jsonl"
    train.write_text("\n".join([*lines, json.dumps(lost)]), encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        report = run_here(
            qa_job,
            tmp_path / "model",
            train=[train],
            task_settings={"window_pieces": 64, "overlap_pieces": 8},
        )
    assert report.lost_gold == {"answers longer than a window (training)": 1}
    assert "1 x answers longer than a window (training)" in caplog.text
    card = (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    assert "| answers longer than a window (training) | 1 |" in card
    assert json.loads((tmp_path / "model/run/report.json").read_text())["lost_gold"] == report.lost_gold


def test_thresholds_are_fitted_on_the_fit_file_when_there_is_one(qa_job, tmp_path):
    lines = [json.loads(line) for line in (qa_job / "dev.jsonl").read_text(encoding="utf-8").splitlines()]
    fit = tmp_path / "fit.jsonl"  # every question can be answered: always answering is best
    fit.write_text("".join(json.dumps(line) + "\n" for line in lines if line["answers"]), encoding="utf-8")
    run_here(qa_job, tmp_path / "other", fit=fit)
    assert load(tmp_path / "other").task.settings.no_answer_threshold == float("-inf")
    run_here(qa_job, tmp_path / "same")
    assert load(tmp_path / "same").task.settings.no_answer_threshold > float("-inf")


def test_a_new_head_starts_from_the_seed_alone(qa_job, tmp_path):
    run_here(qa_job, tmp_path / "one")
    torch.rand(7)
    run_here(qa_job, tmp_path / "two")
    assert results(tmp_path / "one")["model.safetensors"] == results(tmp_path / "two")["model.safetensors"]


def test_the_kept_report_is_what_evaluate_measures_on_the_saved_model(qa_job, tmp_path):
    report = run_here(qa_job, tmp_path / "model")
    again = evaluate("question-answering", model=tmp_path / "model", data=qa_job / "dev.jsonl").report
    assert again.values == pytest.approx(report.values, abs=0.02)


def test_frozen_layers_keep_their_values_and_all_above_learns(qa_job, tmp_path):
    finetune(
        "question-answering",
        train=qa_job / "train.jsonl",
        dev=qa_job / "dev.jsonl",
        model=qa_job / "start",
        output=tmp_path / "model",
        frozen_layers=1,
        steps=2,
        evaluations=1,
        task_settings={"window_pieces": 96},
    )
    before, after = (read_folder(place).stored.tensors for place in (qa_job / "start", tmp_path / "model"))
    for name, value in before.items():
        # the bias of keys adds the same to all scores of a row, so that its gradient is zero but for rounding
        if not name.endswith("key.bias"):
            kept = name.startswith(("bert.embeddings.", "bert.encoder.layer.0."))
            assert torch.equal(value, after[name]) is kept, name


def test_more_frozen_layers_than_there_are_is_an_error(qa_job, tmp_path):
    with pytest.raises(SettingsError, match="frozen_layers is 9, the encoder has only"):
        finetune(
            "question-answering",
            train=qa_job / "train.jsonl",
            dev=qa_job / "dev.jsonl",
            model=qa_job / "start",
            output=tmp_path / "model",
            frozen_layers=9,
            task_settings={"window_pieces": 96},
        )
