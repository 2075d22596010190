import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanbert.scoring.f1 import prf
from spanbert.scoring.thresholds import best_f1_threshold
from spanbert.tasks.classification.calibrate import calibrated
from spanbert.tasks.classification.decode import decode
from spanbert.tasks.classification.examples import ClassificationExample
from spanbert.tasks.classification.features import ClassificationFeature, TextWindow
from spanbert.tasks.classification.settings import ClassificationSettings

FEATURE = ClassificationFeature((TextWindow(np.zeros(3, dtype=np.int32), 3),), 6)


def judged(scores, golds, chosen):
    examples = [ClassificationExample(number, "a", None, gold) for number, gold in enumerate(golds)]
    outputs = np.column_stack([scores, np.zeros(len(scores))]).astype(np.float32)
    return examples, [
        decode(example, [FEATURE], [row], chosen) for example, row in zip(examples, outputs, strict=True)
    ]


def test_overconfident_scores_are_cooled():
    rng = np.random.default_rng(0)
    labels = ("a", "b")
    chosen = ClassificationSettings(kind="one", labels=labels)
    scores = np.stack([np.full(2000, 5.0), np.zeros(2000)], axis=1)  # 99.3 % sure, right in 80 %
    golds = [labels[int(draw > 0.8)] for draw in rng.random(2000)]
    fitted = calibrated(*judged(scores, golds, chosen), chosen)
    _, made = judged(scores[:1], ["a"], fitted)
    assert made[0].probability == pytest.approx(np.mean([gold == "a" for gold in golds]), abs=0.01)


def test_several_labels_get_a_threshold_for_micro_f1():
    chosen = ClassificationSettings(kind="several", labels=("a", "b"))
    scores = np.array([[-1.0, -3.0], [-1.2, -3.0], [-0.8, -2.5], [-3.0, -2.6]])
    examples, made = judged(scores, [("a",), ("a",), ("a",), ()], chosen)
    assert all(not prediction.labels for prediction in made)
    fitted = calibrated(examples, made, chosen)
    assert [prediction.labels for prediction in judged(scores, [()] * 4, fitted)[1]] == [("a",)] * 3 + [()]


def test_numbers_need_no_fitting():
    chosen = ClassificationSettings(kind="number", labels=("score",))
    assert calibrated(*judged(np.ones((2, 1)), ["1", "2"], chosen), chosen) == chosen


@settings(max_examples=60, deadline=None)
@given(
    cells=st.lists(
        st.tuples(st.sampled_from([0.0, 0.1, 0.4, 0.5, 0.9, 1.0]), st.booleans()), min_size=1, max_size=12
    )
)
def test_no_threshold_beats_the_one_that_is_chosen(cells):
    chances, truth = np.array([[chance] for chance, _ in cells]), np.array([[right] for _, right in cells])

    def f1(threshold):
        given_labels = chances > threshold
        return prf((given_labels & truth).sum(), given_labels.sum(), truth.sum()).f1

    if truth.any():
        best = max(f1(threshold) for threshold in (0.05, 0.2, 0.45, 0.7, 0.95))
        assert f1(best_f1_threshold(chances, truth)) >= best
    else:
        assert best_f1_threshold(chances, truth) == 0.5
