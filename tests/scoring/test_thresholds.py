"""The threshold above which labels are given."""

import numpy as np
import pytest

from spanbert.scoring.thresholds import best_f1_threshold


def test_the_best_threshold_lies_between_scores_and_never_parts_equals():
    chances = np.asarray([[0.9], [0.6], [0.6], [0.2]])
    assert best_f1_threshold(chances, np.asarray([[True], [True], [False], [False]])) == pytest.approx(0.4)
    assert best_f1_threshold(chances, np.asarray([[True], [False], [False], [False]])) == pytest.approx(0.75)
    assert best_f1_threshold(chances, np.zeros((4, 1), dtype=bool)) == 0.5
    assert best_f1_threshold(chances, np.ones((4, 1), dtype=bool)) == pytest.approx(0.1)
