"""Scores of pieces to fills of masks: readable texts, lengths compared, the whole text filled."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spanbert.tasks.fill_mask.examples import (
    Fill,
    FilledMask,
    FillMaskExample,
    FillMaskPrediction,
    HiddenPiece,
)
from spanbert.tasks.fill_mask.features import Ask, Choice, FillMaskFeature, MaskedText, Opening
from spanbert.tasks.fill_mask.settings import FillMaskSettings
from spanbert.text.alignment import chars_of_pieces
from spanbert.text.spans import Span
from spanbert.text.words import joined

CLOSES = re.compile(r" (?=[.,;:!?%)\]}])|(?<=[(\[{]) ")
JOINS = re.compile(r"(?<=\w) (['’\-/]) (?=\w)")


def decode(
    example: FillMaskExample,
    features: Sequence[FillMaskFeature],
    outputs: Sequence[NDArray[np.float64]],
    settings: FillMaskSettings,
) -> FillMaskPrediction:
    """The best fills of every mask, and the text with all masks filled.

    The chance of a fill is the product of its pieces' chances, each given those before it. For a span it is
    divided by the number of lengths, none of which is held likelier beforehand. A mask of one piece has the
    chances of its pieces with the other masks hidden; in the filled text such masks are filled one after the
    other, so that they fit each other.

    Args:
        example: the text.
        features: all that was asked of it.
        outputs: `FillMaskOutput.results` of each.
        settings: how many fills are given; of candidates, all are.
    """
    found = _Findings(example, settings.longest_span)
    for feature, output in zip(features, outputs, strict=True):
        found.add(feature, output)
    most = len(example.candidates) or settings.fills
    ranked = [found.ranked(number)[:most] for number in range(len(example.masks))]
    masks = tuple(
        FilledMask(mask.chars, found.fills(number, best))
        for number, (mask, best) in enumerate(zip(example.masks, ranked, strict=True))
    )
    best = {number: fills[0] for number, fills in enumerate(ranked) if fills}
    windows = {feature.window for feature in features if len(feature.window)}
    return FillMaskPrediction(
        example.id,
        _filled(example, features[0].text, best | found.fitting),
        masks,
        tuple(found.hidden),
        len(windows),
        _covered(features[0].text, windows),
        features[0].text.lost_gold,
    )


class _Found(NamedTuple):
    """A fill.

    Args:
        text: to be put in the place of the mask.
        pieces: what it is made of, a candidate as it is given; with ## where it goes on with a word.
        log_probability: sum over its pieces.
    """

    text: str
    pieces: tuple[str, ...]
    log_probability: float


class _Findings:
    """What the model said to one text, gathered by mask."""

    def __init__(self, example: FillMaskExample, longest_span: int) -> None:
        self.example = example
        self.longest_span = longest_span
        self.offered: dict[int, dict[str, _Found]] = defaultdict(dict)
        """Mask -> text -> the likeliest fill that reads so."""
        self.fitting: dict[int, _Found] = {}
        """Mask -> its fill where masks were filled one after the other."""
        self.chosen: dict[int, dict[Choice, list[float]]] = defaultdict(lambda: defaultdict(list))
        """Mask -> candidate -> log probabilities of its pieces."""
        self.hidden: list[HiddenPiece] = []

    def add(self, feature: FillMaskFeature, output: NDArray[np.float64]) -> None:
        """Take in one output by what it answers."""
        if feature.ask is Ask.SCORE:
            self.hidden += [HiddenPiece(float(one), int(rank)) for one, rank in output.T]
        elif feature.ask is Ask.CHOOSE:
            for choice, one in zip(feature.choices, output.tolist(), strict=True):
                self.chosen[feature.masks[0]][choice].append(one)
        elif feature.ask is Ask.SPAN:
            for ids, log_probabilities in output:
                self._offer(feature.masks[0], _found(feature, ids, log_probabilities))
        elif feature.ask is Ask.TOGETHER:
            for mask, piece_id, one in zip(feature.masks, *output[0], strict=True):
                self.fitting[mask] = _found(feature, [piece_id], [one])
        else:
            for ids, log_probabilities in output:
                for mask, piece_id, one in zip(feature.masks, ids, log_probabilities, strict=True):
                    self._offer(mask, _found(feature, [piece_id], [one]))

    def ranked(self, mask: int) -> list[_Found]:
        """The fills of a mask, best first, equals by their text."""
        for choice, log_probabilities in self.chosen[mask].items():
            text = self.example.candidates[choice.candidate]
            self._offer(mask, _Found(text, ("##" * choice.goes_on + text,), sum(log_probabilities)))
        return sorted(self.offered[mask].values(), key=lambda found: (-found.log_probability, found.text))

    def fills(self, mask: int, found: Sequence[_Found]) -> tuple[Fill, ...]:
        """Fills of a mask with the probabilities that are shown."""
        lengths = 1
        if self.example.masks[mask].is_span:
            lengths = max([self.longest_span, *map(len, self.chosen[mask].values())])
        return tuple(
            Fill(one.text, math.exp(one.log_probability) / lengths, one.log_probability) for one in found
        )

    def _offer(self, mask: int, found: _Found) -> None:
        if math.isinf(found.log_probability):
            return  # more fills are wanted than there are, this one may not stand there
        known = self.offered[mask].setdefault(found.text, found)
        if found.log_probability > known.log_probability:
            self.offered[mask][found.text] = found


def _found(feature: FillMaskFeature, ids: Iterable[float], log_probabilities: Iterable[float]) -> _Found:
    pieces = tuple(feature.vocabulary.pieces[int(piece_id)] for piece_id in ids)
    return _Found(readable(pieces), pieces, float(sum(log_probabilities)))


def readable(pieces: Sequence[str]) -> str:
    """Pieces as text: words whole again, spaces where they are written, none around Chinese."""
    words: list[str] = []
    for piece in pieces:
        if piece.startswith("##") and words:
            words[-1] += piece[2:]
        else:
            words.append(piece.removeprefix("##"))
    text = joined(words)[0]
    return JOINS.sub(r"\1", CLOSES.sub("", text))


def _filled(example: FillMaskExample, text: MaskedText, fills: Mapping[int, _Found]) -> str:
    """The text with each mask's fill in its place; a mask without one stays as it is written.

    Fills of masks right behind each other are read together: what begins a word is set apart.
    """
    parts: list[str] = []
    together: list[_Found] = []
    done = 0
    for number, mask in enumerate(example.masks):
        if number not in fills:
            continue
        if not (together and done == mask.chars.start and text.openings[number] is Opening.EITHER):
            parts += [_read(together), example.text[done : mask.chars.start]]
            together = []
        together.append(fills[number])
        done = mask.chars.end
    return "".join([*parts, _read(together), example.text[done:]])


def _read(together: Sequence[_Found]) -> str:
    if len(together) == 1:
        return together[0].text
    return readable([piece for found in together for piece in found.pieces])


def _covered(text: MaskedText, windows: Iterable[Span]) -> int:
    """Characters that stand in windows, none counted twice."""
    covered = end = 0
    for window in sorted(windows):
        chars = chars_of_pieces(text.pieces, window)
        start = 0 if window.start == 0 else chars.start
        stop = len(text.text) if window.end == len(text.pieces) else chars.end
        covered += stop - max(start, end)
        end = stop
    return covered
