"""Pairs of entities as pieces: one marked sequence a pair."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spanbert.errors import DataError, SettingsError
from spanbert.nn.batch import PieceBatch
from spanbert.tasks.long_text import sequence
from spanbert.tasks.relations.examples import RelationExample
from spanbert.tasks.relations.labels import merged, positives
from spanbert.tasks.relations.layout import Mark, entity_pieces, lay_out, stretches
from spanbert.tasks.relations.markers import ROLES, Marks, argument_of
from spanbert.tasks.relations.settings import RelationSettings
from spanbert.text.alignment import chars_of_pieces
from spanbert.text.fields import shown
from spanbert.text.tokenizer import Pieces, Tokenizer

RELATIONS = "relations"
"""Name of the loss."""
FEWEST_TEXT_PIECES = 16
ENCODE_CHUNK = 1024

Target = np.int64 | NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class RelationFeature:
    """One encoder input: [CLS] marked text [SEP].

    Args:
        piece_ids: integers (P,).
        starts: where in it the marks of subject and object begin.
        covered_chars: characters of the text that it shows.
        target: number of the right label, or 0 and 1 for each of several labels (L,); None without gold.
    """

    piece_ids: NDArray[np.int32]
    starts: tuple[int, ...]
    covered_chars: int
    target: Target | None = None

    @property
    def piece_count(self) -> int:
        """Pieces in the sequence, special ones included."""
        return len(self.piece_ids)


@dataclass(frozen=True)
class RelationBatch:
    """Features as tensors.

    Args:
        pieces: the encoder's input, S sequences in one row.
        firsts: integers (S,), where in the row each sequence begins.
        starts: integers (S, 2), where in the row the marks of subject and object begin.
        targets: integers (S,), or numbers (S, L) with several relations a pair. None without gold.
    """

    pieces: PieceBatch
    firsts: Tensor
    starts: Tensor
    targets: Tensor | None

    @property
    def target_counts(self) -> dict[str, int]:
        """One target a pair, or one for each label of it."""
        return {} if self.targets is None else {RELATIONS: self.targets.numel()}

    def to(self, device: torch.device) -> RelationBatch:
        """The same batch on another device."""
        targets = None if self.targets is None else self.targets.to(device)
        return RelationBatch(self.pieces.to(device), self.firsts.to(device), self.starts.to(device), targets)


def collate(features: Sequence[RelationFeature]) -> RelationBatch:
    """Features as one packed batch."""
    ids = [feature.piece_ids for feature in features]
    firsts = torch.tensor([0, *np.cumsum([len(one) for one in ids])[:-1]])
    starts = torch.tensor([feature.starts for feature in features]) + firsts[:, None]
    targets = None
    if all(feature.target is not None for feature in features):
        targets = torch.from_numpy(np.stack([np.asarray(feature.target) for feature in features]))
    return RelationBatch(PieceBatch.packed(ids, [np.zeros_like(one) for one in ids]), firsts, starts, targets)


class PairEncoder:
    """Cuts texts into pieces and marks the two entities.

    The pieces of the last text are kept: the pairs of a long document come in several calls.

    Raises:
        SettingsError: the vocabulary has nothing to mark with.
    """

    def __init__(self, tokenizer: Tokenizer, settings: RelationSettings) -> None:
        self.tokenizer = tokenizer
        self.settings = settings
        self.marks = Marks(tokenizer, settings)
        self._last: dict[str, Pieces] = {}

    def features(self, examples: Sequence[RelationExample]) -> list[RelationFeature]:
        """The sequence of each pair; a text that pairs in a row share is cut once, over several calls too.

        Raises:
            DataError: a text holds half a surrogate pair.
            SettingsError: the marks leave a window no room for the text.
        """
        last = self._last
        texts = list(dict.fromkeys(one.text for one in examples if one.text not in last))
        pieces = last | dict(zip(texts, self.tokenizer.encode_many(texts), strict=True))
        self._last = {one.text: pieces[one.text] for one in examples[-1:]}
        return [self._feature(example, pieces[example.text]) for example in examples]

    def _feature(self, example: RelationExample, pieces: Pieces) -> RelationFeature:
        marks = [self._mark(example, role, pieces) for role in range(len(ROLES))]
        # [CLS], [SEP], and a [SEP] for what may be left out in the middle.
        room = self.settings.window_pieces - 3 - sum(len(mark.before) + len(mark.after) for mark in marks)
        if room < FEWEST_TEXT_PIECES:
            raise SettingsError(
                f"the marks of pair {example.id!r} leave {room} of {self.settings.window_pieces} pieces to "
                "the text; raise window_pieces or shorten the names of types"
            )
        read = stretches(marks[0].entity, marks[1].entity, len(pieces), room)
        laid, starts = lay_out(pieces.ids, marks, read, self.tokenizer.end_id)
        covered = len(example.text)
        if sum(map(len, read)) < len(pieces):
            covered = sum(len(chars_of_pieces(pieces, stretch)) for stretch in read)
        ids = sequence(self.tokenizer, laid)
        return RelationFeature(ids, tuple(start + 1 for start in starts), covered)

    def _mark(self, example: RelationExample, role: int, pieces: Pieces) -> Mark:
        argument = argument_of(example, role)
        entity = entity_pieces(pieces, argument.chars)
        if self.settings.marking == "types":
            return Mark(entity, self.marks.instead(role, argument.type), (), hides=True)
        before, after = self.marks.around(role, argument.type)
        return Mark(entity, before, after, hides=False)


class RelationTrainingSet:
    """Pairs with gold, the same every epoch.

    Raises:
        DataError: no pair has gold that the settings' labels can say.
        SettingsError: as `PairEncoder`.
    """

    def __init__(
        self, examples: Iterable[RelationExample], tokenizer: Tokenizer, settings: RelationSettings
    ) -> None:
        listed = list(examples)
        encoder = PairEncoder(tokenizer, settings)
        self.lost_gold: dict[str, int] = Counter()
        kept = [example for example in listed if example.relations is not None]
        if len(kept) < len(listed):
            self.lost_gold["pairs without gold"] = len(listed) - len(kept)
        if settings.decided == "several":
            kept = list(merged(kept).values())
        known = []
        for example in kept:
            if unknown := positives(example.relations, settings) - set(settings.labels):
                self.lost_gold[f"pairs with the unknown relations {shown(sorted(unknown))}"] += 1
            else:
                known.append(example)
        if not known:
            raise DataError("training needs pairs with relations; the data has none")
        self.features: list[RelationFeature] = []
        for begin in range(0, len(known), ENCODE_CHUNK):
            chunk = known[begin : begin + ENCODE_CHUNK]
            for example, feature in zip(chunk, encoder.features(chunk), strict=True):
                self.features.append(replace(feature, target=target(example, settings)))

    def __len__(self) -> int:
        return len(self.features)

    def epoch(self, seed: int, epoch: int) -> list[RelationFeature]:
        """The features of one epoch: all pairs."""
        return self.features


def target(example: RelationExample, settings: RelationSettings) -> Target:
    """What the network is to score: the label's number, or 0 and 1 for each label."""
    names = positives(example.relations, settings)
    if settings.decided == "several":
        return np.asarray([name in names for name in settings.labels], dtype=np.float32)
    return np.int64(settings.labels.index(next(iter(names), settings.negative)))
