import numpy as np
import pytest

from spanbert.scoring.f1 import f1_interval, prf
from spanbert.scoring.slices import Judged, confidence_ranges, f1_table, mean_table, ranged
from spanbert.workflows.pages.score_table import score_table


def test_numbers_are_put_into_named_ranges():
    groups, order = ranged([1, 2, 4, 5, 70, None, 0], [1, 2, 5], "word", "words")
    assert order == ["1 word", "2 to 4 words", "5 or more words"]
    assert groups == [order[0], order[1], order[1], order[2], order[2], None, order[0]]


def test_a_range_of_one_number_and_large_numbers_read_well():
    _, order = ranged([], [0, 1, 1000, 4000], "character", "characters")
    assert order == [
        "0 characters",
        "1 to 999 characters",
        "1,000 to 3,999 characters",
        "4,000 or more characters",
    ]


@pytest.mark.parametrize(("probability", "place"), [(0.0, 0), (0.2, 1), (0.999, 4), (1.0, 4)])
def test_probabilities_are_put_into_five_ranges(probability, place):
    groups, order = confidence_ranges([probability])
    assert len(order) == 5
    assert groups == [order[place]]


def test_means_of_groups_in_order_with_intervals_where_there_is_enough():
    groups = ["b"] * 12 + ["a"] * 3 + [None]
    values = np.array([1.0] * 6 + [0.0] * 6 + [1.0, 1.0, 0.0, 0.0])
    table = mean_table("By letter", "texts", groups, ["a", "b", "c"], {"F1": values, "twice": values / 2})
    assert [(part.name, part.count) for part in table.slices] == [("a", 3), ("b", 12)]
    few, many = table.slices
    assert few.scores[0].value == pytest.approx(200 / 3)
    assert few.scores[0].interval is None
    assert many.scores[0].value == 50
    low, high = many.scores[0].interval
    assert 0 < low < 50 < high < 100
    assert table.metrics == ("F1", "twice")
    assert many.scores[1].value == 25


def test_f1_of_groups_counts_each_item_where_it_belongs():
    judged = [Judged(0, True, True), Judged(0, True, False), Judged(1, False, True), Judged(1, True, True)]
    table = f1_table("By letter", "spans", judged, ["a", "a", "a", "b"], ["b", "a", "c"], texts=2)
    assert [(part.name, part.count, *(score.value for score in part.scores)) for part in table.slices] == [
        ("b", 1, 100, 100, 100),
        ("a", 2, 50, 50, 50),
    ]
    assert table.metrics == ("precision", "recall", "F1")


def test_what_cannot_be_scored_has_no_value():
    judged = [Judged(0, gold=False, predicted=True), Judged(0, gold=True, predicted=False)]
    table = f1_table(
        "", "spans", judged, ["predicted only", "gold only"], ["predicted only", "gold only"], texts=1
    )
    values = {part.name: [score.value for score in part.scores] for part in table.slices}
    assert values == {"predicted only": [0, None, None], "gold only": [None, 0, 0]}
    assert score_table(table).count("nothing to score") == 3


def test_the_interval_of_all_is_that_of_the_report_and_precision_and_recall_have_their_own():
    judged = [Judged(number % 20, number % 3 > 0, number % 4 > 0) for number in range(100) if number % 12]
    (whole,) = f1_table("", "spans", judged, ["all"] * len(judged), ["all"], texts=20).slices
    right, predicted, gold = (
        [sum(test(item) for item in judged if item.text == text) for text in range(20)]
        for test in (
            lambda item: item.gold and item.predicted,
            lambda item: item.predicted,
            lambda item: item.gold,
        )
    )
    expected = prf(sum(right), sum(predicted), sum(gold))
    precision, recall, f1 = whole.scores
    assert (precision.value, recall.value, f1.value) == (expected.precision, expected.recall, expected.f1)
    assert f1.interval == f1_interval(right, predicted, gold)
    for score in whole.scores:
        assert score.interval[0] < score.value < score.interval[1]
    # Precision is the F1 of a world in which as much is gold as was predicted.
    assert precision.interval == f1_interval(right, predicted, predicted)
    assert recall.interval == f1_interval(right, gold, gold)
