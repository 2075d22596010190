"""Settings that add something to a run: compiled layers and event files."""

import copy
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch._dynamo.utils import counters

from spanbert.errors import MissingExtraError
from spanbert.nn.compiling import compile_layers
from spanbert.pretraining.corpus.prepare import prepare
from spanbert.pretraining.corpus.settings import CorpusSettings
from spanbert.workflows.finetune import finetune
from spanbert.workflows.pretrain import Start, pretrain
from spanbert.workflows.pretraining_data import split
from spanbert.workflows.settings import PretrainSettings

SETTINGS = {
    "steps": 2,
    "evaluations": 1,
    "batch_pieces": 128,
    "learning_rate": 3e-3,
    "dropout": 0.0,
    "precision": "float32",
    "corpus_settings": {"block_pieces": 40},
}


def run(job, output, **settings):
    return pretrain([job / "text.txt"], output, model=job / "start", **SETTINGS | settings)


def metrics(output):
    lines = (output / "run" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [line for line in map(json.loads, lines) if line["kind"] == "update"]


def test_compiled_layers_train_as_the_others(pretrain_job, tmp_path):
    start = Start.of(pretrain_job / "start", None, None)
    settings = PretrainSettings(dropout=0.0)
    corpus = prepare(
        [pretrain_job / "text.txt"], start.tokenizer, tmp_path / "corpus", CorpusSettings(block_pieces=40)
    )
    data, _ = split(corpus, start.tokenizer, settings)
    torch.manual_seed(0)
    eager = start.network(settings)
    compiled = copy.deepcopy(eager)
    compile_layers(compiled)
    assert compiled.state_dict().keys() == eager.state_dict().keys()
    counters.clear()
    for blocks in (np.arange(3), np.arange(3, 9)):
        for network in (eager, compiled):
            network.train()
            optimizer = torch.optim.SGD(network.parameters(), lr=1e-3)
            sum(network(data.epoch(0, 0).batch(blocks)).losses.values()).backward()
            optimizer.step()
            network.zero_grad()
    for name, tensor in eager.state_dict().items():
        torch.testing.assert_close(compiled.state_dict()[name], tensor, rtol=1e-5, atol=1e-5)
    assert counters["stats"]["unique_graphs"] == 1  # for all layers and numbers of pieces
    compiled.eval()
    with torch.no_grad():
        compiled(data.epoch(0, 0).batch(np.arange(4)))
    assert counters["stats"]["unique_graphs"] == 1  # evaluation compiles nothing


def test_a_run_with_compiled_layers_has_the_losses_of_one_without(pretrain_job, tmp_path):
    for name in ("eager", "compiled"):
        run(pretrain_job, tmp_path / name, compile=name == "compiled")
    for one, other in zip(metrics(tmp_path / "eager"), metrics(tmp_path / "compiled"), strict=True):
        assert other["losses"] == pytest.approx(one["losses"], rel=1e-5)


def test_a_missing_compiler_is_said_before_anything_is_done(pretrain_job, tmp_path):
    command = ["pretrain", pretrain_job / "text.txt", "--model", pretrain_job / "start", "--compile"]
    done = subprocess.run(
        [sys.executable, "-m", "spanbert", *map(str, command), "--output", str(tmp_path / "model")],
        env=os.environ | {"CXX": "absent-compiler"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert done.stderr.startswith(
        "spanbert: --compile: torch cannot compile for cpu here (InvalidCxxCompiler"
    )
    assert "install a C++ compiler (g++)" in done.stderr
    assert not (tmp_path / "model").exists()


def test_a_missing_tensorboard_is_said_before_anything_is_done(pretrain_job, qa_job, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(MissingExtraError, match=r"spanbert\[tensorboard\]"):
        run(pretrain_job, tmp_path / "model", tensorboard=True)
    with pytest.raises(MissingExtraError, match=r"spanbert\[tensorboard\]"):
        finetune(
            "question-answering",
            train=qa_job / "train.jsonl",
            dev=qa_job / "dev.jsonl",
            model=qa_job / "start",
            output=tmp_path / "model",
            tensorboard=True,
        )
    assert not (tmp_path / "model").exists()


def test_event_files_stand_in_the_run_folder(pretrain_job, tmp_path):
    pytest.importorskip("tensorboard")
    run(pretrain_job, tmp_path / "model", tensorboard=True)
    assert list((tmp_path / "model" / "run" / "tensorboard").glob("events.out.tfevents.*"))
