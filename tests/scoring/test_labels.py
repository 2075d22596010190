import numpy as np
import pytest

from spanbert.scoring.labels import fit_labels, label_chances


def test_chances_of_one_label_sum_to_one_and_soften_with_temperature():
    scores = np.array([[2.0, 0.0, -1.0]], dtype=np.float32)
    sharp, soft = (label_chances(scores, temperature, several=False) for temperature in (1.0, 10.0))
    assert sharp.sum() == pytest.approx(1)
    assert sharp[0, 0] > soft[0, 0] > 1 / 3


def test_chances_of_several_labels_are_each_their_own():
    chances = label_chances(np.array([[0.0, np.log(3.0)]]), 1.0, several=True)
    assert chances == pytest.approx(np.array([[0.5, 0.75]]))


def test_overconfident_scores_get_a_temperature_above_one():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 400)
    guessed = np.where(rng.random(400) < 0.6, labels, (labels + 1) % 3)  # right in six of ten
    truth = np.eye(3, dtype=bool)[labels]
    fitted = fit_labels(8.0 * np.eye(3)[guessed], truth, several=False)
    chance = label_chances(8.0 * np.eye(3)[:1], fitted["temperature"], several=False).max()
    assert fitted.keys() == {"temperature"}
    assert chance == pytest.approx((guessed == labels).mean(), abs=0.02)


def test_with_several_labels_the_threshold_parts_right_from_wrong():
    scores = np.array([[3.0, -1.0], [0.5, 2.0], [-2.0, 0.4]])
    truth = np.array([[True, False], [False, True], [False, False]])
    fitted = fit_labels(scores, truth, several=True)
    given = label_chances(scores, fitted["temperature"], several=True) > fitted["threshold"]
    assert (given == truth).all()
