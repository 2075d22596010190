import logging

import numpy as np
import pytest

from spanbert.errors import DataError, SettingsError
from spanbert.tasks.classification.examples import ClassificationExample
from spanbert.tasks.classification.labels import learned
from spanbert.tasks.classification.settings import ClassificationSettings


def learn(*golds, **settings):
    examples = [ClassificationExample(number, "a text", None, gold) for number, gold in enumerate(golds)]
    return learned(examples, ClassificationSettings(**settings))


def test_one_label_each_sorted():
    found = learn("b", "a", None, "b")
    assert (found.kind, found.labels, found.label_weights) == ("one", ("a", "b"), ())


def test_a_list_means_several():
    found = learn(("b", "a"), (), "c")
    assert (found.kind, found.labels) == ("several", ("a", "b", "c"))


@pytest.mark.parametrize("golds", [("1", "2.5", "4"), (1.5, "2", 3.0)])
def test_numbers_with_a_decimal_place_are_predicted_as_numbers(golds):
    found = learn(*golds)
    values = np.array([float(gold) for gold in golds])
    assert (found.kind, found.labels) == ("number", ("score",))
    assert (found.mean, found.deviation) == pytest.approx((values.mean(), values.std()))


def test_whole_numbers_are_classes_and_that_is_said(caplog):
    with caplog.at_level(logging.WARNING):
        assert learn("0", "1", "0", "1").kind == "one"
        assert not caplog.records
        assert learn("1", "2", "5").labels == ("1", "2", "5")
    assert "kind = number" in caplog.text
    assert learn("1", "2", "5", kind="number").mean == pytest.approx(8 / 3)


def test_balanced_weights_make_all_labels_count_alike():
    found = learn("a", "a", "a", "b", balanced=True)
    weights = dict(zip(found.labels, found.label_weights, strict=True))
    assert 3 * weights["a"] == pytest.approx(1 * weights["b"]) == pytest.approx(2)
    several = learn(("a",), ("a",), ("a", "b"), (), balanced=True)
    assert several.label_weights == (pytest.approx(1 / 3, abs=1e-6), 3.0)


@pytest.mark.parametrize(
    ("golds", "settings", "error", "message"),
    [
        ((None,), {}, DataError, "the data has none"),
        (("a", "a"), {}, DataError, "all texts have the label 'a'"),
        ((("a", "b"), "a"), {"kind": "one"}, DataError, "text 0 has 2 labels, exactly one"),
        (("1", "x"), {"kind": "number"}, DataError, "text 1 has the label 'x', a number is needed"),
        (("2.5", "2.5"), {}, DataError, "the same number, 2.5"),
        ((0.1,) * 7, {}, DataError, "the same number, 0.1"),
        (("3,5", "4", "2,25"), {}, DataError, "look like numbers with a decimal comma"),
        (("1.5", "2", "n/a", "3"), {}, DataError, "3 of 4 labels are numbers, but text 2 has 'n/a'"),
        (("a", "c"), {"labels": ("a", "b")}, SettingsError, r"labels that the settings do not name: \['c'\]"),
    ],
)
def test_data_that_cannot_be_learned_from(golds, settings, error, message):
    with pytest.raises(error, match=message):
        learn(*golds, **settings)


def test_labels_may_be_said_beforehand():
    assert learn("a", labels=("b", "a")).labels == ("b", "a")


def test_numbers_beside_words_may_be_names_of_classes():
    assert learn("1.5", "2", "n/a", "3", kind="one").labels == ("1.5", "2", "3", "n/a")
    assert learn("1.5", "2", "low", "high").kind == "one"  # as many words as numbers


def test_labels_that_look_like_lists_and_rare_ones_are_told_of(caplog):
    with caplog.at_level(logging.WARNING):
        learn("good;extra", "bad;extra", "good", "bad", "good")
    told = [record.getMessage() for record in caplog.records]
    assert told == [
        "labels such as 'good;extra' are taken as they stand; label_separator = ';' would part them",
        "3 of 4 labels have a single text: ['bad', 'bad;extra', 'good;extra']",
    ]
