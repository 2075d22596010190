"""A known temperature is found again; the calibration error is what its definition says."""

import numpy as np
import pytest

from spanbert.scoring.calibration import (
    expected_calibration_error,
    fit_class_temperature,
    fit_temperature,
    softmax,
)


def test_softmax_takes_infinite_scores_and_large_ones():
    assert softmax(np.array([-np.inf, 0.0, 0.0])).tolist() == [0.0, 0.5, 0.5]
    assert softmax(np.array([1000.0, 1000.0 + np.log(3)])) == pytest.approx([0.25, 0.75])
    assert softmax(np.array([[0.0, np.log(3)], [5.0, 5.0]]), 1.0)[0] == pytest.approx([0.25, 0.75])
    assert softmax(np.array([0.0, 2 * np.log(3)]), temperature=2.0) == pytest.approx([0.25, 0.75])


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5, 8.0])
def test_the_temperature_that_made_the_data_is_found(temperature):
    rng = np.random.default_rng(0)
    scores = [temperature * 2.0 * rng.normal(size=rng.integers(2, 6)) for _ in range(8000)]
    right = [rng.random() < softmax(row, temperature).max() for row in scores]
    assert fit_temperature(scores, right) == pytest.approx(temperature, rel=0.08)


def test_a_model_right_half_as_often_as_it_says_is_cooled_down():
    rng = np.random.default_rng(1)
    scores = [np.array([5.0, 0.0]) for _ in range(500)]  # says 0.993
    right = list(rng.random(500) < 0.7)
    temperature = fit_temperature(scores, right)
    assert softmax(scores[0], temperature).max() == pytest.approx(np.mean(right), abs=0.01)


def test_where_nothing_can_be_fitted_the_temperature_is_one():
    assert fit_temperature([], []) == 1.0
    assert fit_temperature([np.array([1.0, 2.0])] * 3, [True] * 3) == 1.0
    assert fit_temperature([np.array([1.0, 2.0])] * 3, [False] * 3) == 1.0


def test_calibration_error_of_a_worked_example():
    confidence = [0.95, 0.91, 0.99, 0.95, 0.55, 0.52, 1.0, 0.0]
    right = [True, True, False, True, False, True, True, False]
    # bins: [0.9, 1.0] holds 5 with mean 0.96 and accuracy 0.8; [0.5, 0.6) 2 with 0.535 and 0.5; [0, 0.1) 1
    assert expected_calibration_error(confidence, right) == pytest.approx(
        100 * (5 / 8 * abs(0.96 - 0.8) + 2 / 8 * abs(0.535 - 0.5) + 1 / 8 * 0.0)
    )


def test_calibration_error_at_the_ends():
    assert expected_calibration_error([], []) == 0.0
    assert expected_calibration_error([1.0, 1.0], [True, True]) == 0.0
    assert expected_calibration_error([1.0, 1.0], [False, False]) == 100.0


@pytest.mark.parametrize("temperature", [0.3, 1.0, 8.0])
def test_the_temperature_that_drew_the_classes_is_found(temperature):
    rng = np.random.default_rng(0)
    scores = temperature * 2.0 * rng.normal(size=(8000, 4))
    gold = np.array([rng.choice(4, p=row) for row in softmax(scores, temperature)])
    assert fit_class_temperature(scores, gold) == pytest.approx(temperature, rel=0.08)


def test_chances_of_few_classes_are_never_worse_than_none_at_all():
    """Nine of eleven right by scores that hardly differ: sharpened, the two wrong ones would cost more."""
    scores = np.tile([0.02, 0.01, 0.0], (11, 1))
    gold = np.array([0] * 9 + [2] * 2)
    chances = softmax(scores, fit_class_temperature(scores, gold))
    assert -np.log(chances[np.arange(11), gold]).mean() < np.log(3)


@pytest.mark.parametrize("few", [0, 1, 5])
def test_a_few_right_ones_do_not_make_certain(few):
    scores = np.tile([1.0, 0.0], (few, 1))
    temperature = fit_class_temperature(scores, np.zeros(few, dtype=int))
    assert 0.3 < temperature <= 1.0
