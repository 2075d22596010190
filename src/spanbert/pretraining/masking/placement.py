"""Putting spans of units into sequences without overlap, for all sequences of a batch at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from spanbert.pretraining.masked_spans import MaskedSpans
from spanbert.pretraining.masking.lengths import LengthLaw
from spanbert.pretraining.randomness import SampleRandom, Stream
from spanbert.pretraining.sequences import Units

TRIES = 12
"""Random starts for one span before the places that are left are counted out."""


class Placement:
    """Spans chosen so far, and what they leave open.

    Args:
        units: what spans are made of.
        apart: whether the neighbours of a span stay visible.
        longest: the most units of a span.
    """

    def __init__(self, units: Units, *, apart: bool, longest: int) -> None:
        self.units = units
        self.apart = apart
        self.masked = np.zeros(len(units.counts), dtype=np.int64)
        """Units masked in each sequence."""
        self._offsets = np.arange(longest)
        # Closed units behind the last one spare the check for the end.
        self._closed = np.concatenate([units.fixed, np.ones(longest, dtype=np.bool_)])
        self._chosen: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]] = []

    def put(
        self, rows: NDArray[np.int64], starts: NDArray[np.int64], lengths: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Add the spans that fit, at most one for each row.

        Args:
            rows: integers, distinct sequences.
            starts: integers, first unit of each span.
            lengths: integers, units of each span.

        Returns:
            Booleans: which were added.
        """
        within = self._offsets < lengths[:, None]
        cells = starts[:, None] + self._offsets
        closed = self._closed[np.where(within, cells, starts[:, None])]
        fits: NDArray[np.bool_] = np.logical_not(np.logical_or.reduce(closed, axis=1))
        rows, starts, ends = rows[fits], starts[fits], starts[fits] + lengths[fits]
        self._closed[cells[fits][within[fits]]] = True
        if self.apart:
            self._closed[starts - 1] = True
            self._closed[ends] = True
        self.masked[rows] += ends - starts
        self._chosen.append((rows, self.units.starts[starts], self.units.starts[ends]))
        return fits

    def open_starts(self, row: int, length: int) -> NDArray[np.int64]:
        """Units of a sequence at which a span of `length` units would fit."""
        first, last = self.units.first[row], self.units.first[row + 1]
        closed = np.concatenate([[0], np.cumsum(self._closed[first:last])])
        found: NDArray[np.int64] = first + np.flatnonzero(closed[length:] == closed[:-length])
        return found

    def spans(self) -> MaskedSpans:
        """All spans, in the order of the text."""
        empty = np.zeros(0, dtype=np.int64)
        rows, starts, ends = (
            np.concatenate(parts) for parts in zip((empty,) * 3, *self._chosen, strict=True)
        )
        order = np.argsort(starts)
        return MaskedSpans(rows[order], starts[order], ends[order])


def place(
    placement: Placement, law: LengthLaw, budget: NDArray[np.floating[Any]], random: SampleRandom
) -> None:
    """Fill sequences with spans of random length at random places until their budget is spent.

    A length is drawn and kept until a uniform start fits it, so lengths follow the law exactly, wherever a
    span of that length still fits. Whether another span is begun is decided by what is left of the budget,
    before its length is known: the expected number of masked units is the budget, no word is cut, and (by
    Wald's identity) the last span does not bend the law. Where a sequence is shorter than the longest span,
    the law is that of the lengths that fit. The expected share of masked pieces is that of masked words, but
    for the words at both ends of a sequence, which fewer spans reach.

    Args:
        placement: is added to.
        law: of the lengths.
        budget: (S,) expected units to mask in each sequence, those already masked included.
        random: numbers of the samples.
    """
    units = placement.units
    maskable = units.maskable
    longest = np.minimum(maskable, law.longest)
    done = np.zeros(len(maskable), dtype=np.int64)
    drawn = np.zeros(len(maskable), dtype=np.int64)
    failures = np.zeros(len(maskable), dtype=np.int64)
    rows = np.flatnonzero(maskable)
    turn = 0
    while len(rows):
        left = budget[rows] - placement.masked[rows]
        near = np.flatnonzero(left < law.longest)  # elsewhere another span is certain
        if len(near):
            ending = rows[near]
            chance = law.chance_of_another(left[near], longest[ending])
            again = random.uniform(Stream.STOP, done[ending], ending) < chance
            rows = np.delete(rows, near[~again])
        lengths = law.draw(random.uniform(Stream.LENGTH, drawn[rows], rows), longest[rows])
        chance = random.uniform(Stream.START, turn, rows)
        starts = units.first[rows] + (chance * units.counts[rows]).astype(np.int64)
        fits = placement.put(rows, starts, lengths)
        done[rows[fits]] += 1
        drawn[rows[fits]] += 1
        failures[rows[fits]] = 0
        failures[rows[~fits]] += 1
        late = np.flatnonzero(failures[rows] >= TRIES)
        chance = random.uniform(Stream.PLACE, turn, rows[late])  # the last start is known not to fit
        for row, length, number in zip(rows[late], lengths[late], chance, strict=True):
            failures[row] = 0
            drawn[row] += 1
            places = placement.open_starts(row, length)
            if len(places):
                one = np.asarray([row])
                placement.put(one, places[[int(number * len(places))]], np.asarray([length]))
                done[row] += 1
            else:  # only shorter spans fit from here on
                longest[row] = length - 1
        rows = rows[longest[rows] > 0]
        turn += 1


def choose_units(units: Units, share: float, random: SampleRandom, *, apart: bool) -> MaskedSpans:
    """Spans of one unit each, uniformly chosen.

    Args:
        units: to choose from.
        share: of all units but the special ones, the expected part to be masked.
        random: numbers of the samples.
        apart: whether neighbours of a masked unit stay visible.
    """
    budget = share * units.real
    if not apart:
        return _each_for_itself(units, budget, random)
    placement = Placement(units, apart=True, longest=1)
    place(placement, LengthLaw((1.0,)), budget, random)
    return placement.spans()


def _each_for_itself(units: Units, budget: NDArray[np.floating[Any]], random: SampleRandom) -> MaskedSpans:
    """Uniformly chosen units; neighbours may both be masked.

    A sequence's budget of b units is met by floor(b) or ceil(b) of them, by b in expectation. Units are drawn
    again until enough different ones were met, all that a sequence lacks at once.

    Args:
        units: to choose from.
        budget: (S,) expected units to mask in each sequence; no more are than may be.
        random: numbers of the samples.
    """
    sequences = np.arange(len(budget))
    whole = np.floor(budget + random.uniform(Stream.STOP, 0, sequences)).astype(np.int64)
    wanted = np.minimum(whole, units.maskable)
    chosen = np.zeros(len(units.fixed), dtype=np.bool_)
    drawn = np.zeros(len(budget), dtype=np.int64)
    missing = wanted
    while missing.any():
        rows = np.repeat(sequences, missing)
        nth = np.arange(len(rows)) - np.repeat(np.cumsum(missing) - missing, missing)
        chance = random.uniform(Stream.START, drawn[rows] + nth, rows)
        met = units.first[rows] + (chance * units.counts[rows]).astype(np.int64)
        chosen[met] = True
        chosen[units.fixed] = False
        drawn = drawn + missing
        missing = wanted - np.add.reduceat(chosen, units.first[:-1], dtype=np.int64)
    found = np.flatnonzero(chosen)
    rows = np.searchsorted(units.first, found, side="right") - 1
    return MaskedSpans(rows, units.starts[found], units.starts[found + 1])
