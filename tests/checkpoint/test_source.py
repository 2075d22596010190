"""Models wherever they are: archives in the released layouts, bare files, the hub, its cache, bad input."""

import io
import json
import pickle
import sys
import tarfile
from pathlib import Path
from types import ModuleType

import pytest
import torch
from transformers import BertConfig, BertModel

import released_models as released
from local_hub import serving
from spanbert.checkpoint.folder import read_folder
from spanbert.checkpoint.source import read_checkpoint, resolve
from spanbert.errors import CheckpointError


def one_line(error: pytest.ExceptionInfo) -> str:
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("folder", ["", "spanbert_hf_base", "./a/b"])
def test_released_archive_gives_its_half_precision_values(tmp_path, folder):
    state = released.encoder_alone(released.pretrained_state())
    archive = released.write_archive(tmp_path / "m.tar.gz", released.released_files(state), folder)
    found = read_checkpoint(archive)
    assert found.path == archive
    assert set(found.stored.tensors) == set(state)
    for name, value in state.items():
        assert torch.equal(found.stored.tensors[name], value.half())
    assert found.stored.dtype("bert.embeddings.LayerNorm.weight") == "float16"
    with pytest.raises(CheckpointError, match=r"no vocabulary.*--vocab FILE") as error:
        found.tokenizer()
    assert str(archive) in one_line(error)
    assert list(tmp_path.iterdir()) == [archive]


def test_fairseq_file_in_an_archive(tmp_path):
    state = released.pretrained_state()
    state |= released.boundary_head(state)
    model = released.fairseq_file(state, tmp_path / "model.pt")
    files = {"config.json": json.dumps(released.released_config()).encode(), "model.pt": model.read_bytes()}
    found = read_checkpoint(released.write_archive(tmp_path / "with_head.tar.gz", files))
    for name, value in state.items():
        assert torch.equal(found.stored.tensors[name], value), name
    assert {name for name in found.stored.redundant if "position_ids" not in name} == {
        "cls.predictions.decoder.weight",
        "cls.predictions.decoder.bias",
        "cls.pair_target_predictions.decoder.weight",
    }


def test_fairseq_file_without_a_config(tmp_path):
    shape = BertConfig(vocab_size=30, hidden_size=768, num_hidden_layers=1, intermediate_size=64)
    state = BertModel(shape, add_pooling_layer=False).state_dict(prefix="bert.")
    state = {name: torch.zeros_like(value) for name, value in state.items()}  # packed in no time
    released.fairseq_file(state, tmp_path / "model.pt")
    archive = released.write_archive(
        tmp_path / "m.tar.gz", {"model.pt": (tmp_path / "model.pt").read_bytes()}
    )
    for place in (archive, tmp_path / "model.pt", tmp_path):
        found = read_checkpoint(place)
        assert (found.config.width, found.config.heads, found.config.layers) == (768, 12, 1)
        assert (found.config.vocabulary_size, found.config.feed_forward_width) == (30, 64)
        assert "no config.json" in found.notes[0]
    released.fairseq_file(released.pretrained_state(), tmp_path / "model.pt")
    with pytest.raises(CheckpointError, match=r"no config\.json, and the weights are not of BERT's"):
        read_checkpoint(tmp_path)


def test_meters_of_a_training_run_are_passed_over(tmp_path, monkeypatch):
    meters = ModuleType("fairseq.meters")
    meters.AverageMeter = type("AverageMeter", (), {"__module__": "fairseq.meters"})
    for name, module in (("fairseq", ModuleType("fairseq")), ("fairseq.meters", meters)):
        monkeypatch.setitem(sys.modules, name, module)
    meter = meters.AverageMeter()
    meter.sum = 3.5
    state = released.encoder_alone(released.pretrained_state())
    torch.save({"model": state, "extra_state": {"train_meters": {"loss": meter}}}, tmp_path / "model.pt")
    monkeypatch.delitem(sys.modules, "fairseq.meters")
    (tmp_path / "config.json").write_text(json.dumps(released.released_config()))
    assert set(read_checkpoint(tmp_path).stored.tensors) == set(state)


class Attack:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return Path.touch, (self.target,)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("write", [torch.save, lambda value, path: path.write_bytes(pickle.dumps(value))])
def test_pickle_that_runs_code_is_refused(tmp_path, write):
    target = tmp_path / "ran"
    folder = released.write_files(
        tmp_path / "m", {"config.json": json.dumps(released.released_config()).encode()}
    )
    write({"model": {"x": torch.ones(1)}, "args": Attack(target)}, folder / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match=r"refused|damaged or no PyTorch") as error:
        read_checkpoint(folder)
    one_line(error)
    assert not target.exists()
    torch.load(folder / "pytorch_model.bin", weights_only=False) if write is torch.save else None
    assert target.exists() == (write is torch.save)  # the pickle would have run


@pytest.mark.parametrize("name", ["../escaped.json", "/tmp/escaped.json", "a/../../config.json"])
def test_member_that_points_outside_is_refused(tmp_path, name):
    files = released.released_files(released.encoder_alone(released.pretrained_state())) | {name: b"{}"}
    archive = released.write_archive(tmp_path / "m.tar.gz", files)
    with pytest.raises(CheckpointError, match=r"points outside the archive") as error:
        read_checkpoint(archive)
    one_line(error)


def test_link_in_an_archive_is_not_followed(tmp_path):
    secret = tmp_path / "secret.json"
    secret.write_text(json.dumps(released.released_config()))
    archive = tmp_path / "m.tar.gz"
    with tarfile.open(archive, "w:gz") as stream:
        link = tarfile.TarInfo("config.json")
        link.type, link.linkname = tarfile.SYMTYPE, str(secret)
        stream.addfile(link)
        content = released.pickled(released.encoder_alone(released.pretrained_state()))
        weights = tarfile.TarInfo("pytorch_model.bin")
        weights.size = len(content)
        stream.addfile(weights, io.BytesIO(content))
    with pytest.raises(CheckpointError, match=r"no config.json"):
        read_checkpoint(archive)


def test_bad_archives_are_one_line_errors(tmp_path):
    files = released.released_files(released.encoder_alone(released.pretrained_state()))
    whole = released.write_archive(tmp_path / "whole.tar.gz", files).read_bytes()
    cases = {
        "cut.tar.gz": (whole[: len(whole) // 2], "damaged or no archive"),
        "text.tar.gz": (b"not an archive", "damaged or no archive"),
        "empty.tar": (b"", "damaged or no archive"),
    }
    for name, (content, message) in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(CheckpointError, match=message) as error:
            read_checkpoint(tmp_path / name)
        assert name in one_line(error)
    several = {f"{folder}/{name}": content for folder in ("a", "b") for name, content in files.items()}
    with pytest.raises(CheckpointError, match=r"several models"):
        read_checkpoint(released.write_archive(tmp_path / "several.tar.gz", several))
    foreign = {
        "bert/model.max.ckpt.index": b"",
        "bert/model.max.ckpt.data-00000-of-00001": b"",
        "config.json": b"{}",
    }
    with pytest.raises(CheckpointError, match=r"weights of other programs \(model.max.ckpt"):
        read_checkpoint(released.write_archive(tmp_path / "tf.tar.gz", foreign))


def test_weights_file_beside_its_config(tmp_path):
    state = released.encoder_alone(released.pretrained_state())
    folder = released.write_files(tmp_path / "m", released.released_files(state))
    (folder / "pytorch_model.bin").rename(folder / "best.pt")
    found = read_checkpoint(folder / "best.pt")
    assert torch.equal(
        found.stored.tensors["bert.embeddings.LayerNorm.bias"], state["bert.embeddings.LayerNorm.bias"].half()
    )
    with pytest.raises(CheckpointError, match=r"no weights"):
        read_folder(folder)


def test_wrong_places_are_one_line_errors_without_a_network(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    (tmp_path / "notes.md").write_text("text")
    released.write_files(tmp_path / "flax", {"config.json": b"{}", "flax_model.msgpack": b""})
    cases = {
        "nothing": "no such folder",
        "runs": "no model folder",
        "runs/mistyped": "no such folder",
        "./owner/name": "no such folder",
        "x" * 300: "no such folder",
        "~nobody-of-this-name/m": "no such folder",
        "notes.md": "neither a model folder nor an archive",
        "owner/model.tar.gz": "no such folder",
        Path("owner/name"): "no such folder",
        "flax": "'vocab_size' is missing",
    }
    for model, message in cases.items():
        with pytest.raises(CheckpointError, match=message) as error:
            read_checkpoint(model)
        one_line(error)


@pytest.fixture
def hub_client(tmp_path, monkeypatch):
    """Points the hub client at a server and an empty cache (it reads its environment once, when imported)."""
    from huggingface_hub import constants

    def point(address: str, *, offline: bool = False) -> None:
        monkeypatch.setattr(constants, "ENDPOINT", address)
        template = "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)

    monkeypatch.chdir(tmp_path)
    return point


def names_in(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_hub_id_is_fetched_once_and_then_read_offline(tmp_path, hub_client):
    files = ["config.json", "vocab.txt", "pytorch_model.bin", "tf_model.h5", "README.md"]
    served = released.write_files(tmp_path / "served", {name: name.encode() for name in files})
    with serving("owner/name", served) as hub:
        hub_client(hub.address)
        assert names_in(resolve("owner/name")) == ["config.json", "pytorch_model.bin", "vocab.txt"]
        assert not any(path.endswith(("tf_model.h5", "README.md")) for path in hub.asked)
        with pytest.raises(CheckpointError, match=r"no such model on the hub") as error:
            resolve("owner/other")
        one_line(error)
        hub.asked.clear()
        for by_environment in (True, False):
            hub_client(hub.address, offline=by_environment)
            assert "pytorch_model.bin" in names_in(resolve("owner/name", offline=not by_environment))
            with pytest.raises(CheckpointError, match=r"not in the cache, and offline") as error:
                resolve("owner/other", offline=not by_environment)
            one_line(error)
        assert hub.asked == []
    # The hub has gone: what is in the cache still serves, the rest is a one-line error.
    assert "pytorch_model.bin" in names_in(resolve("owner/name"))
    with pytest.raises(
        CheckpointError, match=r"owner/other: not in the cache, and the hub cannot be reached"
    ) as error:
        resolve("owner/other")
    one_line(error)


def test_safetensors_of_the_hub_spare_the_pickle(tmp_path, hub_client):
    files = {"config.json": b"{}", "model.safetensors": b"x", "pytorch_model.bin": b"y"}
    with serving("owner/name", released.write_files(tmp_path / "served", files)) as hub:
        hub_client(hub.address)
        assert names_in(resolve("owner/name")) == ["config.json", "model.safetensors"]


def test_local_folder_goes_before_the_hub(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "owner" / "name").mkdir(parents=True)
    assert resolve("owner/name") == Path("owner/name")
