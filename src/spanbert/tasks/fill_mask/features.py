"""What is asked of the model: sequences with masks, and batches of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spanbert.nn.batch import PieceBatch
from spanbert.text.spans import Span
from spanbert.text.tokenizer import SPECIAL_PIECES, Pieces
from spanbert.text.words import UNSPACED

MOST_PASSES = 32
"""So many passes of the encoder fill the masks of a window one after the other; more masks share passes."""
MASKED_LM = "masked_lm"
"""Name of the loss."""


class Ask(Enum):
    """What is wanted of a sequence."""

    APART = "the best pieces of each mask, the others hidden"
    TOGETHER = "the best pieces of all masks, filled one after the other"
    SPAN = "the best fills of a span, filled one piece after the other"
    CHOOSE = "the chances of several pieces at one place"
    SCORE = "the chances and ranks of the pieces that were hidden"
    LEARN = "the loss of the pieces that were hidden"


class Opening(IntEnum):
    """Which pieces may stand at a place; the values are rows of `Vocabulary.choices`."""

    WORD = 0
    """The first of a fill: a piece that begins a word."""
    REST_OF_WORD = 1
    """The first of a fill right behind a letter: a piece that continues the word, or punctuation."""
    EITHER = 2
    """The first of a fill right behind another mask: a piece of both kinds."""
    INSIDE = 3
    """A later one: any piece but special ones."""


class Choice(NamedTuple):
    """A candidate in one of the ways in which it can stand at a mask.

    Args:
        candidate: its number.
        goes_on: whether it goes on with the word before the mask.
    """

    candidate: int
    goes_on: bool


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The pieces, and where they may stand.

    Args:
        pieces: by number.
        choices: booleans (4, V), which may stand at each kind of opening.
    """

    pieces: tuple[str, ...]
    choices: NDArray[np.bool_]

    @classmethod
    def of(cls, pieces: tuple[str, ...]) -> Vocabulary:
        """Special and unused pieces stand nowhere; what begins a fill begins a word, or goes on with one.

        Behind a letter no two pieces read alike: with "," there is no "##,".
        """
        inside = np.asarray([p not in SPECIAL_PIECES and not p.startswith("[unused") for p in pieces])
        continues = np.asarray([p.startswith("##") for p in pieces])
        letters = np.asarray([p[:1].isalnum() and not UNSPACED.match(p) for p in pieces])
        apart = inside & ~continues & ~letters
        taken = {pieces[number] for number in np.flatnonzero(apart)}
        goes_on = np.asarray([p.startswith("##") and p.removeprefix("##") not in taken for p in pieces])
        word, rest_of_word = inside & ~continues, apart | goes_on
        return cls(pieces, np.stack([word, rest_of_word, word | rest_of_word, inside]))


@dataclass(frozen=True, slots=True)
class MaskedText:
    """A text in pieces, each of its masks one piece `[MASK]`.

    Args:
        text: as given.
        pieces: with the characters that they stand for.
        masks: integers (K,), which pieces the masks are.
        is_span: booleans (K,), which masks stand for spans of unknown length.
        openings: what each mask may begin with.
        lost_gold: right fills that cannot be scored: reason -> how many.
    """

    text: str
    pieces: Pieces
    masks: NDArray[np.int64]
    is_span: NDArray[np.bool_]
    openings: tuple[Opening, ...]
    lost_gold: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Query:
    """A sequence, and places of it whose scores are wanted in one pass of the encoder.

    Args:
        piece_ids: integers (P,).
        places: integers (M,).
        span_end: the place behind the masked span that begins at each of them, where the boundary head is to
            be heard too.
    """

    piece_ids: NDArray[np.int32]
    places: NDArray[np.int64]
    span_end: int | None = None


@dataclass(frozen=True, slots=True)
class FillMaskFeature:
    """One encoder input: [CLS] window of the text, with masks [SEP].

    Args:
        text: what it is a part of.
        window: which pieces of the text it holds.
        ask: what is wanted.
        piece_ids: integers (P,); a mask of the text may be several pieces here.
        places: integers (M,), where in `piece_ids` the hidden pieces are.
        openings: what may stand at each place; none where nothing is to be proposed.
        masks: the mask that each place is of; of places that are all of one, that one.
        choices: whose piece each of the pieces to choose among is.
        given_ids: integers, the hidden piece of each place, or the pieces to choose among at the only place.
        span_end: the place behind the masked span, where the boundary head is to be heard too.
        vocabulary: pieces and where they may stand.
        width: how many best fills are wanted.
    """

    text: MaskedText
    window: Span
    ask: Ask
    piece_ids: NDArray[np.int32]
    places: NDArray[np.int64]
    openings: tuple[Opening, ...]
    masks: tuple[int, ...]
    choices: tuple[Choice, ...]
    given_ids: NDArray[np.int64]
    span_end: int | None
    vocabulary: Vocabulary
    width: int

    @property
    def piece_count(self) -> int:
        """Pieces in the sequence, special ones included."""
        return len(self.piece_ids)

    @property
    def in_turn(self) -> bool:
        """Whether its places are filled one after the other."""
        return self.ask in (Ask.TOGETHER, Ask.SPAN)

    @property
    def places_at_once(self) -> int:
        """How many places one pass of the encoder is to score."""
        return -(-len(self.places) // MOST_PASSES) if self.in_turn else len(self.places)

    @property
    def query(self) -> Query:
        """What the first pass of the encoder is to score: of places filled one after the other, the first."""
        return Query(self.piece_ids, self.places[: self.places_at_once], self.span_end)


@dataclass(frozen=True)
class Queries:
    """Several queries as tensors; places are counted over the packed row.

    Args:
        pieces: all sequences, packed.
        places: integers (M,).
        spans: integers (N,), which of the places begin a masked span.
        span_ends: integers (N,), the places behind those spans.
    """

    pieces: PieceBatch
    places: Tensor
    spans: Tensor
    span_ends: Tensor

    @classmethod
    def of(cls, queries: Sequence[Query]) -> Queries:
        """Queries packed."""
        ids = [query.piece_ids for query in queries]
        starts = list(accumulate((len(one) for one in ids), initial=0))
        places = [query.places + start for query, start in zip(queries, starts, strict=False)]
        ends = [
            np.full(len(query.places), -1 if query.span_end is None else query.span_end + start)
            for query, start in zip(queries, starts, strict=False)
        ]
        behind = np.concatenate(ends)
        spans = np.flatnonzero(behind >= 0)
        return cls(
            PieceBatch.packed(ids, [np.zeros_like(one) for one in ids]),
            torch.from_numpy(np.concatenate(places).astype(np.int64)),
            torch.from_numpy(spans),
            torch.from_numpy(behind[spans]),
        )

    def to(self, device: torch.device) -> Queries:
        """The same on another device."""
        return Queries(
            self.pieces.to(device), self.places.to(device), self.spans.to(device), self.span_ends.to(device)
        )


@dataclass(frozen=True)
class FillMaskBatch:
    """Features as tensors.

    Args:
        features: what is asked.
        queries: their sequences, and the places whose scores the first pass of the encoder gives.
        targets: integers (M,), the hidden pieces at those places; None where no loss is asked for.
    """

    features: tuple[FillMaskFeature, ...]
    queries: Queries
    targets: Tensor | None

    @property
    def target_counts(self) -> dict[str, int]:
        """Hidden pieces, in a batch to learn from."""
        return {} if self.targets is None else {MASKED_LM: len(self.targets)}

    def to(self, device: torch.device) -> FillMaskBatch:
        """The same batch on another device."""
        targets = None if self.targets is None else self.targets.to(device)
        return FillMaskBatch(self.features, self.queries.to(device), targets)


def collate(features: Sequence[FillMaskFeature]) -> FillMaskBatch:
    """Features as one packed batch."""
    targets = None
    if all(feature.ask is Ask.LEARN for feature in features):
        targets = torch.from_numpy(np.concatenate([feature.given_ids for feature in features]))
    return FillMaskBatch(tuple(features), Queries.of([feature.query for feature in features]), targets)
