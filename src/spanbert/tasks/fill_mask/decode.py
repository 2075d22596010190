"""Scores of pieces to fills of masks: readable texts, lengths compared, the whole text filled."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from spanbert.tasks.fill_mask.examples import (
    Fill,
    FilledMask,
    FillMaskExample,
    FillMaskPrediction,
    HiddenPiece,
)
from spanbert.tasks.fill_mask.features import Ask, FillMaskFeature, MaskedText
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

    Fills of different lengths are ranked by the geometric mean of their pieces' chances. A mask of one piece
    has the chances of its pieces with the other masks hidden; in the filled text such masks are filled one
    after the other, so that they fit each other.

    Args:
        example: the text.
        features: all that was asked of it.
        outputs: `FillMaskOutput.results` of each.
        settings: how many fills are given; of candidates, all are.
    """
    found = _Findings(example)
    for feature, output in zip(features, outputs, strict=True):
        found.add(feature, output)
    most = len(example.candidates) or settings.fills
    masks = tuple(
        FilledMask(mask.chars, found.ranked(number)[:most]) for number, mask in enumerate(example.masks)
    )
    best = {number: mask.fills[0].text for number, mask in enumerate(masks) if mask.fills}
    windows = {feature.window for feature in features if len(feature.window)}
    return FillMaskPrediction(
        example.id,
        _filled(example, best | found.fitting),
        masks,
        tuple(found.hidden),
        len(windows),
        _covered(features[0].text, windows),
    )


class _Findings:
    """What the model said to one text, gathered by mask."""

    def __init__(self, example: FillMaskExample) -> None:
        self.example = example
        self.fills: dict[int, dict[str, float]] = defaultdict(dict)
        """Mask -> fill -> probability."""
        self.fitting: dict[int, str] = {}
        """Mask -> its fill where masks were filled one after the other."""
        self.chosen: dict[int, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
        """Mask -> candidate -> log probabilities of its pieces."""
        self.hidden: list[HiddenPiece] = []

    def add(self, feature: FillMaskFeature, output: NDArray[np.float64]) -> None:
        """Take in one output by what it answers."""
        if feature.ask is Ask.SCORE:
            self.hidden += [HiddenPiece(float(one), int(rank)) for one, rank in output.T]
        elif feature.ask is Ask.CHOOSE:
            for candidate, one in zip(feature.candidates, output.tolist(), strict=True):
                self.chosen[feature.masks[0]][candidate].append(one)
        elif feature.ask is Ask.SPAN:
            for ids, log_probabilities in output:
                self._offer(feature.masks[0], _text(feature, ids), log_probabilities)
        elif feature.ask is Ask.TOGETHER:
            for mask, piece_id in zip(feature.masks, output[0, 0], strict=True):
                self.fitting[mask] = _text(feature, [piece_id])
        else:
            for ids, log_probabilities in output:
                for mask, piece_id, one in zip(feature.masks, ids, log_probabilities, strict=True):
                    self._offer(mask, _text(feature, [piece_id]), [one])

    def ranked(self, mask: int) -> tuple[Fill, ...]:
        """The fills of a mask, best first, equals by their text."""
        for candidate, log_probabilities in self.chosen[mask].items():
            self._offer(mask, self.example.candidates[candidate], log_probabilities)
        found = sorted(self.fills[mask].items(), key=lambda item: (-item[1], item[0]))
        return tuple(Fill(text, probability) for text, probability in found)

    def _offer(self, mask: int, text: str, log_probabilities: Sequence[float] | NDArray[np.float64]) -> None:
        probability = math.exp(np.mean(log_probabilities))
        if probability > self.fills[mask].get(text, 0.0):
            self.fills[mask][text] = probability


def _text(feature: FillMaskFeature, ids: Iterable[float]) -> str:
    return readable([feature.vocabulary.pieces[int(piece_id)] for piece_id in ids])


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


def _filled(example: FillMaskExample, fills: Mapping[int, str]) -> str:
    """The text with each mask's fill in its place; a mask without one stays as it is written."""
    parts = []
    done = 0
    for number, mask in enumerate(example.masks):
        written = example.text[mask.chars.start : mask.chars.end]
        parts += [example.text[done : mask.chars.start], fills.get(number, written)]
        done = mask.chars.end
    return "".join([*parts, example.text[done:]])


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
