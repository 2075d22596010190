"""Bootstrap intervals cover what they should, and are the same each time."""

import numpy as np
import pytest

from spanbert.scoring.confidence import bootstrap_interval


def test_the_interval_of_many_items_is_that_of_the_normal_law():
    values = np.random.default_rng(1).random(5000)
    low, high = bootstrap_interval(values)
    error = values.std() / np.sqrt(len(values))
    assert (low, high) == pytest.approx(
        (values.mean() - 1.96 * error, values.mean() + 1.96 * error), abs=error / 6
    )


def test_the_interval_is_that_of_drawing_items_one_by_one():
    values = np.array([0.0, 0.0, 1.0, 0.5, 1.0, 0.25, 0.0, 1.0])
    rng = np.random.default_rng(2)
    means = values[rng.integers(len(values), size=(40_000, len(values)))].mean(axis=1)
    expected = np.quantile(means, [0.05, 0.95])
    assert bootstrap_interval(values, level=0.9, resamples=40_000) == pytest.approx(
        tuple(expected), abs=0.035
    )


def test_nine_of_ten_intervals_hold_the_true_mean():
    rng = np.random.default_rng(3)
    intervals = [bootstrap_interval(rng.random(100) < 0.3, level=0.9, resamples=500) for _ in range(300)]
    assert 0.84 < np.mean([low <= 0.3 <= high for low, high in intervals]) < 0.96


def test_same_seed_same_interval_and_blocks_do_not_show(monkeypatch):
    values = np.random.default_rng(4).random(50)
    whole = bootstrap_interval(values, seed=5)
    assert whole == bootstrap_interval(list(values), seed=5)
    assert whole != bootstrap_interval(values, seed=6)
    monkeypatch.setattr("spanbert.scoring.confidence.COUNTS_AT_ONCE", 1000)
    assert bootstrap_interval(values, seed=5) == whole


def test_equal_items_leave_no_doubt():
    assert bootstrap_interval([1.0] * 7) == (1.0, 1.0)
    assert bootstrap_interval([0.25]) == (0.25, 0.25)
