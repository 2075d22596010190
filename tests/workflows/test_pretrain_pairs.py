"""Pretraining on pairs with next-sentence prediction, from the command to what transformers reads."""

import json
import random

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch.nn.functional import cross_entropy
from transformers import BertForPreTraining

from given_spans import with_given_spans
from released_models import CASED, pretrained_state, released_files, vocabulary_bytes, write_files
from spanbert.cli.main import run
from spanbert.errors import DataError, SettingsError
from spanbert.pretraining.corpus.prepare import prepare
from spanbert.pretraining.corpus.settings import CorpusSettings
from spanbert.pretraining.objectives import NEXT_SENTENCE, OBJECTIVES
from spanbert.pretraining.validation import validate
from spanbert.workflows.pretrain import Start, pretrain
from spanbert.workflows.pretraining_data import split
from spanbert.workflows.pretraining_plan import flops_a_piece, plan_pretraining
from spanbert.workflows.settings import PretrainSettings
from stopping import Stop, StopAt
from tiny_start import write_start

BLOCK_PIECES = 40
SETTINGS = {
    "sequences": "pairs",
    "objective": "subwords",
    "steps": 6,
    "evaluations": 2,
    "save_every": 2,
    "batch_pieces": 256,
    "learning_rate": 3e-3,
    "precision": "float32",
    "held_out": 0.2,
    "corpus_settings": {"block_pieces": BLOCK_PIECES},
}


def lines(count: int) -> list[str]:
    chance = random.Random(0)
    return [
        f"{chance.choice(['ada', 'charles', 'mary'])} went to {chance.choice(['paris', 'london', 'turin'])} "
        f"in 18{chance.randrange(10, 99)} by train."
        for _ in range(count)
    ]


def documents(path, count, size):
    """A text file of documents of `size` lines."""
    listed = lines(count * size)
    texts = ["\n".join(listed[first : first + size]) for first in range(0, len(listed), size)]
    path.write_text("\n\n".join(texts), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return documents(tmp_path_factory.mktemp("corpus") / "text.txt", 40, 6)


@pytest.fixture(scope="module")
def start(corpus, tmp_path_factory):
    texts = corpus.read_text(encoding="utf-8").splitlines()
    return write_start(tmp_path_factory.mktemp("start") / "model", texts)


@pytest.fixture(scope="module")
def trained(corpus, start, tmp_path_factory):
    """The folder of a model that the command has trained."""
    output = tmp_path_factory.mktemp("trained") / "model"
    told = {name: value for name, value in SETTINGS.items() if name != "corpus_settings"}
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in told.items()]
    words = ["pretrain", str(corpus), f"--model={start}", f"--output={output}", *flags]
    assert run([*words, f"--corpus-settings.block-pieces={BLOCK_PIECES}"]) == 0
    return output


def data_of(corpus, start, folder, **settings):
    """A start, and training and held-out data of the corpus."""
    made = Start.of(start, None, None)
    prepared = prepare([corpus], made.tokenizer, folder, CorpusSettings(block_pieces=BLOCK_PIECES))
    told = PretrainSettings(**{**SETTINGS, "dropout": 0.0} | settings)
    return made, told, *split(prepared, made.tokenizer, told)


def records(output):
    text = (output / "run" / "metrics.jsonl").read_text(encoding="utf-8")
    return [
        {key: value for key, value in json.loads(line).items() if not key.endswith("seconds")}
        for line in text.splitlines()
    ]


def test_the_command_trains_and_tells_both_losses(trained):
    told = records(trained)
    updates = [record for record in told if record["kind"] == "update"]
    assert len(updates) == 6
    for record in updates:
        assert set(record["losses"]) == set(record["accuracies"]) == {"masked_lm", NEXT_SENTENCE}
        assert 0.1 < record["losses"][NEXT_SENTENCE] < 3  # in nats; chance is 0.69
    evaluation = next(record for record in told if record["kind"] == "evaluation")
    assert 0 <= evaluation["next_sentence_accuracy"] <= 100
    total = evaluation["masked_lm_loss"] + evaluation["next_sentence_loss"]
    assert evaluation["validation_loss"] == pytest.approx(total, abs=1e-5)
    assert json.loads((trained / "config.json").read_text())["architectures"] == ["BertForPreTraining"]
    assert "pairs of sequences with next-sentence prediction" in (trained / "README.md").read_text()


def test_transformers_computes_the_same_scores_and_losses(trained, corpus, tmp_path):
    theirs, loaded = BertForPreTraining.from_pretrained(trained, output_loading_info=True)
    assert not loaded["missing_keys"]
    assert not loaded["unexpected_keys"]
    theirs.eval()
    made, told, data, _ = data_of(corpus, trained, tmp_path / "corpus")
    network = made.network(told).eval()
    epoch = data.epoch(0, 0)
    batch = epoch.batch(np.arange(12))
    masked_lm, next_sentence = [], []
    first = 0
    with torch.no_grad():
        output = network(batch)
        for length in epoch.lengths[:12].tolist():
            row = slice(first, first + length)
            scores = theirs(
                input_ids=batch.pieces.piece_ids[:, row], token_type_ids=batch.pieces.segment_ids[:, row]
            )
            masked_lm.append(scores.prediction_logits[0])
            next_sentence.append(scores.seq_relationship_logits[0])
            first += length
        hidden = network.encoder(batch.pieces)[0]
        starts = batch.next_sentence.positions
        ours = network.next_sentence(hidden[starts][:, None])
    assert batch.target_counts[NEXT_SENTENCE] == 12
    assert set(batch.next_sentence.labels.tolist()) == {0, 1}
    torch.testing.assert_close(ours, torch.stack(next_sentence), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(network.masked_lm(hidden), torch.cat(masked_lm), rtol=1e-5, atol=1e-5)
    # transformers' label 0 means that the second sequence follows the first
    expected = cross_entropy(torch.stack(next_sentence), batch.next_sentence.labels, reduction="sum")
    torch.testing.assert_close(output.losses[NEXT_SENTENCE], expected)


def test_segments_and_labels_are_those_of_the_texts(corpus, start, tmp_path):
    made, _, data, _ = data_of(corpus, start, tmp_path / "corpus")
    epoch = data.epoch(0, 1)
    every = np.arange(len(epoch.lengths))
    sequences, batch = epoch.sequences(every), epoch.batch(every)
    assert sequences.lengths.tolist() == epoch.lengths.tolist()
    segments = batch.pieces.segment_ids[0].numpy()
    found = data.corpus.gather(data.blocks)
    blocks = np.split(found.piece_ids, np.cumsum(found.lengths)[:-1])
    labels = dict(
        zip(batch.next_sentence.positions.tolist(), batch.next_sentence.labels.tolist(), strict=True)
    )
    assert set(labels.values()) == {0, 1}
    for row, begin in enumerate(sequences.starts[:-1].tolist()):
        ids = sequences.piece_ids[begin : sequences.starts[row + 1]]
        first, last = np.flatnonzero(ids == made.tokenizer.end_id)
        assert segments[begin : begin + len(ids)].tolist() == [0] * (first + 1) + [1] * (last - first)
        second = epoch.pairing.seconds[row]
        assert ids[1:first].tolist() == blocks[row][: first - 1].tolist()
        assert ids[first + 1 : last].tolist() == blocks[second][first - 1 :].tolist()
        assert labels[begin] == (second != row)
        documents = data.corpus.documents[data.blocks[[row, second]]]
        assert labels[begin] == (documents[0] != documents[1])


@pytest.mark.parametrize("name", OBJECTIVES)
def test_masks_keep_to_one_text_and_both_ends_are_neighbours(corpus, start, tmp_path, name):
    text = with_given_spans(corpus) if name == "given-spans" else corpus
    _, _, data, _ = data_of(text, start, tmp_path / "corpus", objective=name, budget=0.3)
    epoch = data.epoch(0, 0)
    every = np.arange(len(epoch.lengths))
    sequences, batch = epoch.sequences(every), epoch.batch(every)
    assert tuple(batch.target_counts) == data.masker.objective.losses
    for targets in batch.masked.values():
        assert not sequences.special[targets.positions.numpy()].any()
    if batch.boundary is not None:
        lefts, rights = batch.boundary.lefts.numpy(), batch.boundary.rights.numpy()
        covered = np.concatenate([[0], np.cumsum(sequences.special)])
        assert (covered[rights] == covered[lefts + 1]).all()  # no special piece within a span
        middle = sequences.starts[:-1] + sequences.pairs.first_pieces - 1
        assert np.isin(middle, lefts).any()
        assert np.isin(middle, rights).any()


def test_a_resumed_run_ends_in_the_same_bits(corpus, start, trained, tmp_path):
    output = tmp_path / "model"
    with pytest.raises(Stop):
        pretrain([corpus], output, model=str(start), listeners=[StopAt(5)], **SETTINGS)
    pretrain([corpus], output, model=str(start), resume=True, **SETTINGS)
    assert records(output) == records(trained)
    one, other = (load_file(folder / "model.safetensors") for folder in (trained, output))
    assert one.keys() == other.keys()
    assert "cls.seq_relationship.weight" in one
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_validation_takes_the_same_pairs_in_every_run(corpus, start, tmp_path):
    reports = []
    for seed in (0, 5):
        made, told, _, held_out = data_of(corpus, start, tmp_path / "corpus", seed=seed)
        torch.manual_seed(0)
        network = made.network(told).eval()
        reports += [
            validate(network, held_out, batch_pieces=pieces, device=torch.device("cpu"))
            for pieces in (64, 1000)
        ]
    assert reports[0].counts["next_sentence targets"] >= reports[0].counts["blocks"] - 1
    for report in reports[1:]:
        assert report.values == pytest.approx(reports[0].values, rel=1e-5)


def test_a_released_head_is_taken_over(tmp_path):
    state = pretrained_state()
    files = released_files(state, **{"vocab.txt": vocabulary_bytes(CASED)})
    made = Start.of(write_files(tmp_path / "released", files), None, None)
    head = made.network(PretrainSettings(sequences="pairs")).next_sentence
    for name, parameter in (
        ("bert.pooler.dense.weight", head.pooler.dense.weight),
        ("bert.pooler.dense.bias", head.pooler.dense.bias),
        ("cls.seq_relationship.weight", head.scores.weight),
        ("cls.seq_relationship.bias", head.scores.bias),
    ):
        torch.testing.assert_close(parameter.detach(), state[name], rtol=1e-3, atol=1e-3)
    assert made.network(PretrainSettings()).next_sentence is None


def test_a_plan_counts_pairs_and_their_head(corpus, start, tmp_path):
    plan = plan_pretraining([corpus], tmp_path / "model", model=start, **SETTINGS)
    made, told, data, held_out = data_of(corpus, start, tmp_path / "model" / "corpus")
    assert len(data.blocks) - 1 <= plan.pairs <= len(data.blocks) == plan.blocks - len(held_out.blocks)
    network = made.network(told)
    assert plan.parameters == sum(parameter.numel() for parameter in network.parameters())
    lengths = data.epoch(0, 0).lengths
    with_head = flops_a_piece(made.config, lengths, 0.15, 0.2, plan.pairs)
    head = with_head - flops_a_piece(made.config, lengths, 0.15, 0.2)
    weights = sum(one.numel() for one in network.next_sentence.parameters() if one.dim() == 2)
    assert head == pytest.approx(6 * weights * plan.pairs / lengths.sum())


@pytest.mark.parametrize(
    ("shape", "changes", "error", "message"),
    [
        ((1, 60), {}, DataError, r"corpus: the corpus is a single document.*--sequences single"),
        (
            (4, 30),
            {"corpus_settings": {"block_pieces": 126}},
            SettingsError,
            r"--corpus-settings\.block-pieces 125",
        ),
    ],
)
def test_what_cannot_be_made_pairs_is_an_error_of_one_line(start, tmp_path, shape, changes, error, message):
    source = documents(tmp_path / "text.txt", *shape)
    with pytest.raises(error, match=message) as caught:
        pretrain([source], tmp_path / "model", model=start, **SETTINGS | changes)
    assert "\n" not in str(caught.value)


def test_three_special_pieces_fit_bert_where_nothing_else_is_told(start, tmp_path):
    long = write_start(tmp_path / "start", lines(100), max_positions=512)
    source = documents(tmp_path / "text.txt", 8, 100)
    plan = plan_pretraining([source], tmp_path / "model", model=long, sequences="pairs", held_out=0.3)
    assert plan.mean_length > 400
    lengths = np.fromfile(tmp_path / "model" / "corpus" / "lengths.bin", dtype="<i4")
    assert 480 < lengths.max() <= 509


def test_as_much_is_held_out_as_makes_a_pair(start, tmp_path):
    source = documents(tmp_path / "text.txt", 20, 1)
    settings = {**SETTINGS, "steps": 2, "evaluations": 1, "held_out": 0.01}
    report = pretrain([source], tmp_path / "model", model=start, **settings)
    assert report.counts["next_sentence targets"] > 0
