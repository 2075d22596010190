"""What `inspect` says of checkpoints in several forms."""

import json

import pytest
import torch

import released_models as released
from spanbert.checkpoint.folder import write_compact
from spanbert.checkpoint.weights import Fate
from spanbert.cli.inspect import STYLES
from spanbert.cli.main import run
from spanbert.workflows.inspect_model import inspect_model

CASED = released.vocabulary_bytes(released.CASED)


def test_released_archive(tmp_path):
    state = released.encoder_alone(released.pretrained_state())
    found = inspect_model(released.write_archive(tmp_path / "m.tar.gz", released.released_files(state)))
    assert (found.layers, found.width, found.heads, found.positions) == (2, 16, 2, 40)
    assert found.parameters == sum(value.numel() for value in state.values())
    assert found.precision == {"float16": len(state)}
    assert found.weights_file == "pytorch_model.bin"
    assert "no vocabulary" in found.tokenizer
    assert found.cased is None
    assert found.model_heads == found.ready_for == found.can_be_tuned_for == found.warnings == []
    fates = {line.name: line.fate for line in found.tensors}
    assert fates["bert.embeddings.LayerNorm.weight"] is Fate.RENAMED
    assert fates["bert.embeddings.word_embeddings.weight"] is Fate.LOADED
    assert fates["bert.pooler.dense.weight"] is Fate.RANDOM


def test_heads_and_tasks(tmp_path):
    state = released.pretrained_state()
    state |= released.boundary_head(state)
    files = released.released_files(state) | {"vocab.txt": CASED}
    found = inspect_model(released.write_files(tmp_path / "a", files))
    assert found.model_heads == ["pooler", "masked language model", "span boundary", "next sentence"]
    assert found.cased is True
    assert "question-answering" not in found.ready_for
    assert "question-answering" in found.can_be_tuned_for
    answering = released.released_files(released.answering_state()) | {"vocab.txt": CASED}
    assert "question-answering" in inspect_model(released.write_files(tmp_path / "b", answering)).ready_for


@pytest.mark.parametrize(("pooled", "of"), [(True, "sequence"), (False, "token")])
def test_classifier_with_its_labels(tmp_path, pooled, of):
    state = released.pretrained_state()
    state = {name: value for name, value in state.items() if not name.startswith("cls.")}
    state = state if pooled else released.encoder_alone(state)
    state |= {"classifier.weight": torch.ones(2, 16), "classifier.bias": torch.ones(2)}
    config = json.dumps(released.released_config() | {"id2label": {"0": "good", "1": "bad"}}).encode()
    found = inspect_model(
        released.write_files(tmp_path, released.released_files(state) | {"config.json": config})
    )
    assert f"{of} classification (2 labels: good, bad)" in found.model_heads


def test_faults_are_warned_of(tmp_path):
    state = released.encoder_alone(released.pretrained_state())
    state["bert.encoder.layer.0.output.dense.bias"][0] = torch.inf
    del state["bert.encoder.layer.1.output.dense.bias"]
    state["optimizer.step"] = torch.ones(1)
    config = json.dumps(released.released_config() | {"architectures": ["BertForQuestionAnswering"]}).encode()
    files = released.released_files(state) | {"config.json": config, "vocab.txt": CASED}
    found = inspect_model(released.write_files(tmp_path, files))
    said = " ".join(found.warnings)
    assert "1 tensors of the encoder are missing, bert.encoder.layer.1.output.dense.bias first" in said
    assert "2 tensors of heads are missing, qa_outputs.bias first" in said
    assert "1 tensors hold NaN or infinity, bert.encoder.layer.0.output.dense.bias" in said
    assert "1 tensors are of no known kind and stay unused, optimizer.step" in said
    assert found.can_be_tuned_for == []


def test_compact_folder_says_so(tmp_path):
    state = released.encoder_alone(released.pretrained_state())
    state["bert.embeddings.word_embeddings.weight"] = torch.randn(400, 16)  # large enough to be compacted
    config = json.dumps(released.released_config() | {"vocab_size": 400}).encode()
    files = released.released_files(state) | {"config.json": config, "vocab.txt": CASED}
    write_compact(released.write_files(tmp_path / "m", files), tmp_path / "small")
    found = inspect_model(tmp_path / "small")
    assert found.weights_file == "compact.safetensors"
    assert found.precision["int8"] == 1
    assert any("400 word vectors" in note for note in found.notes)


def test_command_line(tmp_path, capsys):
    state = released.answering_state() | {"bert.embeddings.position_ids": torch.arange(40)[None]}
    folder = str(released.write_files(tmp_path / "m", released.released_files(state) | {"vocab.txt": CASED}))
    assert run(["inspect", folder]) == 0
    out = capsys.readouterr().out
    assert "2 layers x 16" in out
    assert "cased" in out
    assert "question answering" in out
    assert "position_ids" not in out
    assert run(["inspect", folder, "--tensors"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    fates = {row[0]: row[1] for row in rows if row and "." in row[0]}
    assert fates["bert.embeddings.word_embeddings.weight"] == "loaded"
    assert fates["bert.encoder.layer.1.attention.output.LayerNorm.bias"] == "renamed"
    assert fates["bert.pooler.dense.weight"] == "random"
    assert fates["bert.embeddings.position_ids"] == "redundant"
    assert run(["inspect", folder, "--json", "--tensors"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert value["ready_for"] == ["question-answering", "similarity"]  # likeness needs the encoder alone
    assert {line["fate"] for line in value["tensors"]} == {"loaded", "renamed", "random", "redundant"}
    assert run(["inspect", str(tmp_path / "absent")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_every_fate_of_a_tensor_has_a_style():
    assert list(STYLES) == [fate.value for fate in Fate]
