"""Folders that we write: read back bit for bit, by Hugging Face with equal logits, usable after a kill."""

import json
import shutil

import numpy as np
import pytest
import torch
from transformers import AutoModelForQuestionAnswering, AutoTokenizer

import released_models as released
from spanbert.checkpoint.folder import TaskDescription, read_folder, write_folder, write_task
from spanbert.checkpoint.vocabulary import tokenizer_from
from spanbert.errors import CheckpointError, SpanbertError
from spanbert.nn.batch import PieceBatch
from spanbert.nn.config import EncoderConfig
from spanbert.nn.encoder import Encoder
from spanbert.tasks.question_answering.task import QaSettings, QuestionAnswering
from spanbert.workflows.model_source import build, build_trained, describe, name_table

CONFIG = EncoderConfig(
    vocabulary_size=len(released.CASED),
    width=16,
    layers=2,
    heads=2,
    feed_forward_width=32,
    max_positions=64,
    init_std=0.3,
)


@pytest.fixture
def tokenizer(tmp_path):
    files = released.write_files(tmp_path / "v", {"vocab.txt": released.vocabulary_bytes(released.CASED)})
    return tokenizer_from(files / "vocab.txt", None)[0]


def write(path, model, tokenizer, threshold=0.5):
    task = QuestionAnswering(QaSettings(no_answer_threshold=threshold, window_pieces=48))
    names, architecture = name_table(task), task.architecture
    write_folder(path, model, names, CONFIG, tokenizer, architecture=architecture, task=describe(task))


def qa_model():
    return QuestionAnswering().build(Encoder(CONFIG)).eval()


def test_written_folder_is_read_alike_by_us_and_by_hugging_face(tmp_path, tokenizer):
    model = qa_model()
    write(tmp_path / "m", model, tokenizer)
    ours = build_trained(read_folder(tmp_path / "m"), None)
    for (name, old), (_, new) in zip(model.named_parameters(), ours.model.named_parameters(), strict=True):
        assert torch.equal(old, new), name
    theirs = AutoModelForQuestionAnswering.from_pretrained(tmp_path / "m").eval()
    encoded = AutoTokenizer.from_pretrained(tmp_path / "m")(
        "the capital?", "Paris is the Capital.", return_tensors="pt"
    )
    ids, segments = (encoded[key][0].numpy().astype(np.int32) for key in ("input_ids", "token_type_ids"))
    question, passage = (
        ours.tokenizer.encode(text).ids.tolist() for text in ("the capital?", "Paris is the Capital.")
    )
    start, end = ours.tokenizer.start_id, ours.tokenizer.end_id
    assert ids.tolist() == [start, *question, end, *passage, end]
    with torch.no_grad():
        found = ours.model.ends(ours.model.encoder(PieceBatch.packed([ids], [segments])))[0]
        wanted = theirs(**encoded)
    torch.testing.assert_close(found[:, 0], wanted.start_logits[0], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found[:, 1], wanted.end_logits[0], atol=1e-5, rtol=1e-5)


def test_a_trained_model_is_loaded_without_drawing_numbers(tmp_path, tokenizer):
    write(tmp_path / "m", qa_model(), tokenizer)
    before = torch.get_rng_state()
    build_trained(read_folder(tmp_path / "m"), None)
    assert torch.equal(torch.get_rng_state(), before)


def test_threshold_without_bound_survives(tmp_path, tokenizer):
    write(tmp_path / "m", qa_model(), tokenizer, threshold=float("-inf"))
    assert build_trained(read_folder(tmp_path / "m"), None).task.settings.no_answer_threshold == float("-inf")


def test_kill_between_files_leaves_weights_with_their_own_description(tmp_path, tokenizer):
    write(tmp_path / "old", qa_model(), tokenizer, threshold=0.25)
    write(tmp_path / "new", qa_model(), tokenizer, threshold=0.75)
    for late in ("model.safetensors", "task.json"):
        mixed = shutil.copytree(tmp_path / "new", tmp_path / f"no-{late}")
        shutil.copy(tmp_path / "old" / late, mixed / late)  # the write died before this file
        made = build_trained(read_folder(mixed), None)
        kept = 0.25 if late == "model.safetensors" else 0.75
        assert made.task.settings.no_answer_threshold == kept
        weights = read_folder(tmp_path / ("old" if kept == 0.25 else "new")).stored.tensors
        assert torch.equal(made.checkpoint.stored.tensors["qa_outputs.weight"], weights["qa_outputs.weight"])
    (tmp_path / "new" / "task.json").unlink()
    assert read_folder(tmp_path / "new").task.settings["no_answer_threshold"] == 0.75


def test_description_fitted_or_edited_later_holds(tmp_path, tokenizer):
    write(tmp_path / "m", qa_model(), tokenizer, threshold=0.25)
    write_task(tmp_path / "m", TaskDescription("question-answering", {"no_answer_threshold": 2.0}))
    assert read_folder(tmp_path / "m").task.settings == {"no_answer_threshold": 2.0}
    path = tmp_path / "m" / "task.json"
    path.write_text(path.read_text().replace("2.0", "3.0"))
    assert read_folder(tmp_path / "m").task.settings == {"no_answer_threshold": 3.0}
    path.write_text(json.dumps({"format": 1, "task": "question-answering", "settings": {}}))
    assert read_folder(tmp_path / "m").task.settings == {}


@pytest.mark.parametrize("content", ["[]", '{"format": 99, "task": "x"}', '{"format": 1}', '{"task"'])
def test_broken_description_names_its_file(tmp_path, tokenizer, content):
    write(tmp_path / "m", qa_model(), tokenizer)
    (tmp_path / "m" / "task.json").write_text(content)
    with pytest.raises(CheckpointError, match=r"task\.json") as error:
        read_folder(tmp_path / "m")
    assert "\n" not in str(error.value)


def test_random_head_is_an_error_that_says_what_to_do(tmp_path):
    state = released.encoder_alone(released.pretrained_state())
    vocabulary = released.vocabulary_bytes(released.CASED)
    folder = released.write_files(tmp_path / "m", released.released_files(state) | {"vocab.txt": vocabulary})
    checkpoint = read_folder(folder)
    with pytest.raises(
        CheckpointError, match=r"no trained qa_outputs.*spanbert finetune question-answering --model"
    ) as error:
        build_trained(checkpoint, "question-answering")
    assert "\n" not in str(error.value)
    made = build(checkpoint, QuestionAnswering(), dropout=0.1)  # to be trained: a random head is right there
    encoder = made.model.encoder.embeddings.word.weight
    assert torch.equal(encoder, state["bert.embeddings.word_embeddings.weight"].half().float())


def test_vocabulary_larger_than_the_model_is_refused(tmp_path):
    state = released.encoder_alone(released.pretrained_state(released.UNCASED))
    files = released.released_files(state) | {
        "config.json": json.dumps(released.released_config(released.UNCASED)).encode(),
        "vocab.txt": released.vocabulary_bytes(released.CASED),
    }
    with pytest.raises(CheckpointError, match=f"tokenizer has {len(released.CASED)} pieces, the model only"):
        read_folder(released.write_files(tmp_path / "m", files)).tokenizer()


def test_unwritable_place_is_a_one_line_error(tmp_path, tokenizer):
    (tmp_path / "file").write_text("")
    with pytest.raises(SpanbertError, match=r"cannot be made a folder") as error:
        write(tmp_path / "file" / "m", qa_model(), tokenizer)
    assert "\n" not in str(error.value)
