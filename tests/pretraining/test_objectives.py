"""Objectives by name, and what of their masking can be another."""

import pytest

from spanbert.errors import SettingsError
from spanbert.pretraining.masking import LengthLaw
from spanbert.pretraining.objectives import OBJECTIVES, objective


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_budget_is_shared_as_before(name):
    schemes = objective(name, budget=0.3).schemes
    assert sum(scheme.budget for scheme in schemes.values()) == pytest.approx(0.3)
    assert schemes.keys() == OBJECTIVES[name].schemes.keys()
    assert objective(name) == OBJECTIVES[name]


@pytest.mark.parametrize(
    ("told", "law"),
    [
        ({"p": 0.4}, LengthLaw.geometric(0.4, 10)),
        ({"longest": 3}, LengthLaw.geometric(0.2, 3)),
        ({"p": 0.0, "longest": 5}, LengthLaw((0.2,) * 5)),
    ],
)
def test_span_lengths_by_another_law(told, law):
    for name in ("spanbert", "spans"):
        (scheme,) = objective(name, **told).schemes.values()
        assert scheme.law.probabilities == pytest.approx(law.probabilities)
    both = objective("global-local", budget=0.2, **told).schemes
    assert both["local_masked_lm"].law.longest == law.longest
    assert both["local_masked_lm"].budget == pytest.approx(0.1)
    assert both["global_masked_lm"] == objective("global-local", budget=0.2).schemes["global_masked_lm"]


@pytest.mark.parametrize("name", ["subwords", "whole-words"])
def test_what_draws_no_lengths_takes_no_law(name):
    with pytest.raises(SettingsError, match=f"{name} draws no span lengths"):
        objective(name, longest=3)


@pytest.mark.parametrize("budget", [0.0, 1.0, -0.1])
@pytest.mark.parametrize("which", ["budget", "final_budget"])
def test_a_budget_is_a_share(budget, which):
    with pytest.raises(SettingsError, match="masking budget"):
        objective("spans", **{which: budget})


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_budget_moves_over_the_run_in_a_straight_line(name):
    moving = objective(name, budget=0.3, final_budget=0.1)
    shares = [moving.after(progress).budget for progress in (0.0, 0.25, 0.5, 1.0)]
    assert shares == pytest.approx([0.3, 0.25, 0.2, 0.1])
    assert moving.predictions == pytest.approx(objective(name, budget=0.2).predictions)
    assert objective(name, final_budget=0.4).after(1.0).budget == pytest.approx(0.4)
    assert objective(name).after(0.5) == objective(name)
