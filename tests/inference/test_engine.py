from dataclasses import dataclass
from itertools import islice
from threading import Event

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from spanbert.errors import DataError
from spanbert.inference.engine import Engine


@dataclass(frozen=True)
class Feature:
    number: int
    piece_count: int


@dataclass
class Batch:
    features: list
    device: object = None

    def to(self, device):
        return Batch(self.features, device)


@dataclass
class Output:
    numbers: list

    def per_sequence(self):
        return self.numbers


class Recorder(nn.Module):
    """Gives each feature's number back and remembers the batches."""

    def __init__(self) -> None:
        super().__init__()
        self.batches = []
        self.inference = []

    def forward(self, batch):
        self.batches.append([feature.piece_count for feature in batch.features])
        self.inference.append(torch.is_inference_mode_enabled() and batch.device is not None)
        return Output([feature.number for feature in batch.features])


def features_of(lengths):
    return [Feature(number, length) for number, length in enumerate(lengths)]


def run(lengths, **settings):
    model = Recorder()
    return list(Engine(model, Batch, **settings).run(features_of(lengths))), model.batches


lengths_of_features = st.lists(st.integers(1, 60), max_size=60)


@given(lengths_of_features, st.integers(1, 100), st.integers(1, 300))
def test_every_feature_gives_one_output_in_the_order_asked(lengths, batch_pieces, block_pieces):
    found, batches = run(lengths, batch_pieces=batch_pieces, block_pieces=block_pieces)
    assert found == list(range(len(lengths)))
    assert sorted(length for batch in batches for length in batch) == sorted(lengths)


@given(lengths_of_features, st.integers(1, 100), st.integers(1, 300))
def test_a_batch_keeps_to_its_budget_unless_one_feature_alone_breaks_it(lengths, batch_pieces, block_pieces):
    _, batches = run(lengths, batch_pieces=batch_pieces, block_pieces=block_pieces)
    assert all(sum(batch) <= batch_pieces or len(batch) == 1 for batch in batches)


@given(lengths_of_features)
def test_neighbours_in_a_batch_are_alike(lengths):
    _, batches = run(lengths, batch_pieces=100, block_pieces=10**6, workers=1)
    flat = [length for batch in batches for length in batch]
    assert flat == sorted(flat, reverse=True)


@given(st.lists(st.integers(1, 60), min_size=1, max_size=60), st.integers(1, 300))
def test_the_stream_is_read_no_further_ahead_than_two_blocks(lengths, block_pieces):
    read = []

    def stream():
        for feature in features_of(lengths):
            read.append(feature)
            yield feature

    for number, _ in enumerate(Engine(Recorder(), Batch, block_pieces=block_pieces).run(stream())):
        ahead = [feature.piece_count for feature in read[number:]]
        # Each block was closed by its last feature, of at most 60 pieces.
        assert sum(ahead) < 2 * (block_pieces + 60)
    assert len(read) == len(lengths)


def test_an_endless_stream_gives_its_first_outputs():
    def endless():
        number = 0
        while True:
            yield Feature(number, 10)
            number += 1

    engine = Engine(Recorder(), Batch, batch_pieces=50, block_pieces=200)
    assert list(islice(engine.run(endless()), 100)) == list(range(100))


def test_nothing_is_read_before_the_first_output_is_asked_for():
    def stream():
        raise AssertionError("read")
        yield

    Engine(Recorder(), Batch).run(stream())


def test_one_huge_feature():
    found, batches = run([10**9], batch_pieces=100, block_pieces=1000)
    assert found == [0]
    assert batches == [[10**9]]
    found, batches = run([5, 10**9, 7], batch_pieces=100, block_pieces=1000)
    assert found == [0, 1, 2]
    assert sorted(map(len, batches)) == [1, 2] or sorted(map(len, batches)) == [1, 1, 1]


def test_empty_stream():
    assert run([]) == ([], [])


def test_the_model_runs_without_gradients_on_the_engines_device():
    model = Recorder()
    list(Engine(model, Batch).run(features_of([3, 4])))
    assert set(model.inference) == {True}


def test_an_output_that_is_missing_is_a_fault_and_not_a_shift():
    class Forgetful(Recorder):
        def forward(self, batch):
            return Output(super().forward(batch).numbers[1:])

    with pytest.raises(ValueError, match="zip"):
        list(Engine(Forgetful(), Batch).run(features_of([3, 4])))


def test_features_before_a_fault_of_the_stream_give_their_outputs():
    def stream():
        yield from features_of([10] * 7)
        raise DataError("broken")

    taken = []
    outputs = Engine(Recorder(), Batch, block_pieces=30, workers=2).run(stream())
    with pytest.raises(DataError, match="broken"):
        for output in outputs:
            taken.append(output)
    assert taken == list(range(7))


def test_a_block_is_computed_while_the_outputs_of_the_one_before_are_used():
    second_has_run = Event()

    class Telling(Recorder):
        def forward(self, batch):
            if batch.features[0].number >= 4:
                second_has_run.set()
            return super().forward(batch)

    outputs = Engine(Telling(), Batch, batch_pieces=10, block_pieces=40, workers=2).run(
        features_of([10] * 12)
    )
    assert next(outputs) == 0
    assert second_has_run.wait(timeout=60)
    outputs.close()


def test_features_of_one_item_come_together():
    sizes = [1, 3, 1, 40, 2]
    numbers = iter(range(100))
    groups = [(name, [Feature(next(numbers), 5) for _ in range(size)]) for name, size in enumerate(sizes)]
    found = list(Engine(Recorder(), Batch, batch_pieces=20, block_pieces=60).run_groups(groups))
    assert [(name, features) for name, features, _ in found] == groups
    assert [outputs for *_, outputs in found] == [
        [feature.number for feature in features] for _, features in groups
    ]


@pytest.mark.parametrize(("expected", "first", "last"), [(0, 8, 40), (20, 40, 40), (30, 60, 40), (5, 10, 40)])
def test_the_total_told_on_the_way_counts_what_is_yet_to_be_read(expected, first, last):
    groups = [(name, [Feature(2 * name, 5), Feature(2 * name + 1, 5)]) for name in range(20)]
    engine = Engine(Recorder(), Batch, batch_pieces=10, block_pieces=20, workers=1)
    totals = []

    def track(outputs, total):
        for output in outputs:
            totals.append(total())
            yield output

    engine.track = track
    assert len(list(engine.run_groups(groups, expected))) == 20
    assert (totals[0], totals[-1]) == (first, last)
