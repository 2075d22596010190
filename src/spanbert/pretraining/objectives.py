"""The named objectives: which spans are hidden, and what is predicted of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from spanbert.errors import SettingsError
from spanbert.pretraining.masking import (
    GeometricSpans,
    GivenSpans,
    LengthLaw,
    MaskingScheme,
    SinglePieces,
    WholeWords,
)
from spanbert.pretraining.masking.lengths import LONGEST_SPAN, SPAN_P
from spanbert.pretraining.masking.scheme import check_share

MASKED_LM = "masked_lm"
GLOBAL = "global_masked_lm"
LOCAL = "local_masked_lm"
BOUNDARY = "boundary"
NEXT_SENTENCE = "next_sentence"


@dataclass(frozen=True)
class Objective:
    """What a pretraining run predicts.

    Args:
        schemes: name of a masked-LM loss -> the spans whose pieces it averages over; a later scheme takes of
            what the earlier ones leave open.
        boundary: whether the pieces of the first scheme's spans are predicted from the spans' neighbours too.
        next_sentence: whether samples are pairs of texts, and whether the second follows the first is
            predicted (BERT's second objective, Devlin et al. 2019, section 3.1).
        final_budget: where the budget of the schemes goes, in a straight line over the run.
    """

    schemes: Mapping[str, MaskingScheme]
    boundary: bool = False
    next_sentence: bool = False
    final_budget: float | None = None

    @property
    def losses(self) -> tuple[str, ...]:
        """Names of the losses, each averaged over its own targets; the total is their sum."""
        heads = {BOUNDARY: self.boundary, NEXT_SENTENCE: self.next_sentence}
        return (*self.schemes, *(name for name, wanted in heads.items() if wanted))

    @property
    def budget(self) -> float:
        """Share of the pieces that are masked, at the beginning of a run."""
        return sum(scheme.budget for scheme in self.schemes.values())

    @property
    def predictions(self) -> float:
        """Expected predictions over the vocabulary for each piece read, over the run."""
        budgets = [scheme.budget for scheme in self.after(0.5).schemes.values()]
        return sum(budgets) + (budgets[0] if self.boundary else 0.0)

    def after(self, progress: float) -> Objective:
        """As it is when a share of the run's updates is made."""
        if self.final_budget is None:
            return self
        return self.with_budget(self.budget + progress * (self.final_budget - self.budget))

    def with_budget(self, budget: float) -> Objective:
        """With another share of the pieces to mask, spread over the schemes as before."""
        schemes = {
            loss: replace(scheme, budget=budget * scheme.budget / self.budget)  # type: ignore[type-var]
            for loss, scheme in self.schemes.items()
        }
        return replace(self, schemes=schemes)


OBJECTIVES: dict[str, Objective] = {
    # SpanBERT (Joshi et al. 2020): geometric spans, masked LM and span boundary objective
    "spanbert": Objective({MASKED_LM: GeometricSpans()}, boundary=True),
    # the same spans without the boundary objective
    "spans": Objective({MASKED_LM: GeometricSpans()}),
    # spans for local context, single pieces for global context, half of the budget each
    "global-local": Objective({LOCAL: GeometricSpans(budget=0.075), GLOBAL: SinglePieces(budget=0.075)}),
    # spans from a file, geometric ones where there are none, with the boundary objective
    "given-spans": Objective({MASKED_LM: GivenSpans()}, boundary=True),
    # BERT's two maskings, each word or piece chosen for itself
    "whole-words": Objective({MASKED_LM: WholeWords(apart=False)}),
    "subwords": Objective({MASKED_LM: SinglePieces(apart=False)}),
}


def objective(
    name: str,
    *,
    budget: float | None = None,
    final_budget: float | None = None,
    pairs: bool = False,
    p: float | None = None,
    longest: int | None = None,
) -> Objective:
    """The objective of a name, with what of its masking is to be another.

    Args:
        name: of `OBJECTIVES`.
        budget: share of the pieces to mask.
        final_budget: the share to end with, if it is to change over the run.
        pairs: samples are pairs of texts.
        p: of the geometric law of span lengths.
        longest: span, in words.

    Raises:
        SettingsError: no such objective, a value outside its range, or a law for an objective without spans.
    """
    if name not in OBJECTIVES:
        raise SettingsError(f"unknown objective {name!r}: choose one of {', '.join(OBJECTIVES)}")
    found = replace(OBJECTIVES[name], next_sentence=pairs)
    if not (p is None and longest is None):
        law = LengthLaw.geometric(SPAN_P if p is None else p, LONGEST_SPAN if longest is None else longest)
        found = _with_lengths(found, name, law)
    for share in (budget, final_budget):
        if share is not None:
            check_share(share)
    found = replace(found, final_budget=final_budget)
    return found if budget is None else found.with_budget(budget)


def _with_lengths(found: Objective, name: str, law: LengthLaw) -> Objective:
    """Spans by another law, where lengths are drawn."""
    schemes = {
        loss: replace(scheme, law=law) if isinstance(scheme, GeometricSpans | GivenSpans) else scheme
        for loss, scheme in found.schemes.items()
    }
    if not any(isinstance(one, GeometricSpans | GivenSpans) for one in schemes.values()):
        raise SettingsError(f"{name} draws no span lengths: leave --span-p and --longest-span out")
    return replace(found, schemes=schemes)
