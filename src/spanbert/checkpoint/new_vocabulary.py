"""An encoder of one vocabulary made ready for the pieces of another: a start for a new language or field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from spanbert.checkpoint.weights import WORD_EMBEDDINGS, StoredTensors

BIASES = ("cls.predictions.bias", "cls.pair_target_predictions.bias")


@dataclass(frozen=True)
class NewVocabulary:
    """How the pieces of a new vocabulary come to their vectors.

    A piece that the old vocabulary has too keeps its vector. For the others vectors are drawn with the mean
    and deviation that the old ones have in each dimension, so that the layers above read what they are used
    to; their bias in the heads is zero. All else stays: what the layers know of order and context may carry
    over between languages (Artetxe et al., 2020, On the Cross-lingual Transferability of Monolingual
    Representations).

    Args:
        old: pieces of the model, by number.
        new: pieces that it shall have, by number.
    """

    old: Sequence[str]
    new: Sequence[str]

    @cached_property
    def kept(self) -> dict[int, int]:
        """Number of each piece in the new vocabulary that both have -> its number in the old one."""
        numbers = {piece: number for number, piece in enumerate(self.old)}
        return {number: numbers[piece] for number, piece in enumerate(self.new) if piece in numbers}

    def apply(self, stored: StoredTensors) -> StoredTensors:
        """The model's tensors with a row for each new piece; draws from torch's own random numbers."""
        tensors = dict(stored.tensors)
        if (words := tensors.get(WORD_EMBEDDINGS)) is not None:
            words = words[: len(self.old)].float()  # rows beyond the vocabulary were never trained
            drawn = torch.randn(len(self.new), words.shape[1])
            tensors[WORD_EMBEDDINGS] = self._moved(words, drawn * words.std(dim=0) + words.mean(dim=0))
        for name in BIASES:
            if (bias := tensors.get(name)) is not None:
                tensors[name] = self._moved(bias.float(), torch.zeros(len(self.new)))
        return replace(stored, tensors=tensors)

    def _moved(self, rows: Tensor, start: Tensor) -> Tensor:
        start[list(self.kept)] = rows[list(self.kept.values())]
        return start
