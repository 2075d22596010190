import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spanbert.training.order import epoch_batches

lengths = st.lists(st.integers(1, 100), min_size=1, max_size=60)


@given(lengths, st.integers(0, 5), st.integers(0, 3), st.integers(1, 5))
def test_every_feature_is_in_exactly_one_batch(sizes, seed, epoch, multiple):
    batches = epoch_batches(sizes, 128, seed, epoch, multiple)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(sizes)))
    assert len(batches) % multiple == 0


@given(lengths, st.integers(0, 5))
def test_batches_keep_to_the_budget_unless_one_feature_is_over_it(sizes, seed):
    for batch in epoch_batches(sizes, 64, seed, 0):
        assert len(batch) == 1 or sum(sizes[index] for index in batch) <= 64


def test_order_is_a_function_of_seed_and_epoch():
    def order(seed, epoch):
        return np.concatenate(epoch_batches([10] * 50, 64, seed, epoch)).tolist()

    assert order(1, 0) == order(1, 0)
    assert len({tuple(order(seed, epoch)) for seed in (1, 2) for epoch in (0, 1)}) == 4
