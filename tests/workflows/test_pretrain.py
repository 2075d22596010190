"""Pretraining end to end on a tiny encoder and a corpus of a few hundred sentences."""

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForMaskedLM

from given_spans import with_given_spans
from released_models import (
    CASED,
    boundary_head,
    pretrained_state,
    released_files,
    vocabulary_bytes,
    write_files,
)
from small_pretraining import SETTINGS
from spanbert.checkpoint.vocabulary import read_tokenizer
from spanbert.errors import DataError, SettingsError, SpanbertError
from spanbert.nn.batch import PieceBatch
from spanbert.pretraining.batch import Masker
from spanbert.pretraining.corpus.prepare import prepare
from spanbert.pretraining.corpus.settings import CorpusSettings
from spanbert.pretraining.corpus.shards import Corpus
from spanbert.pretraining.model import PretrainingModel
from spanbert.pretraining.objectives import OBJECTIVES
from spanbert.pretraining.validation import validate
from spanbert.text.tokenizer import Tokenizer
from spanbert.workflows.pretrain import Start, pretrain
from spanbert.workflows.pretraining_data import split
from spanbert.workflows.settings import PretrainSettings
from spanbert.workflows.train_tokenizer import train_tokenizer
from stopping import Stop, StopAt


def records(output):
    lines = (output / "run" / "metrics.jsonl").read_text().splitlines()
    return [
        {key: value for key, value in json.loads(line).items() if not key.endswith("seconds")}
        for line in lines
    ]


def test_a_run_lowers_every_loss_and_says_so(trained):
    output, report = trained
    updates = [record for record in records(output) if record["kind"] == "update"]
    assert [sorted(record["losses"]) for record in updates] == [["boundary", "masked_lm"]] * 12
    for name in ("boundary", "masked_lm"):
        values = [record["losses"][name] for record in updates]
        assert np.mean(values[-3:]) < np.mean(values[:3])
    assert updates[0]["loss"] == pytest.approx(sum(updates[0]["losses"].values()), abs=1e-5)
    assert set(updates[0]["accuracies"]) == {"boundary", "masked_lm"}
    assert report.primary == "validation_loss"
    evaluations = [record for record in records(output) if record["kind"] == "evaluation"]
    assert report.primary_value == min(record["validation_loss"] for record in evaluations)
    assert {"boundary_accuracy_at_1", "boundary_accuracy_at_2"} <= set(report.values) & set(evaluations[0])


def test_what_a_run_leaves(trained):
    output, _ = trained
    assert {"config.json", "model.safetensors", "tokenizer.json", "vocab.txt", "README.md"} <= {
        path.name for path in output.iterdir()
    }
    assert {"settings.json", "metrics.jsonl", "report.json", "curves.png"} == {
        path.name for path in (output / "run").iterdir()
    }
    assert "`spanbert`" in (output / "README.md").read_text()


def test_transformers_reads_the_masked_lm_head(trained):
    output, _ = trained
    network = Start.of(output, None, None).network(PretrainSettings()).eval()
    theirs, told = AutoModelForMaskedLM.from_pretrained(output, output_loading_info=True)
    assert not told["missing_keys"]
    ids = torch.randint(5, network.encoder.config.vocabulary_size, (1, 20))
    row = ids[0].numpy().astype(np.int32)
    with torch.no_grad():
        ours = network.masked_lm(network.encoder(PieceBatch.packed([row], [np.zeros_like(row)])))
        expected = theirs.eval()(input_ids=ids).logits
    torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-5)


def test_a_run_from_random_weights(corpus, start, tmp_path):
    report = pretrain(
        [corpus], tmp_path / "model", preset="tiny", tokenizer=start, **SETTINGS | {"objective": "subwords"}
    )
    assert set(report.values) == {"validation_loss", "masked_lm_loss", "masked_lm_accuracy"}
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    assert (config["num_hidden_layers"], config["hidden_size"]) == (2, 128)


@pytest.mark.parametrize("stop", [3, 5, 7, 11])
def test_a_resumed_run_ends_in_the_same_bits(corpus, start, trained, tmp_path, stop):
    output, report = trained
    with pytest.raises(Stop):
        pretrain([corpus], tmp_path / "model", model=start, listeners=[StopAt(stop)], **SETTINGS)
    again = pretrain([corpus], tmp_path / "model", model=start, resume=True, **SETTINGS)
    assert again == report
    assert records(tmp_path / "model") == records(output)
    one, other = (load_file(folder / "model.safetensors") for folder in (output, tmp_path / "model"))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_moving_budget_is_that_of_the_update_and_the_last_one_validates(
    corpus, start, tmp_path, monkeypatch
):
    shares = []
    make = Masker.batch

    def noted(self, sequences, epoch, progress=1.0):
        batch = make(self, sequences, epoch, progress)
        words = len(sequences.piece_ids) - 2 * len(sequences.lengths)
        shares.append((progress, batch.target_counts["masked_lm"] / words))
        return batch

    monkeypatch.setattr(Masker, "batch", noted)
    moving = SETTINGS | {"objective": "subwords", "budget": 0.7, "final_budget": 0.1}
    pretrain([corpus], tmp_path / "whole", model=start, **moving)
    updates = [(progress, share) for progress, share in shares if progress < 1]
    assert [progress for progress, _ in updates] == [step / len(updates) for step in range(len(updates))]
    for progress, share in updates:
        assert share == pytest.approx(0.7 - 0.6 * progress, abs=0.1)
    assert all(abs(share - 0.1) < 0.05 for progress, share in shares if progress == 1)

    with pytest.raises(Stop):
        pretrain([corpus], tmp_path / "parts", model=start, listeners=[StopAt(5)], **moving)
    pretrain([corpus], tmp_path / "parts", model=start, resume=True, **moving)
    assert records(tmp_path / "parts") == records(tmp_path / "whole")


def test_a_released_model_goes_on_with_its_heads(tmp_path):
    state = pretrained_state()
    state |= boundary_head(state, positions=20)
    files = released_files(state, **{"vocab.txt": vocabulary_bytes(CASED)})
    network = Start.of(write_files(tmp_path / "released", files), None, None).network(PretrainSettings())
    assert network.places == 20
    head = "cls.pair_target_predictions"
    for name, parameter in (
        (f"{head}.position_embeddings.weight", network.boundary.place.weight),
        (f"{head}.mlp_layer_norm.linear1.weight", network.boundary.inner.weight),
        (f"{head}.mlp_layer_norm.layer_norm2.bias", network.boundary.outer_norm.bias),
        (f"{head}.bias", network.boundary.decoder.bias),
        ("cls.predictions.transform.dense.weight", network.masked_lm.dense.weight),
        ("cls.predictions.bias", network.masked_lm.decoder.bias),
        ("bert.embeddings.word_embeddings.weight", network.boundary.decoder.weight),
    ):
        torch.testing.assert_close(parameter.detach(), state[name], rtol=1e-3, atol=1e-3)


def test_validation_masks_are_the_same_in_every_run(corpus, start, tmp_path):
    made = Start.of(start, None, None)
    prepared = prepare([corpus], made.tokenizer, tmp_path / "corpus", CorpusSettings(block_pieces=40))
    torch.manual_seed(0)
    network = made.network(PretrainSettings()).eval()
    reports = []
    for seed in (0, 5):
        data, held_out = split(prepared, made.tokenizer, PretrainSettings(seed=seed, held_out=0.2))
        assert not set(data.blocks) & set(held_out.blocks)
        assert len(data.blocks) + len(held_out.blocks) == prepared.blocks
        for batch_pieces in (64, 1000):
            reports.append(validate(network, held_out, batch_pieces=batch_pieces, device=torch.device("cpu")))
    assert len({report.counts["masked_lm targets"] for report in reports}) == 1
    for report in reports[1:]:
        assert report.values == pytest.approx(reports[0].values, rel=1e-5)


def test_gradients_do_not_depend_on_recomputation(corpus, start, tmp_path):
    made = Start.of(start, None, None)
    prepared = prepare([corpus], made.tokenizer, tmp_path / "corpus", CorpusSettings(block_pieces=40))
    settings = PretrainSettings(dropout=0.0)
    data, _ = split(prepared, made.tokenizer, settings)
    batch = data.epoch(0, 0).batch(np.arange(5))
    gradients = []
    for recompute in (False, True):
        torch.manual_seed(0)
        network = made.network(settings.model_copy(update={"gradient_checkpointing": recompute})).train()
        sum(network(batch).losses.values()).backward()
        gradients.append([parameter.grad for parameter in network.parameters()])
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "say where to start"),
        ({"preset": "tiny"}, "--preset needs --tokenizer"),
        ({"objective": "bert"}, "unknown objective"),
        ({"steps": 0}, "steps"),
    ],
)
def test_wrong_options(corpus, start, tmp_path, options, message):
    given = options if "preset" in options or not options else {"model": start, **options}
    with pytest.raises(SettingsError, match=message):
        pretrain([corpus], tmp_path / "model", **given)


@pytest.fixture(scope="module")
def chinese(tmp_path_factory):
    """A corpus in another language and a tokenizer of it, which has digits and the point in common."""
    folder = tmp_path_factory.mktemp("chinese")
    lines = [f"火车{number}年从上海开往北京." for number in range(1800, 1990)]
    (folder / "text.txt").write_text("\n".join(lines), encoding="utf-8")
    (folder / "tokenizer").mkdir()
    Tokenizer.train(lines, size=600, lowercase=True, min_frequency=1).save(folder / "tokenizer")
    return folder


def test_another_vocabulary_keeps_the_layers_the_heads_and_the_shared_pieces(trained, chinese, caplog):
    output, _ = trained
    old, new = Start.of(output, None, None), Start.of(output, None, chinese / "tokenizer")
    torch.manual_seed(3)
    before, after = old.network(PretrainSettings()), new.network(PretrainSettings())
    ours, theirs = after.state_dict(), before.state_dict()
    for name, value in ours.items():
        if len(value) != new.config.vocabulary_size:
            assert torch.equal(value, theirs[name]), name
    pieces = {piece: number for number, piece in enumerate(old.tokenizer.vocabulary)}
    both = [(n, pieces[piece]) for n, piece in enumerate(new.tokenizer.vocabulary) if piece in pieces]
    others = sorted(set(range(new.config.vocabulary_size)) - {n for n, _ in both})
    assert {"[MASK]", ".", "1"} <= {new.tokenizer.vocabulary[n] for n, _ in both}
    words = after.encoder.embeddings.word.weight
    for n, was in both:
        assert torch.equal(words[n], before.encoder.embeddings.word.weight[was])
        assert ours["masked_lm.decoder.bias"][n] == theirs["masked_lm.decoder.bias"][was]
    assert not ours["boundary.decoder.bias"][others].any()
    spread = words[others].std() / before.encoder.embeddings.word.weight.std()
    assert 0.7 < spread < 1.4
    assert f"{len(both)} of {new.config.vocabulary_size:,} pieces keep their vectors" in caplog.text


def test_a_run_with_another_vocabulary_is_resumed_in_the_same_bits(start, chinese, tmp_path):
    begun = {"model": start, "tokenizer": chinese / "tokenizer", **SETTINGS, "held_out": 0.4, "steps": 6}
    pretrain([chinese / "text.txt"], tmp_path / "whole", **begun)
    with pytest.raises(Stop):
        pretrain([chinese / "text.txt"], tmp_path / "parts", listeners=[StopAt(5)], **begun)
    pretrain([chinese / "text.txt"], tmp_path / "parts", resume=True, **begun)
    whole, parts = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "parts"))
    assert all(torch.equal(value, parts[name]) for name, value in whole.items())
    assert (
        len(whole["bert.embeddings.word_embeddings.weight"])
        == Start.of(tmp_path / "whole", None, None).tokenizer.vocabulary_size
    )


def test_the_models_own_vocabulary_changes_nothing(trained):
    output, _ = trained
    assert Start.of(output, None, output).new_vocabulary is None


def test_a_models_unusable_vocabulary_is_replaced_by_the_given_one(start, chinese, tmp_path):
    shutil.copytree(start, tmp_path / "mixed")
    for file in (chinese / "tokenizer").iterdir():
        shutil.copy(file, tmp_path / "mixed" / file.name)
    with pytest.raises(SpanbertError, match="the tokenizer has"):
        Start.of(tmp_path / "mixed", None, None)
    mended = Start.of(tmp_path / "mixed", None, start)
    assert mended.new_vocabulary is None
    assert mended.tokenizer.vocabulary == Start.of(start, None, None).tokenizer.vocabulary


def test_the_record_of_a_run_names_the_tokenizer(start, chinese):
    own, other = Start.of(start, None, None), Start.of(start, None, chinese / "tokenizer")
    random = Start.of(None, "tiny", chinese / "tokenizer")
    assert own.described["tokenizer_sha256"] != other.described["tokenizer_sha256"]
    assert other.described["tokenizer_sha256"] == random.described["tokenizer_sha256"]


def test_blocks_fit_an_encoder_with_few_positions_unless_told(corpus, start, tmp_path):
    settings = {key: value for key, value in SETTINGS.items() if key != "corpus_settings"}
    pretrain([corpus], tmp_path / "model", model=start, **settings | {"steps": 1, "evaluations": 1})
    assert 40 < max(Corpus(tmp_path / "model" / "corpus").lengths) <= 126


def test_a_model_without_vocabulary_takes_one_of_its_size_alone(start, chinese, tmp_path, caplog):
    shutil.copytree(start, tmp_path / "bare", ignore=shutil.ignore_patterns("*token*", "vocab.txt"))
    (tmp_path / "few.txt").write_text("a b", encoding="utf-8")
    train_tokenizer([tmp_path / "few.txt"], tmp_path / "few", size=10)
    own = Start.of(start, None, None)
    assert read_tokenizer(tmp_path / "few")[0].vocabulary_size < own.config.vocabulary_size - 127
    for other in (chinese / "tokenizer", tmp_path / "few"):
        with pytest.raises(SpanbertError, match="the tokenizer has"):
            Start.of(tmp_path / "bare", None, other)
    made = Start.of(tmp_path / "bare", None, start)
    assert made.tokenizer.vocabulary == own.tokenizer.vocabulary
    assert "is taken for its own" in caplog.text


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_objective_trains_and_saves(corpus, start, tmp_path, name):
    report = pretrain(
        [with_given_spans(corpus) if name == "given-spans" else corpus],
        tmp_path / "model",
        model=start,
        **SETTINGS | {"objective": name, "steps": 2, "evaluations": 1},
    )
    assert set(report.values) >= {f"{loss}_loss" for loss in OBJECTIVES[name].losses}
    assert isinstance(Start.of(tmp_path / "model", None, None).network(PretrainSettings()), PretrainingModel)


def test_given_spans_must_be_given(corpus, start, tmp_path):
    with pytest.raises(DataError, match="no spans were given with the text"):
        pretrain([corpus], tmp_path / "model", model=start, **SETTINGS | {"objective": "given-spans"})


def test_blocks_that_do_not_fit_are_refused_before_the_corpus_is_prepared(corpus, start, tmp_path):
    told = {"corpus_settings": {"block_pieces": 5000}}
    with pytest.raises(SettingsError, match=r"take --corpus-settings\.block-pieces"):
        pretrain([corpus], tmp_path / "model", model=start, **SETTINGS | told)
    assert not (tmp_path / "model").exists()


def test_new_heads_are_told_of(corpus, start, tmp_path, caplog):
    told = SETTINGS | {"objective": "spanbert", "steps": 1, "evaluations": 1}
    pretrain([corpus], tmp_path / "model", model=start, **told)
    assert "no boundary head: started at random" in caplog.text
    caplog.clear()
    pretrain([corpus], tmp_path / "more", model=tmp_path / "model", **told)
    assert "at random" not in caplog.text


def test_the_shipped_model_goes_on_with_its_vectors(corpus, tmp_path):
    told = {"steps": 1, "evaluations": 1, "learning_rate": 1e-9, "objective": "spans", "batch_pieces": 64}
    report = pretrain([corpus], tmp_path / "model", model="mini", **SETTINGS | told)
    assert report.counts["masked_lm targets"] > 0
    before, after = (
        Start.of(name, None, None).network(PretrainSettings()) for name in ("mini", tmp_path / "model")
    )
    for part in ("embeddings.word.weight", "layers.5.feed_forward.outer.weight"):
        old, new = (network.encoder.get_parameter(part) for network in (before, after))
        torch.testing.assert_close(new, old, atol=1e-6, rtol=1e-4)
