import json
from dataclasses import replace

import numpy as np
import pytest

from spanbert.errors import DataError
from spanbert.tasks.classification.decode import decode
from spanbert.tasks.classification.examples import ClassificationExample
from spanbert.tasks.classification.features import ClassificationFeature, TextWindow
from spanbert.tasks.classification.metrics import score
from spanbert.tasks.classification.settings import ClassificationSettings

FEATURE = ClassificationFeature((TextWindow(np.zeros(3, dtype=np.int32), 3),), 6)
LABELS = ("a", "b", "c")
metrics = pytest.importorskip("sklearn.metrics")


def scored(golds, table, **values):
    chosen = ClassificationSettings(**{"kind": "one", "labels": LABELS, **values})
    examples = [
        ClassificationExample(number, f"text {number}", None, gold) for number, gold in enumerate(golds)
    ]
    rows = np.column_stack([table, np.zeros(len(golds))]).astype(np.float32)
    made = [decode(one, [FEATURE], [row], chosen) for one, row in zip(examples, rows, strict=True)]
    report = score(examples, made, chosen)
    json.dumps(report.to_json(), allow_nan=False)
    return report, made


def random_job(count=80, seed=1):
    rng = np.random.default_rng(seed)
    golds = rng.choice(LABELS, count, p=[0.6, 0.3, 0.1]).tolist()
    table = rng.normal(size=(count, 3))
    table[np.arange(count), [LABELS.index(gold) for gold in golds]] += 1
    return golds, table


def test_one_label_equals_scikit_learn():
    golds, table = random_job()
    report, made = scored(golds, table)
    predicted = [one.label for one in made]
    assert report.primary == "accuracy"
    assert report.values["accuracy"] == pytest.approx(
        100 * metrics.accuracy_score(golds, predicted), abs=1e-3
    )
    assert report.values["micro_f1"] == report.values["accuracy"]
    macro = metrics.f1_score(golds, predicted, average="macro")
    assert report.values["macro_f1"] == pytest.approx(100 * macro, abs=1e-3)
    chances = np.stack([one.probabilities for one in made])
    assert report.values["loss"] == pytest.approx(metrics.log_loss(golds, chances, labels=LABELS), abs=1e-5)
    theirs = metrics.confusion_matrix(golds, predicted, labels=LABELS)
    assert report.details["confusion"] == {"labels": list(LABELS), "counts": theirs.tolist()}
    recall = metrics.recall_score(golds, predicted, labels=["c"], average=None)[0]
    assert report.details["per_label"]["c"]["recall"] == pytest.approx(100 * recall, abs=1e-3)
    low, high = report.details["accuracy_interval_95"]
    assert low < report.values["accuracy"] < high


def test_the_most_confident_errors_come_first():
    report, made = scored(["a", "a", "b"], [[0, 1, 0], [0, 5, 0], [0, 9, 0]])
    errors = report.details["most_confident_errors"]
    assert [(one["id"], one["gold"], one["predicted"]) for one in errors] == [
        (1, ["a"], ["b"]),
        (0, ["a"], ["b"]),
    ]
    assert errors[0]["text"] == "text 1"
    assert errors[0]["probability"] == pytest.approx(made[1].probability, abs=1e-5)


def test_several_labels_equal_scikit_learn():
    rng = np.random.default_rng(2)
    truth = rng.random((60, 3)) < [0.5, 0.3, 0.1]
    table = rng.normal(size=(60, 3)) + 2 * truth - 1
    golds = [tuple(name for name, on in zip(LABELS, row, strict=True) if on) for row in truth]
    report, made = scored(golds, table, kind="several")
    predicted = np.array([[name in one.labels for name in LABELS] for one in made])
    assert report.primary == "micro_f1"
    for average in ("micro", "macro"):
        value = metrics.f1_score(truth, predicted, average=average)
        assert report.values[f"{average}_f1"] == pytest.approx(100 * value, abs=1e-3)
    exact = metrics.accuracy_score(truth, predicted)
    assert report.values["accuracy"] == pytest.approx(100 * exact, abs=1e-3)
    low, high = report.details["micro_f1_interval_95"]
    assert low < report.values["micro_f1"] < high


def test_numbers_have_correlations_and_errors_in_their_own_unit():
    golds = ["1", "2", "3", "4.5", None]
    table = np.array([[-1.0], [0.0], [-0.5], [1.5], [0.0]])
    report, made = scored(golds, table, kind="number", labels=("score",), mean=2.0, deviation=2.0)
    values = [one.value for one in made]
    assert values == [0.0, 2.0, 1.0, 5.0, 2.0]
    assert report.primary == "pearson"
    expected = np.corrcoef(values[:4], [1, 2, 3, 4.5])[0, 1]
    assert report.values["pearson"] == pytest.approx(100 * expected, abs=1e-3)
    assert report.values["spearman"] == pytest.approx(80.0)
    assert report.values["mean_absolute_error"] == pytest.approx((1 + 0 + 2 + 0.5) / 4)
    assert report.counts["texts_without_label"] == 1
    assert report.details["largest_errors"][0] == {"id": 2, "text": "text 2", "gold": 3.0, "predicted": 1.0}


def test_unknown_labels_count_as_missed_and_are_reported():
    report, _ = scored(["a", "z"], [[1, 0, 0], [1, 0, 0]])
    assert report.values["accuracy"] == 50
    assert report.lost_gold == {"texts with a label that the model does not know, counted as wrong": 1}
    assert report.details["per_label"]["z"]["recall"] == 0
    assert report.details["confusion"]["labels"] == ["a", "b", "c", "z"]


@pytest.mark.parametrize(
    ("golds", "values", "message"),
    [
        ([None], {}, "no text of the data has a label"),
        (["x"], {}, r"the data has the labels \['x'\], the model knows \['a', 'b', 'c'\]"),
        ([("a", "b")], {}, "text 0 has 2 labels"),
        (
            ["x"],
            {"kind": "number", "labels": ("score",)},
            "text 0 has the label 'x'; the model gives numbers",
        ),
    ],
)
def test_data_that_cannot_be_scored(golds, values, message):
    with pytest.raises(DataError, match=message):
        scored(golds, np.zeros((1, len(values.get("labels", LABELS)))), **values)


def test_texts_of_several_windows_are_counted():
    golds, table = random_job(4)
    _, made = scored(golds, table)
    chosen = ClassificationSettings(kind="one", labels=LABELS)
    examples = [ClassificationExample(number, "t", None, gold) for number, gold in enumerate(golds)]
    long = [replace(made[0], windows=3), *made[1:]]
    assert score(examples, long, chosen).counts["texts_of_several_windows"] == 1
