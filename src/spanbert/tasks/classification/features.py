"""Texts and pairs as pieces: one feature a window for prediction, all windows of a text for training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spanbert.errors import DataError, about
from spanbert.nn.batch import PieceBatch
from spanbert.tasks.classification.examples import ClassificationExample, as_number
from spanbert.tasks.classification.labels import check_pair, label_names
from spanbert.tasks.classification.settings import ClassificationSettings
from spanbert.tasks.long_text import covered_chars, pair_windows, sequence, text_windows
from spanbert.text.tokenizer import Pieces, Tokenizer

LABELS = "labels"
"""Name of the loss."""
ENCODE_CHUNK = 1024

Target = np.int64 | NDArray[np.float32] | np.float32


@dataclass(frozen=True, slots=True)
class TextWindow:
    """One encoder input: [CLS] text [SEP], or [CLS] text [SEP] second text [SEP].

    Args:
        piece_ids: integers (P,).
        second_start: where the second text begins; P without one.
    """

    piece_ids: NDArray[np.int32]
    second_start: int

    def __len__(self) -> int:
        return len(self.piece_ids)


@dataclass(frozen=True, slots=True)
class ClassificationFeature:
    """Windows of one text that are scored together.

    Args:
        windows: at least one.
        covered_chars: characters of the text that all of its windows read.
        target: number of the right label, 0 or 1 for each of several labels (L,), or the number in standard
            deviations from the mean; None without gold.
    """

    windows: tuple[TextWindow, ...]
    covered_chars: int
    target: Target | None = None

    @property
    def piece_count(self) -> int:
        """Pieces in all windows, special ones included."""
        return sum(map(len, self.windows))


@dataclass(frozen=True)
class ClassificationBatch:
    """Features as tensors.

    Args:
        pieces: the encoder's input, W windows.
        owners: integers (W,), which text each window is of.
        texts: how many texts, T.
        targets: integers (T,), or numbers (T, L) or (T,); None without gold.
    """

    pieces: PieceBatch
    owners: Tensor
    texts: int
    targets: Tensor | None

    @property
    def target_counts(self) -> dict[str, int]:
        """One target a text, or with several labels one for each label of it."""
        return {} if self.targets is None else {LABELS: self.targets.numel()}

    def to(self, device: torch.device) -> ClassificationBatch:
        """The same batch on another device."""
        targets = None if self.targets is None else self.targets.to(device)
        return ClassificationBatch(self.pieces.to(device), self.owners.to(device), self.texts, targets)


def collate(features: Sequence[ClassificationFeature]) -> ClassificationBatch:
    """Features as one packed batch."""
    windows = [window for feature in features for window in feature.windows]
    owners = [number for number, feature in enumerate(features) for _ in feature.windows]
    segments = [(np.arange(len(window)) >= window.second_start).astype(np.int32) for window in windows]
    targets = None
    if all(feature.target is not None for feature in features):
        targets = torch.from_numpy(np.stack([np.asarray(feature.target) for feature in features]))
    pieces = PieceBatch.packed([window.piece_ids for window in windows], segments)
    return ClassificationBatch(pieces, torch.tensor(owners), len(features), targets)


class TextEncoder:
    """Cuts texts into pieces and lays them out in windows."""

    def __init__(self, tokenizer: Tokenizer, settings: ClassificationSettings) -> None:
        self.tokenizer = tokenizer
        self.settings = settings

    def windows(
        self, examples: Sequence[ClassificationExample]
    ) -> Iterable[tuple[ClassificationExample, tuple[TextWindow, ...], int]]:
        """Each example with its windows and how many of its characters they read.

        Raises:
            DataError: a text is too long and `on_long` is `error`; the text is named.
        """
        pieces = self.tokenizer.encode_many([example.text for example in examples])
        pairs = iter(self.tokenizer.encode_many([one.pair for one in examples if one.pair is not None]))
        for example, first in zip(examples, pieces, strict=True):
            check_pair(example, self.settings)
            with about(f"text {example.id!r}"):
                if example.pair is None:
                    yield example, *self._single(example.text, first)
                else:
                    yield example, *self._paired(example.text, first, example.pair, next(pairs))

    def _single(self, text: str, pieces: Pieces) -> tuple[tuple[TextWindow, ...], int]:
        found = text_windows(pieces, self.settings.window_pieces - 2, self.settings)
        made = (sequence(self.tokenizer, pieces.ids[one.pieces.start : one.pieces.end]) for one in found)
        return tuple(TextWindow(ids, len(ids)) for ids in made), covered_chars(text, pieces, found)

    def _paired(
        self, text: str, first: Pieces, pair: str, second: Pieces
    ) -> tuple[tuple[TextWindow, ...], int]:
        """Windows of both texts side by side (`pair_windows`)."""
        read = pair_windows(first, second, self.settings.window_pieces - 3, self.settings)
        made = []
        for one, two in ((left.pieces, right.pieces) for left, right in read):
            ids = sequence(self.tokenizer, first.ids[one.start : one.end], second.ids[two.start : two.end])
            made.append(TextWindow(ids, len(one) + 2))
        covered = covered_chars(text, first, [left for left, _ in read])
        return tuple(made), covered + covered_chars(pair, second, [right for _, right in read])


def features(
    examples: Sequence[ClassificationExample], tokenizer: Tokenizer, settings: ClassificationSettings
) -> list[list[ClassificationFeature]]:
    """For each example a feature a window, without targets. Raises DataError that names the text."""
    return [
        [ClassificationFeature((window,), read) for window in windows]
        for _, windows, read in TextEncoder(tokenizer, settings).windows(examples)
    ]


def target_of(settings: ClassificationSettings) -> Callable[[ClassificationExample], Target]:
    """How the gold of an example becomes its training target."""
    numbers = {name: number for number, name in enumerate(settings.labels)}

    def one(example: ClassificationExample) -> Target:
        assert example.gold is not None
        return np.int64(numbers[label_names(example.gold)[0]])

    def several(example: ClassificationExample) -> Target:
        assert example.gold is not None
        found = np.zeros(len(numbers), dtype=np.float32)
        found[[numbers[name] for name in label_names(example.gold)]] = 1
        return found

    def number(example: ClassificationExample) -> Target:
        value = as_number(example.gold)
        assert value is not None
        return np.float32((value - settings.mean) / settings.deviation)

    return {"one": one, "several": several, "number": number}[settings.decided]


class ClassificationTrainingSet:
    """Texts with gold as features, each with all windows of its text or as many as one pass reads.

    Raises:
        DataError: no example has gold.
    """

    def __init__(
        self,
        examples: Iterable[ClassificationExample],
        tokenizer: Tokenizer,
        settings: ClassificationSettings,
    ) -> None:
        given = list(examples)
        labelled = [example for example in given if example.gold is not None]
        self.lost_gold: dict[str, int] = Counter()
        if len(labelled) < len(given):
            self.lost_gold["texts without a label"] = len(given) - len(labelled)
        if not labelled:
            raise DataError("training needs texts with labels; the data has none")
        self.most_windows = settings.training_windows
        self.features: list[ClassificationFeature] = []
        encoder, target = TextEncoder(tokenizer, settings), target_of(settings)
        for begin in range(0, len(labelled), ENCODE_CHUNK):
            for example, windows, read in encoder.windows(labelled[begin : begin + ENCODE_CHUNK]):
                self.features.append(ClassificationFeature(windows, read, target(example)))

    def epoch(self, seed: int, epoch: int) -> list[ClassificationFeature]:
        """The features of one epoch, a pure function of (seed, epoch): which windows of very long texts."""
        return [self._drawn(feature, (seed, epoch, index)) for index, feature in enumerate(self.features)]

    def _drawn(self, feature: ClassificationFeature, key: tuple[int, int, int]) -> ClassificationFeature:
        count = len(feature.windows)
        if count <= self.most_windows:
            return feature
        drawn = np.random.default_rng(key).choice(count, self.most_windows, replace=False)
        windows = tuple(feature.windows[number] for number in sorted(drawn))
        return ClassificationFeature(windows, feature.covered_chars, feature.target)
