"""Scores of labelled spans: the shared-task script's, nervaluate's, and counts that a hand can check."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nervaluate import Evaluator

from spanbert.scoring.spans import SpanCounts, error_kind, paired
from spanbert.text.tags import spans_of_tags, tag_parts


def counted(*texts):
    counts = SpanCounts()
    for gold, predicted in texts:
        counts.add(gold, predicted)
    return counts


def of_tags(tags):
    return spans_of_tags([tag_parts(tag) for tag in tags.split()])


def test_the_widely_printed_example_of_conlleval_semantics():
    """One of two entities right: precision, recall and F1 are 50 %; MISC 0, PER 100."""
    counts = counted(
        (of_tags("O O O B-MISC I-MISC I-MISC O"), of_tags("O O B-MISC I-MISC I-MISC I-MISC O")),
        (of_tags("B-PER I-PER O"), of_tags("B-PER I-PER O")),
    )
    assert (counts.strict.precision, counts.strict.recall, counts.strict.f1) == (50, 50, 50)
    assert counts.of_labels()["MISC"] == {"precision": 0, "recall": 0, "f1": 0, "gold": 1}
    assert counts.of_labels()["PER"]["f1"] == 100
    assert counts.macro_f1() == 50
    assert (counts.exact.f1, counts.partial.f1) == (50, 75)


def test_counts_of_the_shared_task_script_give_its_percentages():
    """The script's documentation: 459 phrases, 539 found, 371 correct: 68.83, 80.83, 74.35."""
    gold = [(3 * number, 3 * number + 1, "NP") for number in range(459)]
    wrong = [(3 * number + 1, 3 * number + 2, "NP") for number in range(539 - 371)]
    strict = counted((gold, gold[:371] + wrong)).strict
    assert [round(value, 2) for value in (strict.precision, strict.recall, strict.f1)] == [
        68.83,
        80.83,
        74.35,
    ]


@st.composite
def flat_spans(draw):
    ends = sorted(draw(st.sets(st.integers(0, 14), max_size=10)))
    return [(start, end, draw(st.sampled_from("XY"))) for start, end in pairwise(ends) if draw(st.booleans())]


@given(texts=st.lists(st.tuples(flat_spans(), flat_spans()), min_size=1, max_size=3))
@settings(deadline=None, max_examples=150)
def test_on_flat_spans_strict_and_partial_are_those_of_nervaluate(texts):
    def listed(spans):
        return [{"label": label, "start": start, "end": end - 1} for start, end, label in spans]

    peer = Evaluator(
        [listed(gold) for gold, _ in texts], [listed(made) for _, made in texts], ["X", "Y"], loader="dict"
    ).evaluate()["overall"]
    counts = counted(*texts)
    for name, ours in (("strict", counts.strict), ("exact", counts.exact), ("partial", counts.partial)):
        theirs = peer[name]
        assert ours.precision == pytest.approx(100 * theirs.precision)
        assert ours.recall == pytest.approx(100 * theirs.recall)
        assert ours.f1 == pytest.approx(100 * theirs.f1)


def test_each_kind_of_error_is_told():
    gold = [(0, 2, "X"), (3, 5, "X"), (6, 8, "X"), (9, 11, "X"), (12, 13, "Y")]
    made = [(0, 2, "X"), (3, 5, "Y"), (6, 9, "X"), (10, 12, "Y"), (20, 21, "Y")]
    counts = counted((gold, made))
    assert counts.errors == {
        "right": 1,
        "type": 1,
        "boundary": 1,
        "type and boundary": 1,
        "missed": 1,
        "spurious": 1,
    }
    assert counts.confusion == {"X": {"X": 2, "Y": 2}, "Y": {"missed": 1}, "spurious": {"Y": 1}}


def test_nested_spans_are_paired_with_their_like_first():
    gold = [(0, 9, "X"), (0, 2, "Y")]
    assert paired(gold, [(0, 2, "Y")]) == [((0, 2, "Y"), (0, 2, "Y")), ((0, 9, "X"), None)]
    assert {error_kind(*pair) for pair in paired(gold, [(0, 2, "X"), (0, 8, "X")])} == {"type", "boundary"}


@given(
    gold=st.sets(st.tuples(st.integers(0, 5), st.integers(6, 12), st.sampled_from("XY")), max_size=8),
    made=st.sets(st.tuples(st.integers(0, 5), st.integers(6, 12), st.sampled_from("XY")), max_size=8),
)
@settings(deadline=None, max_examples=80)
def test_each_span_is_in_one_pair(gold, made):
    pairs = paired(gold, made)
    assert sorted(one for one, _ in pairs if one) == sorted(gold)
    assert sorted(other for _, other in pairs if other) == sorted(made)
    assert sum(one == other for one, other in pairs) == len(gold & made)


def test_the_interval_holds_the_value_and_no_gold_is_no_fault():
    texts = [([(0, 1, "X")], [(0, 1, "X")] if number % 3 else []) for number in range(60)]
    counts = counted(*texts)
    low, high = counts.f1_interval()
    assert low < counts.strict.f1 < high
    empty = counted(([], []))
    assert (empty.strict.f1, empty.macro_f1(), empty.f1_interval()) == (0, 0, (0, 0))
