"""Any known form to a plain folder: equal logits, tensors bit for bit, nothing overwritten."""

import json

import pytest
import torch
from transformers import (
    AutoModel,
    AutoModelForMaskedLM,
    AutoModelForQuestionAnswering,
    AutoTokenizer,
    BertForPreTraining,
    BertForQuestionAnswering,
)

import released_models as released
from spanbert.checkpoint.folder import read_folder, write_compact
from spanbert.cli.main import run
from spanbert.errors import CheckpointError, SettingsError
from spanbert.workflows.convert import convert

CASED = released.vocabulary_bytes(released.CASED)
TEXT = ("the capital?", "Paris Is the Capital.")


def rounded(model_class, state):
    """Hugging Face's own model with the half-precision values of a released file."""
    model = model_class(released.hf_shape())
    model.load_state_dict(
        {name: value.half().float() if value.is_floating_point() else value for name, value in state.items()}
    )
    return model.eval()


def inputs(folder):
    return AutoTokenizer.from_pretrained(folder)(*TEXT, return_tensors="pt")


@pytest.fixture
def vocab_file(tmp_path):
    return released.write_files(tmp_path / "vocabulary", {"vocab.txt": CASED}) / "vocab.txt"


@torch.no_grad()
def test_released_encoder_with_a_given_vocabulary(tmp_path, vocab_file):
    state = released.pretrained_state()
    archive = released.write_archive(
        tmp_path / "m.tar.gz", released.released_files(released.encoder_alone(state))
    )
    with pytest.raises(CheckpointError, match=r"--vocab FILE"):
        convert(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    made = convert(archive, tmp_path / "out", vocabulary=vocab_file)
    assert made.architecture == "BertModel"
    assert any("lower-cased" in note for note in made.notes)
    encoded = inputs(tmp_path / "out")
    assert "Paris" in AutoTokenizer.from_pretrained(tmp_path / "out").convert_ids_to_tokens(
        encoded["input_ids"][0]
    )
    wanted = rounded(BertForPreTraining, state).bert(**encoded).last_hidden_state
    assert torch.equal(AutoModel.from_pretrained(tmp_path / "out")(**encoded).last_hidden_state, wanted)
    again = read_folder(tmp_path / "out")
    assert again.stored.dtype("bert.embeddings.LayerNorm.weight") == "float32"
    for name, value in released.encoder_alone(state).items():
        assert torch.equal(again.stored.tensors[name], value.half().float())
    assert again.tokenizer().encode("Paris").ids.tolist() == [released.CASED.index("Paris")]


@torch.no_grad()
def test_fairseq_file_keeps_all_its_heads(tmp_path, vocab_file):
    state = released.pretrained_state()
    boundary = released.boundary_head(state)
    source = released.write_files(
        tmp_path / "m", {"config.json": json.dumps(released.released_config()).encode()}
    )
    released.fairseq_file(state | boundary, source / "model.pt")
    made = convert(source, tmp_path / "out", vocabulary=vocab_file)
    assert made.heads == ["pooler", "masked language model", "span boundary", "next sentence"]
    encoded = inputs(tmp_path / "out")
    reference = BertForPreTraining(released.hf_shape())
    reference.load_state_dict(state)
    wanted = reference.eval()(**encoded).prediction_logits
    assert torch.equal(
        AutoModelForMaskedLM.from_pretrained(tmp_path / "out").eval()(**encoded).logits, wanted
    )
    stored = read_folder(tmp_path / "out").stored.tensors
    for name, value in boundary.items():
        assert name.endswith("decoder.weight") or torch.equal(stored[name], value), name


@torch.no_grad()
@pytest.mark.parametrize("task", [None, "question-answering"])
def test_question_answering_archive(tmp_path, vocab_file, task):
    state = released.answering_state()
    archive = released.write_archive(
        tmp_path / "squad.tar.gz", released.released_files(state), "spanbert_squad1"
    )
    made = convert(archive, tmp_path / "out", vocabulary=vocab_file, task=task)
    assert made.architecture == "BertForQuestionAnswering"
    assert (tmp_path / "out" / "task.json").exists() == (task is not None)
    encoded = inputs(tmp_path / "out")
    wanted = rounded(BertForQuestionAnswering, state)(**encoded)
    found = AutoModelForQuestionAnswering.from_pretrained(tmp_path / "out").eval()(**encoded)
    assert torch.equal(found.start_logits, wanted.start_logits)
    assert torch.equal(found.end_logits, wanted.end_logits)


def test_task_alone_is_kept_and_the_rest_named(tmp_path, vocab_file):
    state = released.pretrained_state() | {
        "qa_outputs.weight": torch.ones(2, 16),
        "qa_outputs.bias": torch.ones(2),
    }
    archive = released.write_archive(tmp_path / "m.tar.gz", released.released_files(state))
    made = convert(archive, tmp_path / "out", vocabulary=vocab_file, task="question-answering")
    assert made.heads == ["question answering"]
    assert any("does not use them" in note and "cls.seq_relationship.weight" in note for note in made.notes)
    bare = released.released_files(released.encoder_alone(released.pretrained_state()))
    bare_archive = released.write_archive(tmp_path / "b.tar.gz", bare)
    with pytest.raises(CheckpointError, match=r"no trained qa_outputs"):
        convert(bare_archive, tmp_path / "none", vocabulary=vocab_file, task="question-answering")


def test_labels_and_number_type_are_kept(tmp_path):
    state = released.encoder_alone(released.pretrained_state())
    state |= {"classifier.weight": torch.ones(3, 16), "classifier.bias": torch.ones(3)}
    labels = {"0": "O", "1": "B-PER", "2": "I-PER"}
    config = released.released_config() | {"id2label": labels, "torch_dtype": "float16"}
    source = released.write_files(
        tmp_path / "m",
        released.released_files(state) | {"config.json": json.dumps(config).encode(), "vocab.txt": CASED},
    )
    made = convert(source, tmp_path / "out", dtype="float16")
    assert made.architecture == "BertForTokenClassification"
    written = json.loads((tmp_path / "out" / "config.json").read_text())
    assert written["id2label"] == labels
    assert written["dtype"] == "float16"
    assert "torch_dtype" not in written
    assert read_folder(tmp_path / "out").stored.dtype("classifier.weight") == "float16"


def test_compact_folder_becomes_a_plain_one(tmp_path):
    state = released.answering_state()
    source = released.write_files(tmp_path / "m", released.released_files(state) | {"vocab.txt": CASED})
    write_compact(source, tmp_path / "small")
    convert(tmp_path / "small", tmp_path / "out")
    assert not (tmp_path / "out" / "compact.safetensors").exists()
    compact, plain = (read_folder(tmp_path / name).stored.tensors for name in ("small", "out"))
    assert all(torch.equal(compact[name], plain[name]) for name in compact)
    AutoModelForQuestionAnswering.from_pretrained(tmp_path / "out")


def test_case_is_mended_by_the_flag(tmp_path):
    state = released.encoder_alone(released.pretrained_state())
    wrong = {"vocab.txt": CASED, "tokenizer_config.json": b'{"do_lower_case": true}'}
    source = released.write_files(tmp_path / "m", released.released_files(state) | wrong)
    with pytest.raises(CheckpointError, match=r"--no-lowercase"):
        convert(source, tmp_path / "out")
    convert(source, tmp_path / "out", lowercase=False)
    assert read_folder(tmp_path / "out").tokenizer().encode("Paris").ids.tolist() == [
        released.CASED.index("Paris")
    ]
    with pytest.raises(CheckpointError, match=r"vocabulary is cased"):
        convert(source, tmp_path / "out2", lowercase=True)


def test_nothing_is_overwritten_unless_asked(tmp_path):
    state = released.encoder_alone(released.pretrained_state())
    source = released.write_files(tmp_path / "m", released.released_files(state) | {"vocab.txt": CASED})
    other = released.write_files(tmp_path / "other", {"thesis.txt": b"years of work"})
    for force in (False, True):
        with pytest.raises(SettingsError, match=r"not empty|holds more than a model"):
            convert(source, other, force=force)
    assert (other / "thesis.txt").read_bytes() == b"years of work"
    (tmp_path / "empty").mkdir()
    convert(source, tmp_path / "empty")
    with pytest.raises(SettingsError, match=r"--force"):
        convert(source, tmp_path / "empty")
    convert(source, tmp_path / "empty", dtype="float16", force=True)
    assert read_folder(tmp_path / "empty").stored.dtype("bert.embeddings.LayerNorm.bias") == "float16"
    convert(source, source, force=True)
    assert (source / "model.safetensors").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "m", "other"]


def test_failure_leaves_no_trace(tmp_path):
    state = released.encoder_alone(released.pretrained_state())
    state["bert.embeddings.LayerNorm.bias"] = torch.full((16,), 1e6)
    files = released.released_files({}) | {"pytorch_model.bin": released.pickled(state), "vocab.txt": CASED}
    with pytest.raises(SettingsError, match=r"beyond float16's range"):
        convert(released.write_files(tmp_path / "m", files), tmp_path / "out", dtype="float16")
    (tmp_path / "file").write_text("")
    for output in (tmp_path / "file", tmp_path / "file" / "out"):
        with pytest.raises(Exception, match=r"is a file|cannot be") as error:
            convert(tmp_path / "m", output)
        assert "\n" not in str(error.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "m"]


def test_command_line(tmp_path, vocab_file, capsys):
    state = released.answering_state()
    archive = released.write_archive(tmp_path / "m.tar.gz", released.released_files(state))
    assert run(["convert", str(archive), "--output", str(tmp_path / "out")]) == 2
    assert "--vocab FILE" in capsys.readouterr().err
    arguments = ["convert", str(archive), "--vocab", str(vocab_file), "--output", str(tmp_path / "out")]
    assert run([*arguments, "--no-lowercase", "--dtype", "float16"]) == 0
    assert "BertForQuestionAnswering, heads: question answering" in capsys.readouterr().out
    assert run(arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert run([*arguments, "--force"]) == 0
