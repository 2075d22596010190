import numpy as np
import pytest

from spanbert.scoring.correlation import pearson, pearson_interval, spearman, spearman_interval

stats = pytest.importorskip("scipy.stats")


def pairs(count=60, seed=0):
    rng = np.random.default_rng(seed)
    first = rng.normal(size=count)
    second = (first + rng.normal(size=count)).round(1)  # with ties
    return first, second


def test_equal_scipys():
    first, second = pairs()
    assert pearson(first, second) == pytest.approx(stats.pearsonr(first, second).statistic)
    assert spearman(first, second) == pytest.approx(stats.spearmanr(first, second).statistic)


@pytest.mark.parametrize("function", [pearson, spearman])
def test_a_constant_column_correlates_with_nothing(function):
    assert function(np.full(9, 0.1), np.arange(9.0)) == 0.0
    assert function(np.arange(9.0), np.full(9, 1e9)) == 0.0


@pytest.mark.parametrize(
    ("function", "interval"), [(pearson, pearson_interval), (spearman, spearman_interval)]
)
def test_intervals_hold_the_value_and_shrink_with_more_pairs(function, interval):
    few, many = pairs(30), pairs(3000)
    wide, narrow = interval(*few, resamples=200), interval(*many, resamples=200)
    assert wide[0] < function(*few) < wide[1]
    assert narrow[0] < function(*many) < narrow[1]
    assert narrow[1] - narrow[0] < (wide[1] - wide[0]) / 3
    assert interval(*few, resamples=200) == wide


def test_an_interval_of_spearmans_ranks_what_is_drawn_anew():
    first, second = pairs(40)
    rng = np.random.default_rng(0)
    drawn = [rng.integers(40, size=40) for _ in range(300)]
    found = [stats.spearmanr(first[some], second[some]).statistic for some in drawn]
    expected = tuple(np.quantile(found, [0.05, 0.95]))
    assert spearman_interval(first, second, level=0.9, resamples=300) == pytest.approx(expected, abs=1e-12)


def test_of_many_pairs_no_more_are_drawn_than_is_worth_its_time():
    many = pairs(60_000)
    assert pearson_interval(*many) == pearson_interval(*many, resamples=200)
    assert pearson_interval(*many, resamples=100) != pearson_interval(*many, resamples=200)
