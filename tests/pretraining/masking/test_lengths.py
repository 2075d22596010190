import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbert.errors import SettingsError
from spanbert.pretraining.masking import LengthLaw

PUBLISHED = (0.2241, 0.1792, 0.1434, 0.1147, 0.0918, 0.0734, 0.0587, 0.0470, 0.0376, 0.0301)


def test_the_default_is_the_papers_law():
    law = LengthLaw.geometric()
    assert law.probabilities == pytest.approx(PUBLISHED, abs=5e-5)
    assert law.mean == pytest.approx(3.797, abs=5e-4)
    assert sum(law.probabilities) == pytest.approx(1)


def test_uniform_and_fixed_lengths():
    assert LengthLaw.geometric(0, 4).probabilities == (0.25,) * 4
    assert LengthLaw.geometric(1, 3).probabilities == (1, 0, 0)


@pytest.mark.parametrize(("p", "longest"), [(-0.1, 10), (1.1, 10), (0.2, 0)])
def test_laws_that_are_none(p, longest):
    with pytest.raises(SettingsError, match="span lengths"):
        LengthLaw.geometric(p, longest)


def test_drawn_lengths_follow_the_law():
    law = LengthLaw.geometric()
    uniform = (np.arange(100_000) + 0.5) / 100_000
    drawn = law.draw(uniform, np.full(len(uniform), 99))
    assert np.bincount(drawn, minlength=11)[1:] / len(uniform) == pytest.approx(law.probabilities, abs=2e-5)


def test_a_restricted_law_keeps_its_proportions():
    law = LengthLaw.geometric()
    uniform = (np.arange(100_000) + 0.5) / 100_000
    drawn = np.bincount(law.draw(uniform, np.full(len(uniform), 3)), minlength=11)
    assert drawn[4:].sum() == 0
    assert drawn[1:4] / len(uniform) == pytest.approx(np.divide(PUBLISHED[:3], sum(PUBLISHED[:3])), abs=1e-4)


@given(st.floats(0, 1, exclude_max=True), st.integers(1, 15))
def test_a_length_is_never_out_of_range(uniform, longest):
    drawn = LengthLaw.geometric().draw(np.asarray([uniform]), np.asarray([longest]))
    assert 1 <= drawn[0] <= min(longest, 10)


@given(st.floats(0.01, 1), st.integers(1, 12), st.integers(1, 12), st.integers(0, 30))
def test_the_chance_of_another_span_makes_the_budget_exact(p, longest, room, budget):
    law = LengthLaw.geometric(p, longest)
    fitting = LengthLaw.geometric(p, min(longest, room))  # what `draw` draws where `room` units are free
    expected = np.zeros(budget + 1)  # of units masked when `left` remain, by the rule itself
    for left in range(1, budget + 1):
        chance = law.chance_of_another(np.asarray([float(left)]), np.asarray([room]))[0]
        assert 0 <= chance <= 1 + 1e-12
        rest = sum(
            probability * expected[max(left - length, 0)]
            for length, probability in enumerate(fitting.probabilities, start=1)
        )
        expected[left] = chance * (fitting.mean + rest)
    assert expected == pytest.approx(np.arange(budget + 1))


def test_a_law_without_the_lengths_that_fit():
    law = LengthLaw((0.0, 0.0, 1.0))
    assert law.chance_of_another(np.asarray([0.5, 0.5]), np.asarray([1, 3])) == pytest.approx([0.5, 1 / 6])
