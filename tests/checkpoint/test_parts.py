"""Several tasks in one folder: each keeps only what differs, and is refused on other weights."""

import json
import shutil

import pytest
import torch
from safetensors import safe_open

from spanbert.checkpoint.folder import TaskDescription, read_folder, write_compact, write_folder
from spanbert.checkpoint.parts import part_names, with_part, write_part
from spanbert.errors import CheckpointError
from spanbert.nn.encoder import Encoder
from spanbert.nn.freezing import freeze
from spanbert.tasks.question_answering.task import QuestionAnswering
from spanbert.workflows.inspect_model import inspect_model
from spanbert.workflows.model_source import describe, name_table
from tiny_start import write_start

OTHER = TaskDescription("another-task", {"threshold": 0.25})


def write(folder, model, checkpoint, task):
    write_folder(
        folder,
        model,
        name_table(QuestionAnswering()),
        checkpoint.config,
        checkpoint.tokenizer(),
        architecture="BertForQuestionAnswering",
        task=task,
    )
    return folder


@pytest.fixture
def base(tmp_path):
    """A compact question answering folder."""
    start = read_folder(write_start(tmp_path / "start", ["ada went to paris by train."]))
    model = QuestionAnswering().build(Encoder(start.config))
    write(tmp_path / "whole", model, start, describe(QuestionAnswering()))
    write_compact(tmp_path / "whole", tmp_path / "base")
    return tmp_path / "base"


@pytest.fixture
def trained(base, tmp_path):
    """A model whose last layer and head moved away from the base."""
    checkpoint = read_folder(base)
    model = QuestionAnswering().build(Encoder(checkpoint.config))
    names = name_table(QuestionAnswering())
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(checkpoint.stored.tensors[names.theirs(name)])
        freeze(model, 1)
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter += 0.01
    return write(tmp_path / "trained", model, checkpoint, OTHER)


def test_a_part_holds_only_what_differs_and_gives_the_trained_model_back(base, trained):
    folder = write_part(read_folder(base), read_folder(trained))
    assert part_names(base) == [OTHER.name]
    with safe_open(folder / "compact.safetensors", "pt") as stored:
        names = {name.removesuffix(".row_scale") for name in stored.keys()}  # noqa: SIM118
    assert all(name.startswith(("bert.encoder.layer.1.", "qa_outputs.")) for name in names)
    found, before = with_part(read_folder(base), OTHER.name), read_folder(trained)
    assert found.task == OTHER
    assert found.stored.tensors.keys() == before.stored.tensors.keys()
    for name, value in before.stored.tensors.items():
        step = value.abs().amax(dim=-1, keepdim=True) / 127
        assert (found.stored.tensors[name] - value).abs().le(0.6 * step + 1e-7).all(), name


def test_the_folder_itself_stays_the_model_it_was(base, trained):
    before = read_folder(base)
    write_part(before, read_folder(trained))
    after = read_folder(base)
    assert after.task == before.task
    assert all(
        torch.equal(after.stored.tensors[name], value) for name, value in before.stored.tensors.items()
    )
    assert "question-answering" in inspect_model(base).ready_for


def test_a_part_on_other_weights_is_refused(base, trained):
    write_part(read_folder(base), read_folder(trained))
    shutil.copy(trained / "model.safetensors", base / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"made for other weights than those of .*base$"):
        with_part(read_folder(base), OTHER.name)


def test_an_absent_part_is_told_with_those_that_are_there(base, trained):
    with pytest.raises(CheckpointError, match=r"holds no part for another-task \(parts: none\)"):
        with_part(read_folder(base), OTHER.name)
    write_part(read_folder(base), read_folder(trained))
    with pytest.raises(CheckpointError, match=r"no part for more \(parts: another-task\)"):
        with_part(read_folder(base), "more")


def test_a_model_of_another_start_or_without_a_task_is_no_part(base, trained, tmp_path):
    other = read_folder(write_start(tmp_path / "other", ["a wholly different text, with other words"]))
    model = QuestionAnswering().build(Encoder(other.config))
    foreign = write(tmp_path / "foreign", model, other, OTHER)
    with pytest.raises(CheckpointError, match=r"foreign: was not trained from .*base$"):
        write_part(read_folder(base), read_folder(foreign))
    (trained / "task.json").unlink()
    with safe_open(trained / "model.safetensors", "pt") as stored:
        assert json.loads(stored.metadata()["spanbert_task"])["task"] == OTHER.name  # it says so itself
    assert write_part(read_folder(base), read_folder(trained)).name == OTHER.name
