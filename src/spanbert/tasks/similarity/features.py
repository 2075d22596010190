"""Pairs of texts as pieces: one sequence of both, or a sequence of each, and windows of long texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spanbert.errors import DataError, about
from spanbert.nn.batch import PieceBatch
from spanbert.tasks.long_text import pair_windows, sequence, text_windows
from spanbert.tasks.similarity.examples import SimilarityExample
from spanbert.tasks.similarity.settings import SimilaritySettings
from spanbert.text.tokenizer import Pieces, Tokenizer
from spanbert.text.windows import Window

SCORES = "scores"
"""Name of the loss on scores."""
CONTRAST = "contrast"
"""Name of the loss on pairs among the texts of a batch."""
ENCODE_CHUNK = 1024


@dataclass(frozen=True, slots=True)
class Part:
    """A window of one of the two texts.

    Args:
        side: 0 for the first text of the pair, 1 for the second.
        pieces: of the whole text.
        window: which of them are read here and which it owns.
    """

    side: int
    pieces: Pieces
    window: Window

    @property
    def ids(self) -> NDArray[np.int32]:
        """The pieces read here, integers (P,)."""
        return self.pieces.ids[self.window.pieces.start : self.window.pieces.end]


@dataclass(frozen=True, slots=True)
class SimilarityFeature:
    """Encoder inputs of one pair: its sequences are computed together.

    Args:
        sequences: integers (P,) each; one that holds both texts, or one for each part.
        second_text_starts: where in each sequence the second text of a pair in one sequence begins.
        parts: what is read of the texts; a text that has fewer windows than its partner is left out in later
            features of `bi`.
        score: from 0 to 1; None without gold.
        positive: whether contrast takes the texts for partners.
    """

    sequences: tuple[NDArray[np.int32], ...]
    second_text_starts: tuple[int, ...]
    parts: tuple[Part, ...]
    score: float | None = None
    positive: bool = False

    @property
    def piece_count(self) -> int:
        """Pieces in all sequences, special ones included."""
        return sum(map(len, self.sequences))


@dataclass(frozen=True)
class SimilarityBatch:
    """Features as tensors.

    Args:
        pieces: the encoder's input, all sequences of all features one after another.
        sequence_counts: how many sequences each feature has.
        scores: (N,) from 0 to 1, one a feature; None without gold or where contrast is learned.
        same_texts: for contrast, booleans (N, N): whether features i and j share their first or their second
            text, or the first text of i is the second of j; None where scores are learned.
    """

    pieces: PieceBatch
    sequence_counts: tuple[int, ...]
    scores: Tensor | None = None
    same_texts: Tensor | None = None

    @property
    def target_counts(self) -> dict[str, int]:
        """One target a pair, in a batch with gold."""
        if self.same_texts is not None:
            return {CONTRAST: len(self.same_texts)}
        return {} if self.scores is None else {SCORES: len(self.scores)}

    def to(self, device: torch.device) -> SimilarityBatch:
        """The same batch on another device."""
        scores, same = (None if one is None else one.to(device) for one in (self.scores, self.same_texts))
        return SimilarityBatch(self.pieces.to(device), self.sequence_counts, scores, same)


def collate(features: Sequence[SimilarityFeature]) -> SimilarityBatch:
    """Features as one packed batch."""
    ids = [one for feature in features for one in feature.sequences]
    starts = [one for feature in features for one in feature.second_text_starts]
    segments = [
        (np.arange(len(one)) >= start).astype(np.int32) for one, start in zip(ids, starts, strict=True)
    ]
    counts = tuple(len(feature.sequences) for feature in features)
    scores = same = None
    if all(feature.positive for feature in features):
        same = _same_texts(features)
    elif all(feature.score is not None for feature in features):
        scores = torch.tensor([feature.score for feature in features])
    return SimilarityBatch(PieceBatch.packed(ids, segments), counts, scores, same)


def _same_texts(features: Sequence[SimilarityFeature]) -> Tensor:
    """The booleans (N, N) of a batch for contrast."""
    numbers: dict[bytes, int] = {}
    texts = [
        [numbers.setdefault(one.tobytes(), len(numbers)) for one in feature.sequences] for feature in features
    ]
    first, second = torch.tensor(texts).unbind(dim=1)
    return (first[:, None] == first) | (second[:, None] == second) | (first[:, None] == second)


class PairEncoder:
    """Cuts pairs into pieces and lays them out."""

    def __init__(self, tokenizer: Tokenizer, settings: SimilaritySettings) -> None:
        self.tokenizer = tokenizer
        self.settings = settings

    def encode(self, examples: Sequence[SimilarityExample]) -> list[tuple[Pieces, Pieces]]:
        """Pieces of both texts of each example."""
        texts = [text for example in examples for text in (example.text1, example.text2)]
        cut = self.tokenizer.encode_many(texts)
        return list(zip(cut[::2], cut[1::2], strict=True))

    def features(self, first: Pieces, second: Pieces) -> list[SimilarityFeature]:
        """All windows of a pair: the n-th feature has the n-th window of each text.

        In one sequence the texts share the window (`pair_windows`).

        Raises:
            DataError: a text is too long and `on_long` is `error`.
        """
        if self.settings.mode == "cross":
            return self._together(first, second)
        room = self.settings.window_pieces - 2
        sides = [text_windows(text, room, self.settings) for text in (first, second)]
        found = []
        for number in range(max(map(len, sides))):
            parts = tuple(
                Part(side, text, cut[number])
                for side, (text, cut) in enumerate(zip((first, second), sides, strict=True))
                if number < len(cut)
            )
            sequences = tuple(sequence(self.tokenizer, part.ids) for part in parts)
            found.append(SimilarityFeature(sequences, tuple(map(len, sequences)), parts))
        return found

    def _together(self, first: Pieces, second: Pieces) -> list[SimilarityFeature]:
        found = []
        for left, right in pair_windows(first, second, self.settings.window_pieces - 3, self.settings):
            parts = Part(0, first, left), Part(1, second, right)
            ids = sequence(self.tokenizer, *(part.ids for part in parts))
            found.append(SimilarityFeature((ids,), (len(parts[0].ids) + 2,), parts))
        return found


class SimilarityTrainingSet:
    """Pairs with gold: those with a score, or for contrast those that belong together.

    Raises:
        DataError: no pair can be learned from.
    """

    def __init__(
        self, examples: Iterable[SimilarityExample], tokenizer: Tokenizer, settings: SimilaritySettings
    ) -> None:
        self.settings = settings
        self.lost_gold: dict[str, int] = Counter()
        self.found: list[SimilarityFeature] = []
        self._encoder = PairEncoder(tokenizer, settings)
        usable = [example for example in examples if self._is_usable(example)]
        for begin in range(0, len(usable), ENCODE_CHUNK):
            self._add(usable[begin : begin + ENCODE_CHUNK])
        if not self.found:
            lost = (
                ", ".join(f"{count} x {reason}" for reason, count in self.lost_gold.items()) or "it is empty"
            )
            raise DataError(f"no pair of the training data can be learned from: {lost}")

    def _is_usable(self, example: SimilarityExample) -> bool:
        if self.settings.learns_contrast:
            low = example.score is not None and self._scaled(example.score) < self.settings.positive_from
            self.lost_gold["pairs scored below positive_from"] += low
            return not low
        self.lost_gold["pairs without a score"] += example.score is None
        return example.score is not None

    def _scaled(self, score: float) -> float:
        low, high = self.settings.scale
        return (score - low) / (high - low)

    def _add(self, examples: Sequence[SimilarityExample]) -> None:
        for example, (first, second) in zip(examples, self._encoder.encode(examples), strict=True):
            with about(f"pair {example.id!r}"):
                features = self._encoder.features(first, second)
            self.lost_gold["pairs of which training reads the first window alone"] += len(features) > 1
            if self.settings.learns_contrast:
                self.found.append(replace(features[0], positive=True))
            else:
                assert example.score is not None
                self.found.append(replace(features[0], score=self._scaled(example.score)))

    def epoch(self, seed: int, epoch: int) -> list[SimilarityFeature]:
        """The features of an epoch; batches are what differs between epochs."""
        return self.found
