"""Spans that were chosen beforehand, such as entities or noun phrases, and geometric ones beside them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from spanbert.pretraining.masked_spans import MaskedSpans
from spanbert.pretraining.masking.lengths import LengthLaw
from spanbert.pretraining.masking.placement import Placement, place
from spanbert.pretraining.masking.scheme import check_share
from spanbert.pretraining.randomness import SampleRandom, Stream
from spanbert.pretraining.sequences import Sequences


@dataclass(frozen=True)
class GivenSpans:
    """Given spans for a share of the budget, spans by a law for the rest (Joshi et al. 2020, section 6.1).

    A given span that begins or ends within a word is grown to whole words. Where a sequence has too few given
    spans, the law fills its budget.

    Args:
        budget: share of the words (and so of the pieces) to mask, in expectation.
        share: of the budget that goes to given spans.
        law: of the lengths of the other spans, in words; the paper's comparison takes single words.
    """

    budget: float = 0.15
    share: float = 0.5
    law: LengthLaw = field(default_factory=lambda: LengthLaw((1.0,)))

    def __post_init__(self) -> None:
        check_share(self.budget)

    def choose(self, sequences: Sequences, random: SampleRandom) -> MaskedSpans:
        """Given spans in random order, then others."""
        words = sequences.words
        budget = self.budget * words.real
        starts, ends = sequences.given.T
        rows = sequences.rows_of(starts)
        first = np.searchsorted(words.starts, starts, side="right") - 1
        lengths = np.searchsorted(words.starts, ends, side="left") - first
        placement = Placement(words, apart=True, longest=int(max([self.law.longest, *lengths])))
        places = starts - sequences.starts[rows]
        key = random.uniform(Stream.ORDER, (places << 16) + (ends - starts), rows)
        order = np.lexsort((key, rows))
        turns = np.arange(len(rows)) - np.searchsorted(rows[order], rows[order])
        ended = np.zeros(len(budget), dtype=np.bool_)
        for turn in range(int(turns.max(initial=-1)) + 1):
            now = order[turns == turn]
            now = now[~ended[rows[now]]]
            left = (self.share * budget[rows[now]] - placement.masked[rows[now]]) / lengths[now]
            taken = random.uniform(Stream.SHARE, turn, rows[now]) < left
            placement.put(rows[now][taken], first[now][taken], lengths[now][taken])
            # The first refusal ends a sequence's share, which makes it exact in expectation.
            ended[rows[now][~taken]] = True
        place(placement, self.law, budget, random)
        return placement.spans()
