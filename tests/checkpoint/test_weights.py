"""Weights in files: every form gives the same tensors, damage is one line, each tensor has its fate."""

import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

import released_models as released
from spanbert.checkpoint.contents import account, broken_tensors, require_encoder
from spanbert.checkpoint.folder import read_folder
from spanbert.checkpoint.hf_config import encoder_config
from spanbert.checkpoint.weight_files import read_weights, write_weights
from spanbert.checkpoint.weights import Fate, canonical
from spanbert.errors import CheckpointError, SpanbertError


def folder_with(path, state, **config):
    values = released.released_config() | config
    released.write_files(path, {"config.json": json.dumps(values).encode()})
    save_file({name: value.clone() for name, value in state.items()}, path / "model.safetensors")
    return path


def fates(checkpoint):
    return {line.name: line.fate for line in account(checkpoint)}


def same(found, wanted):
    assert set(found) == set(wanted)
    for name, value in wanted.items():
        assert torch.equal(found[name], value), name


@pytest.mark.parametrize("ending", ["safetensors", "bin"])
def test_shards(tmp_path, ending):
    state = released.encoder_alone(released.pretrained_state())
    names = sorted(state)
    stem = "model" if ending == "safetensors" else "pytorch_model"
    parts = {f"{stem}-0000{n}-of-00002.{ending}": names[n - 1 :: 2] for n in (1, 2)}
    for file, held in parts.items():
        part = {name: state[name].clone() for name in held}
        save_file(part, tmp_path / file) if ending == "safetensors" else torch.save(part, tmp_path / file)
    index = tmp_path / f"{stem}.{ending}.index.json"
    places = {name: file for file, held in parts.items() for name in held}
    index.write_text(json.dumps({"weight_map": places}))
    released.write_files(tmp_path, {"config.json": json.dumps(released.released_config()).encode()})
    same(read_folder(tmp_path).stored.tensors, state)
    index.write_text(json.dumps({"weight_map": places | {"x": "../secret.bin"}}))
    with pytest.raises(CheckpointError, match=r"no file name of a shard"):
        read_weights(index)
    index.write_text(json.dumps({"weight_map": places | {"x": next(iter(parts))}}))
    with pytest.raises(CheckpointError, match=r"1 tensors are in no shard, 'x'"):
        read_weights(index)
    index.write_text(json.dumps(["x"]))
    with pytest.raises(CheckpointError, match=r"no 'weight_map'"):
        read_weights(index)
    index.write_text(json.dumps({"weight_map": places}))
    (tmp_path / next(iter(parts))).unlink()
    with pytest.raises(CheckpointError, match=r"no such weights file"):
        read_weights(index)


def test_equal_weights_make_equal_files(tmp_path):
    path = tmp_path / "model.safetensors"
    files = set()
    for _ in range(16):
        write_weights(path, {"a": torch.arange(3.0)}, {"task": '{"name": "é"}', "another": "b", "third": "c"})
        files.add(path.read_bytes())
    assert len(files) == 1
    with safe_open(path, "pt") as stream:
        assert stream.metadata() == {
            "format": "pt",
            "task": '{"name": "é"}',
            "another": "b",
            "third": "c",
        }
        assert torch.equal(stream.get_tensor("a"), torch.arange(3.0))


@pytest.mark.parametrize("cut", [0, 5, 200, -20])
def test_truncated_safetensors_is_a_one_line_error(tmp_path, cut):
    path = tmp_path / "model.safetensors"
    write_weights(path, {"a": torch.zeros(300)})
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(CheckpointError, match=r"model\.safetensors: damaged") as error:
        read_weights(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no pickle",
        b"\x80\x02" + b"}q\x00" * 3,
        b"PK\x03\x04 cut",
        b"version https://git-lfs.github.com/spec/v1\n",
    ],
)
def test_damaged_pickle_is_a_one_line_error(tmp_path, content):
    (tmp_path / "pytorch_model.bin").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"pytorch_model\.bin: ") as error:
        read_weights(tmp_path / "pytorch_model.bin")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("value", [[1, 2], {"a": 1}, {"model": {}}])
def test_pickle_without_tensors_is_refused(tmp_path, value):
    torch.save(value, tmp_path / "model.pt")
    with pytest.raises(CheckpointError, match=r"dictionary of tensors|no tensors"):
        read_weights(tmp_path / "model.pt")


def test_every_old_spelling_comes_to_the_same_names(tmp_path):
    state = released.pretrained_state()
    plain = canonical(state, tmp_path).tensors
    for spelled in (
        released.old_norm_names(state),
        {f"decoder.{name}": value for name, value in state.items()},
        {f"module.{name}": value for name, value in released.old_norm_names(state).items()},
        {f"module.decoder.{name}": value for name, value in state.items()},
    ):
        same(canonical(spelled, tmp_path).tensors, plain)
    bare = {name.removeprefix("bert."): value for name, value in released.encoder_alone(state).items()}
    same(canonical(bare, tmp_path).tensors, released.encoder_alone(state))


def test_two_tensors_of_one_name_are_refused(tmp_path):
    with pytest.raises(CheckpointError, match=r"are both 'bert.embeddings.LayerNorm.weight'"):
        canonical({f"bert.embeddings.LayerNorm.{x}": torch.ones(2) for x in ("gamma", "weight")}, tmp_path)


def test_each_tensor_has_its_fate(tmp_path):
    state = released.old_norm_names(released.encoder_alone(released.pretrained_state()))
    state["bert.embeddings.position_ids"] = torch.arange(40)[None]
    state["adam.step"] = torch.ones(1)
    state["cls.seq_relationship.weight"] = torch.ones(2, released.WIDTH)
    del state["bert.encoder.layer.1.output.dense.bias"]
    found = fates(read_folder(folder_with(tmp_path, state)))
    assert found["bert.encoder.layer.0.output.dense.bias"] is Fate.LOADED
    assert found["bert.encoder.layer.0.output.LayerNorm.weight"] is Fate.RENAMED
    assert found["bert.encoder.layer.1.output.dense.bias"] is Fate.MISSING
    assert found["cls.seq_relationship.bias"] is Fate.MISSING
    assert found["bert.pooler.dense.weight"] is Fate.RANDOM
    assert found["cls.predictions.transform.dense.weight"] is Fate.RANDOM
    assert found["bert.embeddings.position_ids"] is Fate.REDUNDANT
    assert found["adam.step"] is Fate.UNUSED
    with pytest.raises(CheckpointError, match=r"1 tensors of the encoder are missing, 'bert.encoder.layer.1"):
        require_encoder(read_folder(tmp_path))


def test_tied_matrix_is_redundant_only_where_it_is_equal(tmp_path):
    state = released.pretrained_state()
    name = "cls.predictions.decoder.weight"
    assert fates(read_folder(folder_with(tmp_path / "a", state)))[name] is Fate.REDUNDANT
    assert (
        fates(read_folder(folder_with(tmp_path / "b", state | {name: state[name] + 1})))[name] is Fate.UNUSED
    )


def test_bias_under_its_second_name_is_taken(tmp_path):
    state = released.pretrained_state()
    bias = state.pop("cls.predictions.bias")
    stored = canonical(state, tmp_path)
    assert torch.equal(stored.tensors["cls.predictions.bias"], bias)
    assert stored.stored_as["cls.predictions.bias"] == "cls.predictions.decoder.bias"


def test_sizes_that_contradict_the_config_name_tensor_and_shapes(tmp_path):
    state = released.encoder_alone(released.pretrained_state())
    with pytest.raises(
        CheckpointError, match=r"position_embeddings.weight' has shape \[40, 16\].*asks for \[50, 16\]"
    ):
        account(read_folder(folder_with(tmp_path / "a", state, max_position_embeddings=50)))
    with pytest.raises(CheckpointError, match=r"layer\.1\..* config.json says 1 layers"):
        account(read_folder(folder_with(tmp_path / "b", state, num_hidden_layers=1)))
    state["bert.embeddings.LayerNorm.bias"] = torch.ones(released.WIDTH, dtype=torch.int8)
    with pytest.raises(
        CheckpointError, match=r"LayerNorm.bias' holds int8 numbers, floating point is needed"
    ):
        account(read_folder(folder_with(tmp_path / "c", state)))


def test_values_that_are_not_finite_are_found(tmp_path):
    state = released.encoder_alone(released.pretrained_state())
    state["bert.encoder.layer.0.output.dense.weight"][0, 0] = torch.nan
    assert broken_tensors(read_folder(folder_with(tmp_path, state))) == [
        "bert.encoder.layer.0.output.dense.weight"
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden_size": None}, "'hidden_size' is missing"),
        ({"hidden_size": "768"}, "'hidden_size' must be a whole number, got '768'"),
        ({"hidden_size": 15}, "multiple of heads"),
        ({"num_hidden_layers": 2.5}, "must be a whole number"),
        ({"layer_norm_eps": "small"}, "'layer_norm_eps' must be a number"),
        ({"model_type": "roberta"}, "model_type 'roberta' is not BERT"),
        ({"is_decoder": True}, "is a decoder"),
        ({"hidden_act": "tanh"}, "hidden_act 'tanh' is not one of gelu"),
        ({"position_embedding_type": "relative_key"}, "only absolute"),
    ],
)
def test_config_that_we_do_not_run_is_refused(change, message):
    with pytest.raises(CheckpointError, match=message) as error:
        encoder_config(released.released_config() | change, "m/config.json")
    assert str(error.value).startswith("m/config.json: ")


def test_foreign_weights_are_named(tmp_path):
    config = json.dumps(released.released_config()).encode()
    released.write_files(tmp_path, {"config.json": config, "tf_model.h5": b"", "flax_model.msgpack": b""})
    with pytest.raises(
        CheckpointError, match=r"weights of other programs \(flax_model.msgpack, tf_model.h5\)"
    ):
        read_folder(tmp_path)


def test_failed_write_keeps_the_old_file(tmp_path):
    path = tmp_path / "model.safetensors"
    write_weights(path, {"a": torch.ones(3)})
    before = path.read_bytes()
    path.parent.joinpath("sub").mkdir()
    with pytest.raises(SpanbertError, match=r"cannot be written"):
        write_weights(tmp_path / "absent" / "model.safetensors", {"a": torch.ones(3)})
    with pytest.raises(SpanbertError, match=r"cannot be written"):
        write_weights(tmp_path / "sub", {"a": torch.ones(3)})
    assert path.read_bytes() == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["model.safetensors", "sub"]
