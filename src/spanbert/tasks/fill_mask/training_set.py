"""Training data of fill-mask: texts whose pieces are hidden anew each epoch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np

from spanbert.errors import DataError, about
from spanbert.tasks.fill_mask.examples import NOTHING_TO_HIDE, FillMaskExample
from spanbert.tasks.fill_mask.features import Ask, FillMaskFeature
from spanbert.tasks.fill_mask.layout import EncodedExample, FillMaskEncoder
from spanbert.tasks.fill_mask.settings import FillMaskSettings
from spanbert.text.tokenizer import Tokenizer
from spanbert.text.windows import Window


class FillMaskTrainingSet:
    """Texts with gold, their pieces hidden anew each epoch.

    Every hidden piece becomes [MASK], as it is in prediction; Wettig et al. 2023 ("Should You Mask 15% in
    Masked Language Modeling?") gain nothing by showing some as random or unchanged pieces.

    Raises:
        DataError: no text has a piece to hide.
    """

    def __init__(
        self, examples: Iterable[FillMaskExample], tokenizer: Tokenizer, settings: FillMaskSettings
    ) -> None:
        self.encoder = FillMaskEncoder(tokenizer, settings)
        self.lost_gold: Counter[str] = Counter()
        self.windows: list[tuple[EncodedExample, Window, list[int]]] = []
        for example in examples:
            if not example.has_gold:
                self.lost_gold["texts with masks but no answers"] += 1
                continue
            with about(example.name):
                self._add(self.encoder.encode(example))
        if not self.windows:
            raise DataError("training needs texts with pieces to hide, or masks with answers; there are none")

    def __len__(self) -> int:
        return len(self.windows)

    def _add(self, encoded: EncodedExample) -> None:
        windows = self.encoder.windows(encoded)
        self.lost_gold.update(self.encoder.lost_gold(encoded, windows))
        usable = [
            (encoded, window, masks)
            for window, masks in windows
            if self.encoder.hidden(encoded, window, masks, Ask.LEARN, np.random.default_rng(0))
        ]
        if not encoded.example.masks and not usable:
            self.lost_gold[NOTHING_TO_HIDE] += 1
        self.windows += usable

    def epoch(self, seed: int, epoch: int) -> list[FillMaskFeature]:
        """The features of one epoch, a pure function of (seed, epoch)."""
        found = []
        for index, (encoded, window, masks) in enumerate(self.windows):
            rng = np.random.default_rng((seed, epoch, index))
            found += self.encoder.hidden(encoded, window, masks, Ask.LEARN, rng)
        return found
