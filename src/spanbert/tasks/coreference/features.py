"""Documents as features: one segment each for prediction, runs of segments with gold for training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spanbert.errors import DataError
from spanbert.nn.batch import PieceBatch
from spanbert.tasks.coreference.examples import CoreferenceExample
from spanbert.tasks.coreference.segments import Document, Segment, cut_documents
from spanbert.tasks.coreference.settings import CoreferenceSettings
from spanbert.text.alignment import pieces_of_chars
from spanbert.text.spans import Span
from spanbert.text.tokenizer import Tokenizer

MENTIONS = "mentions"
LINKS = "links"
"""Names of the losses."""
DOCUMENTS_AT_ONCE = 64

Gold = NDArray[np.int64]
"""Integers (G, 3): first and last word (numbers in the document) and cluster number of each gold mention."""


@dataclass(frozen=True, slots=True)
class CoreferenceFeature:
    """A run of neighbouring segments, whose mentions are linked to one another.

    Args:
        document: of which they are part.
        segments: in the order of the text.
        gold: the gold mentions that lie in one of the segments; None without gold.
    """

    document: Document
    segments: tuple[Segment, ...]
    gold: Gold | None = None

    @property
    def piece_count(self) -> int:
        """Pieces of all segments, special ones included."""
        return sum(len(segment.piece_ids) for segment in self.segments)


@dataclass(frozen=True)
class WordBatch:
    """The words of S segments; all are integers (S, W), 0 behind the last word of a segment.

    Args:
        first_pieces: place of each word's first piece in the packed row.
        last_pieces: place of its last piece.
        numbers: of the word in its document.
        codes: equal for equal words.
        speakers: -1 where nobody knows.
        sentences: of the document.
    """

    first_pieces: Tensor
    last_pieces: Tensor
    numbers: Tensor
    codes: Tensor
    speakers: Tensor
    sentences: Tensor

    def to(self, device: torch.device) -> WordBatch:
        """The same on another device."""
        return WordBatch(**{name: value.to(device) for name, value in vars(self).items()})


@dataclass(frozen=True)
class CoreferenceBatch:
    """Features as tensors.

    Args:
        pieces: the encoder's input, S segments.
        words: of the segments.
        word_counts: how many words each segment has.
        segment_counts: how many segments each feature has.
        gold: integers (G, 4): segment of the batch, first and last word in it, and cluster, numbered from 1
            without regard to features. None without gold.
    """

    pieces: PieceBatch
    words: WordBatch
    word_counts: tuple[int, ...]
    segment_counts: tuple[int, ...]
    gold: Tensor | None

    @property
    def target_counts(self) -> dict[str, int]:
        """Both losses are told for each gold mention: what else they sum over grows with the text alone."""
        return {} if self.gold is None else {MENTIONS: len(self.gold), LINKS: len(self.gold)}

    def to(self, device: torch.device) -> CoreferenceBatch:
        """The same batch on another device."""
        gold = None if self.gold is None else self.gold.to(device)
        return CoreferenceBatch(
            self.pieces.to(device), self.words.to(device), self.word_counts, self.segment_counts, gold
        )


def collate(features: Sequence[CoreferenceFeature]) -> CoreferenceBatch:
    """Features as one packed batch."""
    ids = [segment.piece_ids for feature in features for segment in feature.segments]
    offsets = accumulate(map(len, ids[:-1]), initial=0)
    counts = tuple(len(segment.words) for feature in features for segment in feature.segments)
    columns = np.zeros((6, len(ids), max(1, *counts)), dtype=np.int64)
    owners = ((feature.document, segment) for feature in features for segment in feature.segments)
    for row, (offset, (document, segment)) in enumerate(zip(offsets, owners, strict=True)):
        words, own = document.words, slice(segment.words.start, segment.words.end)
        shift = offset + 1 - segment.window.pieces.start  # [CLS] comes first
        columns[:, row, : len(segment.words)] = (
            words.piece_starts[own] + shift,
            words.piece_ends[own] - 1 + shift,
            np.arange(own.start, own.stop),
            words.codes[own],
            words.speakers[own],
            words.sentences[own],
        )
    segment_counts = tuple(len(feature.segments) for feature in features)
    return CoreferenceBatch(
        PieceBatch.packed(ids, [np.zeros(len(one), dtype=np.int32) for one in ids]),
        WordBatch(*torch.from_numpy(columns)),
        counts,
        segment_counts,
        _collated_gold(features),
    )


def _collated_gold(features: Sequence[CoreferenceFeature]) -> Tensor | None:
    rows: list[Gold] = []
    segments, clusters = 0, 1
    for feature in features:
        if feature.gold is None:
            return None
        starts = np.asarray([segment.words.start for segment in feature.segments])
        place = np.searchsorted(starts, feature.gold[:, 0], side="right") - 1
        within = feature.gold[:, :2] - starts[place, None]
        rows.append(np.column_stack([place + segments, within, feature.gold[:, 2] + clusters]))
        segments += len(feature.segments)
        clusters += int(feature.gold[:, 2].max(initial=-1)) + 1
    return torch.from_numpy(np.concatenate(rows))


class CoreferenceTrainingSet:
    """Documents with gold.

    Each epoch reads every document whole: in one feature, or in runs of at most `training_segments` segments
    whose borders are drawn anew.

    Raises:
        DataError: no document has gold clusters.
    """

    def __init__(
        self, examples: Iterable[CoreferenceExample], tokenizer: Tokenizer, settings: CoreferenceSettings
    ) -> None:
        self.settings = settings
        self.lost_gold: dict[str, int] = Counter()
        self.documents: list[tuple[Document, Gold]] = []
        usable = [example for example in examples if self._usable(example)]
        for begin in range(0, len(usable), DOCUMENTS_AT_ONCE):
            chunk = usable[begin : begin + DOCUMENTS_AT_ONCE]
            for example, document in zip(chunk, cut_documents(chunk, tokenizer, settings), strict=True):
                self.documents.append((document, self._gold(example, document)))
        if not self.documents:
            raise DataError("training needs documents with gold clusters; the data has none")

    def __len__(self) -> int:
        return len(self.documents)

    def _usable(self, example: CoreferenceExample) -> bool:
        if example.gap is not None:
            self.lost_gold["GAP texts, which have no clusters"] += 1
        elif example.clusters is None:
            self.lost_gold["documents without gold"] += 1
        elif not example.text.strip():
            self.lost_gold["empty documents"] += 1
        else:
            return True
        return False

    def _gold(self, example: CoreferenceExample, document: Document) -> Gold:
        """The mentions that can be pointed at; the others are counted by reason."""
        assert example.clusters is not None
        rows: dict[tuple[int, int], int] = {}
        for number, cluster in enumerate(example.clusters):
            for chars in cluster:
                words = self._words(pieces_of_chars(document.pieces, chars), document)
                if isinstance(words, str):
                    self.lost_gold[words] += 1
                elif (words.start, words.end - 1) in rows:
                    self.lost_gold["mentions of the same pieces as another"] += 1
                else:
                    rows[words.start, words.end - 1] = number
        found = [(*words, number) for words, number in sorted(rows.items())]
        return np.asarray(found, dtype=np.int64).reshape(-1, 3)

    def _words(self, pieces: Span | None, document: Document) -> Span | str:
        """The words that pieces are, or why they cannot be a mention."""
        if pieces is None:
            return "mentions without a piece"
        words = document.words
        first = int(np.searchsorted(words.piece_starts, pieces.start))
        last = int(np.searchsorted(words.piece_ends, pieces.end))
        if (
            first == len(words)
            or words.piece_starts[first] != pieces.start
            or words.piece_ends[last] != pieces.end
        ):
            return "mentions that cut a word"
        found = Span(first, last + 1)
        if len(found) > self.settings.max_mention_words:
            return "mentions longer than max_mention_words"
        if not any(segment.words.contains(found) for segment in document.segments):
            return "mentions cut by segments or not read"
        return found

    def epoch(self, seed: int, epoch: int) -> list[CoreferenceFeature]:
        """The features of one epoch, a pure function of (seed, epoch)."""
        features = []
        for index, (document, gold) in enumerate(self.documents):
            segments, most = document.segments, self.settings.training_segments
            first = len(segments)
            if first > most:
                first = int(np.random.default_rng((seed, epoch, index)).integers(1, most + 1))
            borders = [0, *range(first, len(segments), most), len(segments)]
            for begin, end in pairwise(borders):
                run = segments[begin:end]
                inside = (gold[:, 0] >= run[0].words.start) & (gold[:, 1] < run[-1].words.end)
                features.append(CoreferenceFeature(document, run, gold[inside]))
        return features
