"""Compact storage: how far a value is from its original, and that such a folder is read like any other."""

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given
from transformers import AutoModel

import released_models as released
from spanbert.checkpoint.compact import COMPACT_FORMAT, SCALE_SUFFIX, compacted, expanded, quantize_rows
from spanbert.checkpoint.folder import TaskDescription, read_folder, write_compact, write_files
from spanbert.checkpoint.hf_config import hf_config
from spanbert.checkpoint.vocabulary import tokenizer_from
from spanbert.checkpoint.weight_files import read_weights, write_weights
from spanbert.errors import CheckpointError
from spanbert.nn.config import EncoderConfig
from spanbert.nn.encoder import Encoder
from spanbert.tasks.question_answering.model import QaModel
from spanbert.tasks.question_answering.task import QuestionAnswering
from spanbert.workflows.model_source import name_table


@given(
    seed=st.integers(0, 10_000),
    exponent=st.floats(-12, 4),
    outlier=st.sampled_from([1.0, 50.0]),
)
def test_error_is_at_most_half_a_step(seed, exponent, outlier):
    generator = torch.Generator().manual_seed(seed)
    matrix = torch.randn(7, 33, generator=generator) * 10**exponent
    matrix[0, 0] *= outlier
    matrix[3] = 0
    steps, scales = quantize_rows(matrix)
    assert steps.dtype is torch.int8
    assert scales.dtype is torch.float16
    back, _ = expanded({"m": steps, "m" + SCALE_SUFFIX: scales}, "file")
    assert ((back["m"] - matrix).abs() <= scales.float()[:, None] * 0.5001).all()
    assert torch.equal(back["m"][3], torch.zeros(33))


def test_values_beyond_its_reach_are_refused():
    with pytest.raises(CheckpointError, match=r"not finite"):
        compacted({"a": torch.tensor([float("nan")])})
    with pytest.raises(CheckpointError, match=r"too large"):
        compacted({"a": torch.full((64, 64), 1e9)})


def test_vectors_and_small_matrices_stay_exact():
    tensors = {"bias": torch.randn(5000), "ends": torch.randn(2, 384), "dense": torch.randn(64, 64)}
    stored = compacted(tensors)
    assert torch.equal(stored["bias"], tensors["bias"])
    assert torch.equal(stored["ends"], tensors["ends"])
    assert stored["dense"].dtype is torch.int8


def big_folder(path):
    config = EncoderConfig(
        vocabulary_size=len(released.CASED), width=64, layers=2, heads=4, feed_forward_width=128
    )
    model, names = QaModel(Encoder(config)), name_table(QuestionAnswering())
    tensors = {names.theirs(name): value.detach() for name, value in model.named_parameters()}
    vocabulary = released.write_files(
        path.with_name("v"), {"vocab.txt": released.vocabulary_bytes(released.CASED)}
    )
    tokenizer, _ = tokenizer_from(vocabulary / "vocab.txt", None)
    task = TaskDescription("question-answering", {"no_answer_threshold": 0.5})
    write_files(path, hf_config(config, "BertForQuestionAnswering"), tensors, tokenizer, task)
    return tensors


def test_compact_folder_is_read_like_any_other(tmp_path):
    tensors = big_folder(tmp_path / "plain")
    write_compact(tmp_path / "plain", tmp_path / "small")
    assert not (tmp_path / "small" / "model.safetensors").exists()
    ratio = (tmp_path / "small" / "compact.safetensors").stat().st_size / sum(
        4 * t.numel() for t in tensors.values()
    )
    assert ratio < 0.6  # tiny rows; a real model comes to about a quarter
    found = read_folder(tmp_path / "small")
    assert found.task == read_folder(tmp_path / "plain").task
    assert (
        found.tokenizer().encode("Paris").ids.tolist()
        == read_folder(tmp_path / "plain").tokenizer().encode("Paris").ids.tolist()
    )
    query = "bert.encoder.layer.0.attention.self.query.weight"
    assert found.stored.dtype(query) == "int8"
    for name, value in tensors.items():
        step = (
            value.abs().amax(-1, keepdim=True) / 127 if found.stored.dtype(name) == "int8" else torch.zeros(1)
        )
        assert ((found.stored.tensors[name] - value).abs() <= step * 0.51).all(), name
    with pytest.raises(OSError, match=r"no file named"):
        AutoModel.from_pretrained(tmp_path / "small")


def test_matrix_without_scales_is_refused(tmp_path):
    write_weights(
        tmp_path / "compact.safetensors",
        {"a": torch.ones(2, 2, dtype=torch.int8)},
        {"format": COMPACT_FORMAT},
    )
    with pytest.raises(CheckpointError, match=r"tensor 'a' has no scale for each of its rows"):
        read_weights(tmp_path / "compact.safetensors")
