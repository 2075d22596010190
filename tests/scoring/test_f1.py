import numpy as np
import pytest

from spanbert.scoring.f1 import f1_interval, prf


def test_counts_make_precision_recall_and_f1():
    scores = prf(right=2, predicted=4, gold=8)
    assert scores.to_json() == {"precision": 50.0, "recall": 25.0, "f1": pytest.approx(33.3333)}


@pytest.mark.parametrize(("predicted", "gold"), [(0, 5), (5, 0), (0, 0)])
def test_nothing_predicted_or_nothing_gold_is_zero(predicted, gold):
    assert set(prf(0, predicted, gold).to_json().values()) == {0.0}


def test_the_interval_holds_the_value_and_shrinks_with_more_texts():
    rng = np.random.default_rng(0)
    gold = np.full(2000, 3)
    right = rng.binomial(3, 0.7, size=2000)
    few = f1_interval(right[:50], gold[:50], gold[:50])
    many = f1_interval(right, gold, gold)
    for found, count in ((few, 50), (many, 2000)):
        value = prf(right[:count].sum(), gold[:count].sum(), gold[:count].sum()).f1
        assert found[0] < value < found[1]
    assert many[1] - many[0] < 0.3 * (few[1] - few[0])


def test_the_interval_repeats_and_depends_on_texts_not_on_single_items():
    # Each text is wholly right or wholly wrong: 20 texts decide, not their 2,000 items.
    right, gold = [100] * 10 + [0] * 10, [100] * 20
    found = f1_interval(right, gold, gold)
    assert found == f1_interval(right, gold, gold)
    assert found[1] - found[0] > 30


def test_without_texts_or_gold_the_interval_is_empty():
    assert f1_interval([], [], []) == (0.0, 0.0)
    assert f1_interval([0], [0], [0]) == (0.0, 0.0)
