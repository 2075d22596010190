import pytest
import torch

from spanbert.training.optimizer import build_optimizer
from toy_training import trainer


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = torch.nn.Linear(2, 2)
        self.head = torch.nn.Linear(2, 1)


def rates(optimizer, name):
    return {parameter: group[name] for group in optimizer.param_groups for parameter in group["params"]}


def test_all_that_stands_on_the_encoder_has_the_rate_of_the_head():
    model = Model()
    found = rates(build_optimizer(model, 1e-5, 0.1, head_learning_rate=1e-3), "peak")
    assert {found[value] for value in model.encoder.parameters()} == {1e-5}
    assert {found[value] for value in model.head.parameters()} == {1e-3}


def test_without_a_rate_of_its_own_the_head_learns_as_the_encoder():
    assert set(rates(build_optimizer(Model(), 1e-5, 0.1), "peak").values()) == {1e-5}


def test_only_matrices_decay():
    model = Model()
    found = rates(build_optimizer(model, 1e-5, 0.1, head_learning_rate=1e-3), "weight_decay")
    assert {found[layer.weight] for layer in (model.encoder, model.head)} == {0.1}
    assert {found[layer.bias] for layer in (model.encoder, model.head)} == {0.0}


def test_every_group_follows_the_schedule_from_its_own_peak(tmp_path):
    made = trainer(tmp_path, steps=4, warmup=0.0, learning_rate=0.01, head_learning_rate=0.4)
    made.train()  # the toy network has no part named encoder: all of it is head
    last = [group["lr"] for group in made.optimizer.param_groups]
    assert last == [pytest.approx(0.4 / 4)] * len(last)
