"""What a plan reckons, against what torch counts."""

import numpy as np
import pytest
from safetensors.torch import load_file, save_file
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from spanbert.cli.main import run
from spanbert.pretraining.corpus.prepare import prepare
from spanbert.pretraining.corpus.settings import CorpusSettings
from spanbert.pretraining.objectives import objective
from spanbert.workflows.pretrain import Start, pretrain
from spanbert.workflows.pretraining_data import split
from spanbert.workflows.pretraining_plan import flops_a_piece, plan_pretraining
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
    plan = plan_pretraining([corpus], output, model=start, epochs=2.0, steps=None, batch_pieces=256)
    assert [path.name for path in output.iterdir()] == ["corpus"]
    network = Start.of(start, None, None).network(PretrainSettings())
    assert plan.parameters == sum(parameter.numel() for parameter in network.parameters())
    assert plan.steps == pytest.approx(2 * 0.99 * (plan.corpus_pieces + 2 * plan.blocks) / 256, rel=0.15)
    assert plan.hours == pytest.approx(plan.steps * 256 / plan.pieces_a_second / 3600)
    assert 0 <= plan.padding_share < 1


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
