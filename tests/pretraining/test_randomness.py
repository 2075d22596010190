import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spanbert.pretraining.randomness import SampleRandom, Stream

ALL = np.arange(2000)


def test_numbers_are_uniform_in_every_argument():
    random = SampleRandom(0, 0, ALL)
    by_row = random.uniform(Stream.START, 0, ALL)
    by_counter = random.uniform(Stream.START, ALL, np.zeros_like(ALL))
    by_epoch = [SampleRandom(0, epoch, ALL[:1]).uniform(Stream.START, 0, ALL[:1])[0] for epoch in ALL]
    by_seed = [SampleRandom(seed, 0, ALL[:1]).uniform(Stream.START, 0, ALL[:1])[0] for seed in ALL]
    by_choice = [SampleRandom(0, 0, ALL[:1], choice).uniform(Stream.START, 0, ALL[:1])[0] for choice in ALL]
    for numbers in (by_row, by_counter, by_epoch, by_seed, by_choice):
        counts = np.histogram(numbers, bins=20, range=(0, 1))[0]
        assert ((counts - 100) ** 2 / 100).sum() < 50  # chi-square with 19 degrees; 0.01 % exceed 50
        assert abs(np.corrcoef(numbers[:-1], numbers[1:])[0, 1]) < 0.1


def test_streams_are_independent():
    random = SampleRandom(3, 1, ALL)
    drawn = [random.uniform(stream, 0, ALL) for stream in Stream]
    correlations = np.corrcoef(drawn) - np.eye(len(drawn))
    assert np.abs(correlations).max() < 0.1


@given(st.integers(0, 2**63 - 1), st.integers(0, 1000), st.integers(0, 2**62), st.integers(0, 2**32 - 1))
def test_a_number_depends_on_its_own_sample_alone(seed, epoch, sample, counter):
    alone = SampleRandom(seed, epoch, np.asarray([sample]))
    together = SampleRandom(seed, epoch, np.asarray([7, sample, 9]))
    number = alone.uniform(Stream.FATE, counter, np.asarray([0]))
    assert 0 <= number[0] < 1
    assert number == together.uniform(Stream.FATE, counter, np.asarray([1]))
