import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanbert.tasks.classification.decode import decode, probabilities, reconsider
from spanbert.tasks.classification.examples import ClassificationExample
from spanbert.tasks.classification.features import ClassificationFeature, TextWindow
from spanbert.tasks.classification.settings import ClassificationSettings

LABELS = ("a", "b", "c")
EXAMPLE = ClassificationExample("x", "a text")
FEATURE = ClassificationFeature((TextWindow(np.zeros(3, dtype=np.int32), 3),), 6)


def made(*outputs, **values):
    chosen = ClassificationSettings(**{"kind": "one", "labels": LABELS, **values})
    rows = [np.asarray(row, dtype=np.float32) for row in outputs]
    return decode(EXAMPLE, [FEATURE] * len(rows), rows, chosen)


def test_one_label_with_its_probability_and_the_likeliest_others():
    found = made([0, 2, 1, 0], top=2)
    chances = np.exp([0, 2, 1]) / np.exp([0, 2, 1]).sum()
    assert found.to_json() == {
        "id": "x",
        "label": "b",
        "probability": round(float(chances[1]), 6),
        "top": [
            {"label": "b", "probability": round(float(chances[1]), 6)},
            {"label": "c", "probability": round(float(chances[2]), 6)},
        ],
        "windows": 1,
        "covered_chars": 6,
    }


def test_windows_count_by_their_weights():
    even = made([3, 0, 0, 0], [0, 1, 0, 0])
    assert even.scores.tolist() == [1.5, 0.5, 0.0]
    assert even.windows == 2
    first = made([3, 0, 0, np.log(3)], [0, 1, 0, 0])
    assert first.scores.tolist() == pytest.approx([2.25, 0.25, 0.0])


def test_several_labels_are_those_above_the_threshold_likeliest_first():
    found = made([1, -3, 2, 0], kind="several", threshold=0.6)
    assert found.labels == ("c", "a")
    assert found.label == "c"
    assert [one.label for one in found.top] == ["c", "a", "b"]
    assert found.probabilities.tolist() == pytest.approx((1 / (1 + np.exp([-1, 3, -2]))).tolist())
    none = made([-1, -3, -2, 0], kind="several")
    assert none.labels == ()
    assert none.label is None
    assert none.to_json()["labels"] == []


def test_a_number_is_in_the_unit_of_the_data():
    found = made([1.5, 0], kind="number", labels=("score",), mean=10.0, deviation=2.0)
    assert found.to_json() == {"id": "x", "score": 13.0, "windows": 1, "covered_chars": 6}
    assert found.label is found.probability is None


@settings(max_examples=40, deadline=None)
@given(
    scores=st.lists(st.floats(-30, 30, width=32), min_size=3, max_size=3),
    kind=st.sampled_from(["one", "several"]),
    temperature=st.floats(0.05, 20),
)
def test_deciding_anew_is_deciding_at_once_and_never_reorders(scores, kind, temperature):
    chosen = ClassificationSettings(kind=kind, labels=LABELS, temperature=temperature)
    once = made([*scores, 0], kind=kind, temperature=temperature)
    again = reconsider(made([*scores, 0], kind=kind), chosen)
    assert again == once
    chances = probabilities(again.scores, chosen)
    assert np.all(np.diff(chances[np.argsort(again.scores, kind="stable")]) >= 0)
    if kind == "one":
        assert chances.sum() == pytest.approx(1)
