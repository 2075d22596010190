"""Span masking for somebody else's training loop: features in, tensors in Hugging Face's form out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spanbert.errors import DataError
from spanbert.pretraining.corruption import Corruption, UnigramLaw
from spanbert.pretraining.masking import GeometricSpans, MaskingScheme
from spanbert.pretraining.randomness import SampleRandom, number_of
from spanbert.pretraining.sequences import Sequences
from spanbert.text.tokenizer import SPECIAL_PIECES

IGNORED = -100
"""Label of pieces that no loss is asked for, as in PyTorch and transformers."""


class SpanMaskingCollator:
    """A `collate_fn` that masks spans; works in a PyTorch DataLoader and in transformers' Trainer.

    Masks depend on seed, epoch and the sample alone: on the number in the feature's `index` where it has one,
    else on its pieces. Call `set_epoch` before each pass to mask anew.

    Args:
        vocabulary: piece -> number, as a tokenizer's `get_vocab()`; pieces inside a word begin with `##`.
        scheme: which spans to hide.
        piece_counts: (V,) how often each piece occurs, the law of random pieces; all alike when left out.
        seed: of the masks.

    Raises:
        DataError: the vocabulary lacks one of BERT's special pieces.
    """

    def __init__(
        self,
        vocabulary: Mapping[str, int],
        *,
        scheme: MaskingScheme | None = None,
        piece_counts: NDArray[np.int64] | None = None,
        seed: int = 0,
    ) -> None:
        missing = [piece for piece in ("[PAD]", "[CLS]", "[SEP]", "[MASK]") if piece not in vocabulary]
        if missing:
            raise DataError(f"the vocabulary has no {', '.join(missing)}")
        size = max(vocabulary.values()) + 1
        special = [vocabulary[piece] for piece in SPECIAL_PIECES if piece in vocabulary]
        self.scheme = scheme or GeometricSpans()
        self.seed = seed
        self._epoch = torch.zeros(1, dtype=torch.int64)
        self._epoch.share_memory_()  # type: ignore[no-untyped-call]  # workers that persist see it change
        self.pad_id = vocabulary["[PAD]"]
        self._inside_word = np.zeros(size, dtype=np.bool_)
        self._inside_word[[number for piece, number in vocabulary.items() if piece.startswith("##")]] = True
        self._fixed = np.zeros(size, dtype=np.bool_)
        self._fixed[[vocabulary[piece] for piece in ("[PAD]", "[CLS]", "[SEP]")]] = True
        counts = np.ones(size, dtype=np.int64) if piece_counts is None else piece_counts
        self.corruption = Corruption(vocabulary["[MASK]"], UnigramLaw.of(counts, np.asarray(special)))

    @property
    def epoch(self) -> int:
        """The pass whose masks are made."""
        return int(self._epoch)

    def set_epoch(self, epoch: int) -> None:
        """Masks of another pass, in the workers of a loader too."""
        self._epoch.fill_(epoch)

    def __call__(self, features: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
        """Features with `input_ids` ([CLS] and [SEP] included) as one padded, masked batch.

        Args:
            features: padding is cut off (by the `attention_mask` where there is one, else each [PAD]);
                `token_type_ids` are kept.

        Returns:
            `input_ids`, `attention_mask` and `labels`, integers (B, P); labels are -100 at visible pieces;
            also `token_type_ids` where the first feature has some.

        Raises:
            DataError: there are no features, or one has no `input_ids`, none but padding, or such as are not
                in the vocabulary.
        """
        if not features:
            raise DataError("there is no feature to make a batch of")
        rows = [self._unpadded(feature, "input_ids", number) for number, feature in enumerate(features)]
        lengths = np.asarray([len(row) for row in rows], dtype=np.int64)
        ids = np.concatenate(rows)
        if ids.min() < 0 or ids.max() >= len(self._fixed):
            raise DataError(
                f"input_ids from {ids.min()} to {ids.max()}, but the vocabulary has the numbers from 0 to "
                f"{len(self._fixed) - 1}: they are of another tokenizer"
            )
        fixed = self._fixed[ids]
        fixed[np.cumsum(lengths) - lengths] = True
        fixed[np.cumsum(lengths) - 1] = True
        # A window that begins within a word begins with a unit of its own, else it would be one with [CLS].
        starts_word = ~self._inside_word[ids] | fixed | np.roll(fixed, 1)
        samples = np.asarray(
            [
                feature["index"] if "index" in feature else number_of(row)
                for feature, row in zip(features, rows, strict=True)
            ],
            dtype=np.int64,
        )
        sequences = Sequences(ids, starts_word, fixed, lengths, samples)
        random = SampleRandom(self.seed, self.epoch, samples)
        spans = self.scheme.choose(sequences, random)
        seen = self.corruption.apply(sequences, spans, random)
        labels = np.full(len(ids), IGNORED, dtype=np.int64)
        labels[spans.positions] = ids[spans.positions]
        shape = (len(rows), int(lengths.max()))
        real = np.arange(shape[1]) < lengths[:, None]
        padded = {
            "input_ids": np.full(shape, self.pad_id, dtype=np.int64),
            "attention_mask": real.astype(np.int64),
            "labels": np.full(shape, IGNORED, dtype=np.int64),
        }
        padded["input_ids"][real] = seen
        padded["labels"][real] = labels
        if "token_type_ids" in features[0]:
            kinds = [
                self._unpadded(feature, "token_type_ids", number) for number, feature in enumerate(features)
            ]
            padded["token_type_ids"] = np.zeros(shape, dtype=np.int64)
            padded["token_type_ids"][real] = np.concatenate(kinds)
        return {name: torch.from_numpy(values) for name, values in padded.items()}

    def _unpadded(self, feature: Mapping[str, Any], name: str, number: int) -> NDArray[np.int32]:
        """Values of a feature without those of padding."""
        if name not in feature:
            raise DataError(f"there is no {name}; found {', '.join(feature) or 'nothing'}", "feature", number)
        values = np.asarray(feature[name], dtype=np.int32)
        if "attention_mask" in feature:
            real = np.asarray(feature["attention_mask"], dtype=np.bool_)
        else:
            real = (values if name == "input_ids" else np.asarray(feature["input_ids"])) != self.pad_id
        if not real.any():
            raise DataError(f"its {name} are empty", "feature", number)
        return values[real]
