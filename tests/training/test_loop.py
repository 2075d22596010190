import json

import numpy as np
import pytest
import torch

from spanbert.errors import TrainingError
from spanbert.training.loop import computes_bfloat16, evaluation_is_due, training_arithmetic
from spanbert.training.settings import TrainingSettings
from stopping import Stop, StopAt
from toy_training import Data, Heard, Model, trainer


def weights(made):
    return made.model.layer.weight.detach().clone()


def metrics(folder):
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{key: line[key] for key in line if not key.endswith("seconds")} for line in lines]


def test_training_lowers_the_loss(tmp_path):
    heard = Heard()
    made = trainer(tmp_path, epochs=10, learning_rate=0.1, listeners=[heard])
    made.train()
    losses = [record.loss for record in heard.records]
    assert np.mean(losses[-8:]) < 0.1 * np.mean(losses[:8])
    assert heard.reasons == ["all updates made"]


@pytest.mark.parametrize("stop", [3, 6, 9, 17, 20])
def test_a_resumed_run_equals_the_whole_run_bit_for_bit(tmp_path, stop):
    options = {"dropout": 0.3, "steps": 20, "save_every": 4, "evaluations": 5, "scores": [3, 9, 4, 5, 6]}
    whole = trainer(tmp_path / "whole", **options)
    best = whole.train()

    with pytest.raises(Stop):
        trainer(tmp_path / "parts", listeners=[StopAt(stop)], **options).train()
    again = trainer(tmp_path / "parts", resume=True, **options)
    assert again.train() == best
    assert best.primary_value == 9
    assert torch.equal(weights(again), weights(whole))
    assert metrics(tmp_path / "parts") == metrics(tmp_path / "whole")
    assert (tmp_path / "parts" / "kept").read_text() == "9"


def test_a_resumed_run_goes_on_where_it_was_saved(tmp_path):
    options = {"steps": 20, "save_every": 4}
    with pytest.raises(Stop):
        trainer(tmp_path, listeners=[StopAt(11)], **options).train()
    heard = Heard()
    trainer(tmp_path, resume=True, listeners=[heard], **options).train()
    assert heard.starts == [(8, 20)]
    assert [record.step for record in heard.records] == list(range(9, 21))


def test_other_threads_than_before_are_told_since_they_round_otherwise(tmp_path, caplog, monkeypatch):
    options = {"steps": 8, "save_every": 4}
    with pytest.raises(Stop):
        trainer(tmp_path, listeners=[StopAt(5)], **options).train()
    threads = torch.get_num_threads()
    trainer(tmp_path, resume=True, **options).train()
    assert "threads" not in caplog.text
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads + 3)
    trainer(tmp_path, resume=True, **options).train()
    assert f"OMP_NUM_THREADS={threads}" in caplog.text


@pytest.mark.parametrize("accumulate", [2, 4])
def test_accumulated_batches_equal_one_large_batch(tmp_path, accumulate):
    # 30 features of 16 pieces: the last update has fewer sequences and unequal batches
    options = {"data": Data(30), "epochs": 2, "dropout": 0.0}
    large = trainer(tmp_path / "large", batch_pieces=64 * accumulate, **options)
    small = trainer(tmp_path / "small", batch_pieces=64, accumulate=accumulate, **options)
    large.train()
    small.train()
    assert len(large.model.seen) < len(small.model.seen)
    losses = [
        [line["loss"] for line in metrics(made.run.path) if line["kind"] == "update"]
        for made in (large, small)
    ]
    assert np.allclose(*losses, rtol=1e-5)
    assert torch.allclose(weights(large), weights(small), atol=1e-6)


def test_seeds_decide_order_and_dropout(tmp_path):
    made = [
        trainer(tmp_path / str(number), dropout=0.3, seed=seed, steps=5)
        for number, seed in enumerate((1, 1, 2))
    ]
    for one in made:
        one.train()
    first, same, other = map(weights, made)
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(
    ("steps", "evaluations", "due"),
    [(2700, 5, [540, 1080, 1620, 2160, 2700]), (10, 4, [3, 5, 8, 10]), (3, 9, [1, 2, 3]), (7, 1, [7])],
)
def test_evaluations_come_at_even_intervals_and_at_the_end(steps, evaluations, due):
    assert [step for step in range(1, steps + 1) if evaluation_is_due(step, steps, evaluations)] == due


def test_patience_stops_early_and_the_best_is_returned(tmp_path):
    heard = Heard()
    made = trainer(
        tmp_path, steps=20, evaluations=10, patience=3, scores=[1, 5, 5, 2, 4, 9], listeners=[heard]
    )
    assert made.train().primary_value == 5
    # Of equal ones the later is kept, though it is no better.
    assert heard.evaluations == [(2, 1, True), (4, 5, True), (6, 5, True), (8, 2, False), (10, 4, False)]
    assert heard.reasons == ["no better score in 3 evaluations"]
    assert len(heard.records) == 10


def test_epochs_may_be_fractions_and_steps_stand_instead_of_them(tmp_path):
    lengths = []
    for number, settings in enumerate(({"epochs": 1.5}, {"epochs": 0.01}, {"steps": 3})):
        heard = Heard()
        trainer(tmp_path / str(number), listeners=[heard], **settings).train()  # an epoch has 8 batches
        lengths.append((len(heard.records), heard.records[-1].epoch))
    assert lengths == [(12, 1.5), (1, 0.125), (3, 0.375)]


def test_the_stable_schedule_stays_at_its_peak_until_it_decays(tmp_path):
    heard = Heard()
    settings = {"steps": 20, "warmup": 0.1, "schedule": "stable", "decay": 0.25, "learning_rate": 1.0}
    trainer(tmp_path, listeners=[heard], **settings).train()
    rates = [record.learning_rate for record in heard.records]
    assert rates == pytest.approx([1 / 3, 2 / 3, *[1.0] * 14, 0.8, 0.6, 0.4, 0.2])


def test_the_learning_rate_follows_the_schedule(tmp_path):
    heard = Heard()
    trainer(tmp_path, steps=10, warmup=0.2, learning_rate=1.0, listeners=[heard]).train()
    rates = [record.learning_rate for record in heard.records]
    assert rates[0] < rates[1] < rates[2] == 1.0
    assert rates[2:] == sorted(rates[2:], reverse=True)
    assert rates[-1] == pytest.approx(1 / 8)


class Broken(Data):
    def __init__(self, at):
        super().__init__()
        self.at, self.batches = at, 0

    def collate(self, features):
        self.batches += 1
        batch = super().collate(features)
        if self.batches == self.at:
            batch.values[0, 0] = torch.nan
        return batch


def test_a_loss_that_is_no_number_stops_before_the_weights_change(tmp_path):
    made = trainer(tmp_path, data=Broken(7), steps=10, evaluations=5, scores=[7], save_every=3)
    sound = trainer(tmp_path / "sound", steps=10, listeners=[StopAt(6)])
    with pytest.raises(Stop):
        sound.train()
    with pytest.raises(TrainingError, match="update 7: the loss is nan") as caught:
        made.train()
    assert "\n" not in str(caught.value)
    assert torch.equal(weights(made), weights(sound))
    assert (tmp_path / "kept").read_text() == "7"
    assert made.run.load()["step"] == 6


class OneBroken(Data):
    def epoch(self, seed, epoch):
        found = super().epoch(seed, epoch)
        found.features[17].values[0] = torch.nan
        return found


def test_the_sequence_whose_loss_is_no_number_is_named(tmp_path):
    with pytest.raises(TrainingError, match=r"\(of sequence 17: 1 of 4 sequences\)"):
        trainer(tmp_path, data=OneBroken(), steps=8, evaluations=1).train()


def test_no_data_is_an_error(tmp_path):
    with pytest.raises(TrainingError, match="no features"):
        trainer(tmp_path, data=Data(0)).train()


def test_training_mode_is_on_in_updates_whatever_evaluation_does(tmp_path):
    made = trainer(tmp_path, steps=6, evaluations=3)
    made.train()
    assert [training for training, _ in made.model.seen] == [True] * 6
    assert not made.model.training  # the last thing was an evaluation


def test_forced_bfloat16_trains_with_float32_weights(tmp_path):
    made = trainer(tmp_path, model=Model(), precision="bfloat16", steps=30, learning_rate=0.1, warmup=0.0)
    made.train()
    losses = [line["loss"] for line in metrics(tmp_path) if line["kind"] == "update"]
    assert all(autocast for _, autocast in made.model.seen)
    assert weights(made).dtype == torch.float32
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:5])


def test_precisions_may_differ_between_runs_of_one_process(tmp_path):
    for precision in ("float32", "bfloat16", "float32"):
        made = trainer(tmp_path / f"{precision}{len(list(tmp_path.iterdir()))}", precision=precision, steps=1)
        made.train()
        assert made.model.seen == [(True, precision == "bfloat16")]


@pytest.mark.parametrize(
    ("present", "expected"),
    [
        ({"_is_amx_tile_supported": True, "_is_avx512_bf16_supported": False}, True),
        ({"_is_amx_tile_supported": False, "_is_avx512_bf16_supported": True}, True),
        ({"_is_amx_tile_supported": False, "_is_avx512_bf16_supported": False}, False),
        ({}, False),  # a release of torch that lacks both checks
    ],
)
def test_auto_takes_bfloat16_where_the_processor_has_it(monkeypatch, present, expected):
    for name in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"):
        monkeypatch.delattr(torch.cpu, name, raising=False)
        if name in present:
            monkeypatch.setattr(torch.cpu, name, lambda answer=present[name]: answer, raising=False)
    cpu = torch.device("cpu")
    assert computes_bfloat16(cpu) is expected
    with training_arithmetic(TrainingSettings(precision="auto"), cpu):
        assert torch.is_autocast_enabled("cpu") is expected
    with training_arithmetic(TrainingSettings(precision="float32"), cpu):
        assert not torch.is_autocast_enabled("cpu")


def test_the_installed_torch_has_the_checks_for_bfloat16():
    assert isinstance(torch.cpu._is_amx_tile_supported(), bool)
    assert isinstance(torch.cpu._is_avx512_bf16_supported(), bool)


def test_a_score_that_is_no_number_is_neither_kept_nor_passed_over(tmp_path):
    made = trainer(tmp_path, steps=8, evaluations=2, save_every=2, scores=[3.0, float("nan")])
    with pytest.raises(TrainingError, match="update 8: the score of the evaluation is nan"):
        made.train()
    assert (tmp_path / "kept").read_text() == "3.0"
    assert made.run.load()["step"] == 6
