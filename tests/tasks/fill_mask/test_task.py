"""From pretraining or fine-tuning to filled masks, and what is refused on the way."""

import json

import pytest
import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer

from pretrain_run import write_job
from spanbert.checkpoint.source import read_checkpoint, shipped_models
from spanbert.cli.main import main
from spanbert.errors import CheckpointError
from spanbert.workflows.finetune import finetune
from spanbert.workflows.predict import load
from spanbert.workflows.pretrain import pretrain
from tiny_start import write_start

TEXT = "ada went to [MASK] in 1812 by train."


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    return write_job(tmp_path_factory.mktemp("job"))


@pytest.fixture(scope="module")
def pretrained(job, tmp_path_factory):
    output = tmp_path_factory.mktemp("pretrained") / "model"
    pretrain(
        [job / "text.txt"],
        output,
        model=job / "start",
        steps=6,
        evaluations=1,
        batch_pieces=512,
        learning_rate=3e-3,
        precision="float32",
        held_out=0.1,
        corpus_settings={"block_pieces": 40},
    )
    return output


def test_what_pretraining_leaves_fills_masks_with_both_heads(pretrained):
    predictor = load(pretrained, "fill-mask")
    assert predictor.task.settings.boundary_shape == (15, 200)
    assert predictor.engine.model.boundary is not None
    made = predictor({"id": 7, "text": "ada went to [MASK...] in 1812 by [MASK]."})
    line = json.loads(json.dumps(made.to_json(), allow_nan=False))
    assert line["id"] == 7
    assert [len(mask["fills"]) for mask in line["masks"]] == [5, 5]
    best = [mask["fills"][0]["text"] for mask in line["masks"]]
    assert line["text"] == f"ada went to {best[0]} in 1812 by {best[1]}."
    assert (line["windows"], line["covered_chars"]) == (1, 40)


def test_the_boundary_weight_changes_spans_alone(pretrained):
    both, masked_lm = (
        load(pretrained, "fill-mask", task_settings={"boundary_weight": weight}) for weight in (0.5, 0.0)
    )
    assert both({"text": TEXT}) == masked_lm({"text": TEXT})
    span = {"text": "ada went to [MASK...] in 1812"}
    assert both(span).masks != masked_lm(span).masks


def test_fine_tuning_without_a_stored_head_says_that_one_is_begun(pretrained, tmp_path, caplog):
    text = "ada went to paris in 1812 by train."
    (tmp_path / "data.txt").write_text(f"{text}\n" * 4, encoding="utf-8")
    files = {"train": tmp_path / "data.txt", "dev": tmp_path / "data.txt"}
    for model, told in (
        (pretrained, False),
        (write_start(tmp_path / "start", [text]), True),
    ):
        caplog.clear()
        finetune("fill-mask", **files, model=model, output=tmp_path / str(told), steps=1, evaluations=1)
        assert ("has no masked-LM head; one is begun at random" in caplog.text) is told


def test_fine_tuning_goes_on_with_the_stored_head_and_gives_a_plain_folder(pretrained, tmp_path):
    (tmp_path / "data.txt").write_text("ada went to paris in 1812 by train.\n" * 4, encoding="utf-8")
    finetune(
        "fill-mask",
        train=tmp_path / "data.txt",
        dev=tmp_path / "data.txt",
        model=pretrained,
        output=tmp_path / "tuned",
        steps=3,
        evaluations=1,
        learning_rate=1e-5,
        precision="float32",
    )
    checkpoint = read_checkpoint(tmp_path / "tuned")
    dense = "cls.predictions.transform.dense.weight"
    before, after = read_checkpoint(pretrained).stored.tensors[dense], checkpoint.stored.tensors[dense]
    assert not torch.equal(before, after)
    torch.testing.assert_close(before, after, rtol=0, atol=1e-3)
    assert checkpoint.architectures == ("BertForMaskedLM",)
    assert not any("pair_target" in name for name in checkpoint.stored.tensors)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "tuned")
    model, told = AutoModelForMaskedLM.from_pretrained(tmp_path / "tuned", output_loading_info=True)
    assert not told["missing_keys"]
    assert not told["unexpected_keys"]
    encoded = tokenizer(TEXT, return_tensors="pt")
    with torch.inference_mode():
        scores = model(**encoded).logits[encoded.input_ids == tokenizer.mask_token_id]
    best = load(tmp_path / "tuned")({"text": TEXT}).masks[0].fills[0]
    assert best.probability == pytest.approx(float(scores.softmax(-1).max()), abs=1e-4)


def test_an_encoder_without_the_head_is_refused_with_what_to_do(tmp_path):
    start = write_start(tmp_path / "start", ["the city of paris"])
    with pytest.raises(CheckpointError) as caught:
        load(start, "fill-mask")
    assert str(caught.value) == (
        f"{start}: has no trained masked-LM head, which fill-mask needs; "
        f"pretrain it first: spanbert pretrain CORPUS --model {start} --output DIR"
    )


def test_a_boundary_head_that_is_not_there_cannot_be_asked_for(masked_lm):
    with pytest.raises(CheckpointError, match="no trained"):
        load(masked_lm, "fill-mask", task_settings={"boundary_shape": (15, 20)})


@pytest.mark.skipif("mini" not in shipped_models(), reason="this build carries no model")
def test_a_model_of_other_tasks_is_refused_on_the_command_line(capsys, tmp_path):
    (tmp_path / "a.txt").write_text(f"{TEXT}\n", encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["predict", "fill-mask", "--model", "mini", "--input", str(tmp_path / "a.txt")])
    assert ended.value.code == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert "has no trained masked-LM head" in message
    assert "spanbert pretrain" in message


def test_a_wrong_text_is_named_in_a_stream_of_many(masked_lm):
    predictor = load(masked_lm, "fill-mask")
    items = [{"id": "a", "text": "the [MASK]"}, {"id": "b", "text": "the [MASK]", "candidates": ["ж"]}]
    predictions = predictor.predict(items)
    assert next(predictions).id == "a"
    with pytest.raises(Exception, match=r"^item:2: text 'b': the candidate 'ж'"):
        next(predictions)
