from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanbert.errors import DataError
from spanbert.workflows.hold_out import hold_out


@settings(max_examples=60, deadline=None)
@given(
    strata=st.lists(st.sampled_from("abcd"), min_size=20, max_size=120),
    share=st.sampled_from([0.1, 0.2, 0.5]),
    seed=st.integers(0, 9),
)
def test_every_class_gives_its_share_and_keeps_an_example(strata, share, seed):
    examples = list(range(len(strata)))
    kept, held = hold_out(examples, strata, share, seed)
    assert sorted(kept + held) == examples
    assert kept == sorted(kept)
    assert held == sorted(held)
    every, parts = Counter(strata), Counter(strata[number] for number in held)
    for stratum, count in every.items():
        assert parts[stratum] < count
        assert abs(parts[stratum] - share * count) <= 1.5 or count < 5
    assert (kept, held) == hold_out(examples, strata, share, seed)


def test_many_small_classes_give_the_whole_share_together():
    strata = [number // 2 for number in range(200)]  # a hundred classes of two
    _, held = hold_out(strata, strata, 0.2, 0)
    assert len(held) == 40


def test_the_seed_decides():
    examples = list(range(50))
    same = [None] * 50
    assert hold_out(examples, same, 0.2, 0)[1] != hold_out(examples, same, 0.2, 1)[1]
    assert len(hold_out(examples, same, 0.2, 0)[1]) == 10


def test_too_few_examples_are_refused():
    with pytest.raises(DataError, match="2 training examples are too few to hold a part out"):
        hold_out(["x", "y"], ["a", "b"], 0.2, 0)


def test_the_only_example_of_a_class_is_trained_on():
    kept, held = hold_out(range(10), ["rare", *["common"] * 9], 0.8, 0)
    assert 0 in kept
    assert len(held) == 8


def test_what_small_classes_cannot_give_is_not_taken_from_others():
    strata = [*map(str, range(40)), *["a"] * 10]
    assert [strata[number] for number in hold_out(range(50), strata, 0.2, 0)[1]] == ["a", "a"]
    unlike = [*map(str, range(30)), *["x"] * 20, *["y"] * 20]
    held = [unlike[number] for number in hold_out(range(70), unlike, 0.2, 0)[1]]
    assert (held.count("x"), held.count("y"), len(held)) == (4, 4, 8)
