"""What a plan reckons, against what torch counts."""

import json

import numpy as np
import pytest
from safetensors.torch import load_file, save_file
from torch.autograd.graph import saved_tensors_hooks
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from spanbert.cli.main import run
from spanbert.pretraining.corpus.prepare import prepare
from spanbert.pretraining.corpus.settings import CorpusSettings
from spanbert.pretraining.corpus.shards import Corpus
from spanbert.pretraining.objectives import objective
from spanbert.workflows.pretrain import Start, pretrain
from spanbert.workflows.pretraining_data import split
from spanbert.workflows.pretraining_plan import activation_bytes, flops_a_piece, plan_pretraining
from spanbert.workflows.settings import PretrainSettings
from tiny_start import write_start

LINES = [f"ada went to the old town in 18{number:02d} by train." for number in range(100)]


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("\n\n".join("\n".join(LINES[start : start + 5]) for start in range(0, 100, 5)))
    return path


@pytest.fixture
def start(tmp_path):
    return write_start(tmp_path / "start", LINES)


@pytest.mark.parametrize("name", ["spanbert", "subwords"])
def test_operations_are_those_that_torch_counts(corpus, start, tmp_path, name):
    made = Start.of(start, None, None)
    prepared = prepare([corpus], made.tokenizer, tmp_path / "corpus", CorpusSettings(block_pieces=40))
    settings = PretrainSettings(objective=name, dropout=0.0)
    data, _ = split(prepared, made.tokenizer, settings)
    epoch = data.epoch(0, 0)
    batch = epoch.batch(np.arange(len(epoch.lengths)))
    network = made.network(settings)
    # The fused kernel of the CPU is unknown to the counter; plain products are counted.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        sum(network(batch).losses.values()).backward()
    read = sum(map(len, batch.read)) / epoch.lengths.sum()
    reckoned = flops_a_piece(made.config, epoch.lengths, objective(name).predictions, read)
    counted = counter.get_total_flops() / epoch.lengths.sum()
    assert reckoned == pytest.approx(counted, rel=0.1)


def test_a_plan_prepares_the_corpus_and_trains_nothing(corpus, start, tmp_path):
    output = tmp_path / "model"
    told = {"epochs": 2.0, "batch_pieces": 100, "accumulate": 2, "corpus_settings": {"block_pieces": 40}}
    plan = plan_pretraining([corpus], output, model=start, **told)
    assert [path.name for path in output.iterdir()] == ["corpus"]
    network = Start.of(start, None, None).network(PretrainSettings())
    assert plan.parameters == sum(parameter.numel() for parameter in network.parameters())
    pretrain([corpus], output, model=start, evaluations=1, **told)
    lines = map(json.loads, (output / "run" / "metrics.jsonl").read_text().splitlines())
    read = [line["pieces"] for line in lines if line["kind"] == "update"]
    assert plan.steps == len(read)
    assert plan.hours * 3600 * plan.pieces_a_second == pytest.approx(sum(read), rel=0.02)


def test_the_padding_share_is_that_of_rows_as_long_as_the_longest(corpus, start, tmp_path):
    told = {"corpus_settings": {"block_pieces": 40}}
    plan = plan_pretraining([corpus], tmp_path / "model", model=start, **told)
    lengths = Corpus(tmp_path / "model" / "corpus").lengths + 2
    assert 0.01 < plan.padding_share == pytest.approx(1 - lengths.mean() / lengths.max(), abs=0.01)


def test_memory_is_that_of_the_tensors_which_torch_keeps(corpus, tmp_path):
    # Wide enough that what grows with the width outweighs the rest.
    begin = write_start(tmp_path / "start", LINES, width=256)
    made = Start.of(begin, None, None)
    prepared = prepare([corpus], made.tokenizer, tmp_path / "corpus", CorpusSettings(block_pieces=40))
    settings = PretrainSettings(objective="spans", dropout=0.0)
    data, _ = split(prepared, made.tokenizer, settings)
    epoch = data.epoch(0, 0)
    network = made.network(settings)
    kept = {}

    def keep(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    weights = {parameter.untyped_storage().data_ptr() for parameter in network.parameters()}
    with saved_tensors_hooks(keep, lambda tensor: tensor):
        batch = epoch.batch(np.arange(len(epoch.lengths)))
        output = network(batch)
    assert output.losses
    found = sum(size for place, size in kept.items() if place not in weights)
    predictions = objective("spans").predictions
    pieces = int(epoch.lengths.sum())
    read = sum(map(len, batch.read)) / pieces
    reckoned = pieces * activation_bytes(made.config, predictions, read, recompute=False)
    assert reckoned == pytest.approx(found, rel=0.05)


def test_the_command(corpus, start, tmp_path, capsys):
    words = ["pretrain", str(corpus), "--model", str(start), "--output", str(tmp_path / "model")]
    assert run([*words, "--plan"]) == 0
    assert "MFLOP a piece" in capsys.readouterr().out
    assert run([*words, "--steps", "2", "--evaluations", "1", "--batch-tokens", "128"]) == 0
    shown = capsys.readouterr()
    assert "validation_loss" in shown.out
    assert "boundary" in shown.err
    for wrong, message in (
        (["pretrain", "--output", "x"], "say what to read"),
        (["pretrain", str(tmp_path / "none"), *words[2:-1], "other"], "no such file"),
        ([*words[:-1], str(tmp_path / "b"), "--objective", "bert"], "unknown objective"),
    ):
        assert run(wrong) == 2
        assert message in capsys.readouterr().err


def test_a_boundary_head_of_few_places_is_tried(corpus, start, tmp_path):
    pretrain([corpus], tmp_path / "first", model=start, steps=1, evaluations=1, batch_pieces=256)
    weights = load_file(tmp_path / "first" / "model.safetensors")
    name = "cls.pair_target_predictions.position_embeddings.weight"
    weights[name] = weights[name][:3].clone()
    save_file(weights, tmp_path / "first" / "model.safetensors")
    assert plan_pretraining([corpus], tmp_path / "second", model=tmp_path / "first").pieces_a_second > 0
