"""Scores against the official scorer of SemEval-2010 task 8 and against cases counted by hand."""

import json
from pathlib import Path

import numpy as np
import pytest

from spanbert.errors import DataError
from spanbert.tasks.relations.decode import decode
from spanbert.tasks.relations.metrics import RelationTable, confusion, says_direction, score
from spanbert.tasks.relations.settings import RelationSettings

OFFICIAL = json.loads(Path(__file__).with_name("official_scores.json").read_text("utf-8"))


@pytest.fixture
def scored(pair):
    """The report of (gold, predicted) pairs, each of a text of its own."""

    def made(outcomes, settings):
        examples, predictions = [], []
        for number, (gold, label) in enumerate(outcomes):
            text = f"ada likes rome {number}"
            examples.append(pair(text, "ada", "rome", gold, name=number))
            names = label if isinstance(label, tuple) else (label,)
            scores = np.asarray(
                [5.0 if name in names else -5.0 for name in settings.labels], dtype=np.float32
            )
            predictions.append(decode(examples[-1], len(text), scores, settings))
        return score(examples, predictions, settings)

    return made


def one(*labels, negative=""):
    return RelationSettings(kind="one", labels=labels, negative=negative)


def test_the_official_scores_of_semeval_2010_are_reproduced(scored):
    labels = OFFICIAL["labels"]
    outcomes = [
        ((gold,), predicted)
        for gold, row in zip(labels, OFFICIAL["confusion"], strict=True)
        for predicted, count in zip(labels, row, strict=True)
        for _ in range(count)
    ]
    report = scored(outcomes, one(*sorted(labels), negative="Other"))
    assert report.primary == "macro_f1"
    assert report.primary_value == pytest.approx(OFFICIAL["macro_f1"], abs=0.005)
    micro = [report.values[f"micro_{name}"] for name in ("precision", "recall", "f1")]
    assert micro == pytest.approx(OFFICIAL["micro"], abs=0.005)
    assert report.values["accuracy"] == pytest.approx(OFFICIAL["accuracy"], abs=0.005)
    found = report.details["relations"]
    assert found.keys() == OFFICIAL["relations"].keys()
    for name, official in OFFICIAL["relations"].items():
        values = [found[name][value] for value in ("precision", "recall", "f1")]
        assert values == pytest.approx(official, abs=0.0051), name
    low, high = report.details["macro_f1_interval_95"]
    assert low < report.primary_value < high
    assert high - low < 5
    assert report.details["confusion"]["Cause-Effect(e1,e2)"]["Cause-Effect(e2,e1)"] == 14
    assert report.details["confusion"]["Other"]["Other"] == 163


def test_a_wrong_direction_costs_precision_and_recall(scored):
    right, wrong = "A-B(e1,e2)", "A-B(e2,e1)"
    outcomes = [((right,), right), ((right,), wrong), ((wrong,), "Other")]
    report = scored(outcomes, one("Other", right, wrong, negative="Other"))
    row = report.details["relations"]["A-B"]
    assert (row["right"], row["predicted"], row["gold"]) == (1, 2, 3)
    assert report.values["macro_f1"] == pytest.approx(100 * 2 * 1 / (2 + 3), abs=1e-3)
    assert set(report.details["relations_with_direction"]) == {right, wrong}


def test_micro_f1_leaves_out_the_negative_class(scored):
    outcomes = [
        (("a",), "a"),
        (("a",), "no_relation"),
        (("no_relation",), "b"),
        ((), "no_relation"),
        (("b",), "a"),
    ]
    report = scored(outcomes, one("a", "b", "no_relation", negative="no_relation"))
    assert report.primary == "micro_f1"
    assert report.values["micro_precision"] == pytest.approx(100 / 3, abs=1e-3)
    assert report.values["micro_recall"] == pytest.approx(100 / 3, abs=1e-3)
    assert report.values["macro_f1"] == pytest.approx((50 + 0) / 2)
    assert report.values["accuracy"] == pytest.approx(40.0)
    assert report.details["confusion"] == {
        "a": {"a": 1, "no_relation": 1},
        "b": {"a": 1},
        "no_relation": {"b": 1, "no_relation": 1},
    }


def test_macro_f1_is_over_relations_with_gold():
    outcomes = [(frozenset({"a"}), frozenset({"a"})), (frozenset(), frozenset({"b"}))]
    table = RelationTable(outcomes, ignore_direction=False)
    assert table.macro_f1() == 100.0
    counts = [table.to_json()["b"][name] for name in ("right", "predicted", "gold")]
    assert counts == [0, 1, 0]
    nothing = RelationTable([(frozenset(), frozenset())], ignore_direction=True)
    assert nothing.macro_f1() == 0.0
    assert nothing.macro_f1_interval() == (0.0, 0.0)


def test_relations_that_the_model_does_not_know_count_as_missed_and_are_named(scored):
    report = scored([(("new",), "a"), (("a",), "a")], one("a", "b"))
    assert report.values["micro_recall"] == 50.0
    assert report.lost_gold == {"relations that the model does not know: new": 1}


def test_with_several_relations_each_pair_counts_once(pair):
    settings = RelationSettings(kind="several", labels=("a", "b", "c"))
    examples = [pair("ada likes rome", "ada", "rome", (name,), name=name) for name in ("a", "b")]
    scores = np.asarray([5.0, -5.0, 5.0], dtype=np.float32)
    report = score(examples, [decode(example, 14, scores, settings) for example in examples], settings)
    assert report.counts["pairs"] == 1
    assert (report.values["micro_precision"], report.values["micro_recall"]) == (50.0, 50.0)
    assert report.details["confusion"] == {"a": {"a": 1}, "b": {"c": 1}}


def test_unmatched_relations_stand_against_none():
    found = confusion([(frozenset({"a", "b"}), frozenset({"c"})), (frozenset(), frozenset({"a"}))], "none")
    assert found == {"a": {"c": 1}, "b": {"none": 1}, "none": {"a": 1}}


def test_direction_is_seen_in_labels_that_all_say_it():
    assert says_direction(one("A(e1,e2)", "B(e2,e1)"))
    assert says_direction(one("A(e1,e2)", "Other", negative="Other"))
    assert not says_direction(one("A(e1,e2)", "Other"))
    assert not says_direction(one("A(e1,e2)", "B"))
    assert not says_direction(one("Other", negative="Other"))


def test_nothing_to_score_is_an_error(scored):
    with pytest.raises(DataError, match="relation"):
        scored([(None, "a")], one("a", "b"))
