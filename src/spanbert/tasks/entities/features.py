"""Texts as words of pieces, in windows; gold as spans of words."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spanbert.errors import DataError, about
from spanbert.nn.batch import PieceBatch
from spanbert.tasks.entities.examples import EntityExample
from spanbert.tasks.entities.settings import EntitySettings
from spanbert.tasks.entities.tag_set import TagSet
from spanbert.tasks.long_text import covered_chars, sequence, text_windows
from spanbert.text.alignment import with_marks
from spanbert.text.spans import Span
from spanbert.text.tokenizer import Pieces, Tokenizer
from spanbert.text.windows import Window
from spanbert.text.word_pieces import encode_words

ENTITIES = "entities"
"""Name of the loss."""
TOO_LONG = "entities longer than longest_entity"
"""Name of the gold that a nested model cannot find because of its length in words."""
SPECIAL_PIECES = 2
ENCODE_CHUNK = 1024

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class CutText:
    """A text's pieces and its words, as far as they have pieces.

    Args:
        pieces: of the whole text.
        first_pieces: integers (W,), the first piece of each word; it stands for the word.
        word_chars: integers (W, 2), the characters of each word.
    """

    pieces: Pieces
    first_pieces: Integers
    word_chars: Integers

    @classmethod
    def of(cls, example: EntityExample, pieces: Pieces) -> CutText:
        """The data's own words where it has them, else the tokenizer's."""
        begins = np.ones(len(pieces), dtype=bool)
        begins[1:] = pieces.words[1:] != pieces.words[:-1]
        first = np.flatnonzero(begins)
        if example.words is not None:
            own = np.asarray([(span.start, span.end) for span in example.words]).reshape(-1, 2)
            return cls(pieces, first, own[pieces.words[first]])
        last = np.append(first[1:], len(pieces))[: len(first)] - 1
        chars = np.stack([pieces.char_starts[first], pieces.char_ends[last]], axis=1).astype(np.int64)
        if not example.text.isascii():
            chars[:, 1] = [with_marks(example.text, Span(start, end)).end for start, end in chars.tolist()]
        return cls(pieces, first, chars)


def words_of_chars(word_chars: Integers, chars: Span) -> tuple[int, int] | None:
    """The words (W, 2) that share characters with a span, half-open; None where there are none."""
    start = bisect_right(word_chars[:, 1], chars.start)
    end = bisect_left(word_chars[:, 0], chars.end)
    return (start, end) if start < end else None


@dataclass(frozen=True, slots=True)
class EntityFeature:
    """One encoder input: [CLS] window of the text [SEP].

    Args:
        piece_ids: integers (P,).
        text: all words of the text.
        window: which pieces of the text it holds and owns.
        first_word: the first word that begins in the owned part; those that follow it up to the window's end
            are the words of the feature.
        word_places: integers (W,), where in `piece_ids` each word of the feature begins.
        owned_words: how many of them begin in the owned part; the others can only end an entity.
        gold: integers (G, 3), first word, end and type of entities that reach into the owned part, counted
            from `first_word`; None without gold.
    """

    piece_ids: NDArray[np.int32]
    text: CutText
    window: Window
    first_word: int
    word_places: Integers
    owned_words: int
    gold: Integers | None = None

    @property
    def piece_count(self) -> int:
        """Pieces in the sequence, special ones included."""
        return len(self.piece_ids)


class EntityEncoder:
    """Cuts texts into pieces and lays them out in windows."""

    def __init__(self, tokenizer: Tokenizer, settings: EntitySettings) -> None:
        self.tokenizer = tokenizer
        self.settings = settings

    def cut(self, examples: Sequence[EntityExample]) -> list[CutText]:
        """Words and pieces of each text."""
        own = [(example.text, example.words) for example in examples if example.words is not None]
        other = [example.text for example in examples if example.words is None]
        of_words = iter(encode_words(self.tokenizer, own) if own else [])
        of_text = iter(self.tokenizer.encode_many(other) if other else [])
        return [
            CutText.of(example, next(of_text if example.words is None else of_words)) for example in examples
        ]

    def features(self, text: CutText, gold: Integers | None = None) -> list[EntityFeature]:
        """The windows of a text that are read.

        Args:
            text: cut into words.
            gold: integers (G, 3), first word, end and type of its entities; None without gold.

        Raises:
            DataError: the text is too long and `on_long` is `error`.
        """
        room = self.settings.window_pieces - SPECIAL_PIECES
        return [
            self._feature(text, window, gold) for window in text_windows(text.pieces, room, self.settings)
        ]

    def _feature(self, text: CutText, window: Window, gold: Integers | None) -> EntityFeature:
        first, owned_end, end = np.searchsorted(
            text.first_pieces, [window.owned.start, window.owned.end, window.pieces.end]
        ).tolist()
        ids = sequence(self.tokenizer, text.pieces.ids[window.pieces.start : window.pieces.end])
        places = text.first_pieces[first:end] - window.pieces.start + 1
        if gold is not None:
            gold = gold[(gold[:, 1] > first) & (gold[:, 0] < owned_end)] - [first, first, 0]
        return EntityFeature(ids, text, window, first, places, owned_end - first, gold)


@dataclass(frozen=True)
class EntityBatch:
    """Features as tensors; their words stand in one row, one feature's after another's.

    Args:
        pieces: the encoder's input, S sequences.
        word_pieces: integers (W,), the packed place of each word's first piece.
        reach: integers (W,), how many words up to the end of its feature each word has as an entity's first,
            itself included; 0 for words that another window owns.
        words: for each sequence how many of the words are its.
        targets: flat: integers (W,), the tag of each word; nested: integers (G, 3), first word, further words
            and type of each entity. None without gold.
    """

    pieces: PieceBatch
    word_pieces: Tensor
    reach: Tensor
    words: tuple[int, ...]
    targets: Tensor | None

    @property
    def target_counts(self) -> dict[str, int]:
        """The words that are owned, in a batch with gold."""
        return {} if self.targets is None else {ENTITIES: max(1, int((self.reach > 0).sum()))}

    def to(self, device: torch.device) -> EntityBatch:
        """The same batch on another device."""
        targets = None if self.targets is None else self.targets.to(device)
        return EntityBatch(
            self.pieces.to(device), self.word_pieces.to(device), self.reach.to(device), self.words, targets
        )


def collate(features: Sequence[EntityFeature], settings: EntitySettings) -> EntityBatch:
    """Features as one packed batch; the flat decoder leaves out words that other windows own."""
    ids = [feature.piece_ids for feature in features]
    kept = [len(one.word_places) if settings.nested else one.owned_words for one in features]
    piece_starts = np.cumsum([0, *(feature.piece_count for feature in features[:-1])])
    word_starts = np.cumsum([0, *kept[:-1]])
    places = [
        feature.word_places[:count] + start
        for feature, count, start in zip(features, kept, piece_starts, strict=True)
    ]
    reach = [
        np.where(np.arange(count) < feature.owned_words, count - np.arange(count), 0)
        for feature, count in zip(features, kept, strict=True)
    ]
    targets = None
    if all(feature.gold is not None for feature in features):
        made = (
            _spans(features, word_starts) if settings.nested else _tags(features, TagSet.of(settings.labels))
        )
        targets = torch.from_numpy(made)
    return EntityBatch(
        PieceBatch.packed(ids, [np.zeros_like(one) for one in ids]),
        torch.from_numpy(np.concatenate(places)),
        torch.from_numpy(np.concatenate(reach)),
        tuple(kept),
        targets,
    )


def _tags(features: Sequence[EntityFeature], tags: TagSet) -> Integers:
    """The tag of each owned word, (W,)."""
    made = []
    for feature in features:
        row = np.full(feature.owned_words, tags.outside)
        for start, end, kind in _gold(feature).tolist():
            here = slice(max(start, 0), min(end, len(row)))
            row[here] = tags.of_entity(end - start, kind)[here.start - start : here.stop - start]
        made.append(row)
    return np.concatenate(made)


def _spans(features: Sequence[EntityFeature], word_starts: Integers) -> Integers:
    """First word, further words and type of each entity that an owned word begins and the window holds."""
    made = []
    for feature, word_start in zip(features, word_starts, strict=True):
        gold = _gold(feature)
        here = gold[(gold[:, 0] >= 0) & (gold[:, 1] <= len(feature.word_places))]
        made.append(np.stack([here[:, 0] + word_start, here[:, 1] - here[:, 0] - 1, here[:, 2]], axis=1))
    return np.concatenate(made)


def _gold(feature: EntityFeature) -> Integers:
    assert feature.gold is not None
    return feature.gold


class EntityTrainingSet:
    """Texts with gold; every word is learned once an epoch, in the window that owns it.

    Raises:
        DataError: no example has gold.
    """

    def __init__(
        self, examples: Iterable[EntityExample], tokenizer: Tokenizer, settings: EntitySettings
    ) -> None:
        self.lost_gold: dict[str, int] = Counter()
        self.settings = settings
        self.types = {name: number for number, name in enumerate(types_of(settings))}
        self._features: list[EntityFeature] = []
        encoder = EntityEncoder(tokenizer, settings)
        chosen = []
        for example in examples:
            if example.entities is None:
                self.lost_gold["texts without gold"] += 1
            else:
                chosen.append(example)
        for begin in range(0, len(chosen), ENCODE_CHUNK):
            chunk = chosen[begin : begin + ENCODE_CHUNK]
            for example, text in zip(chunk, encoder.cut(chunk), strict=True):
                with about(f"text {example.id!r}"):
                    features = encoder.features(text, self._gold(example, text))
                self._count_unseen(features, example)
                self._features += features
        if not self._features:
            raise DataError("training needs texts with gold entities; the data has none")

    def epoch(self, seed: int, epoch: int) -> list[EntityFeature]:
        """The features of an epoch; all epochs are alike."""
        return self._features

    def _gold(self, example: EntityExample, text: CutText) -> Integers:
        found: list[tuple[int, int, int]] = []
        for entity in example.entities or ():
            words = words_of_chars(text.word_chars, entity.chars)
            if words is None:
                self.lost_gold["entities without a piece"] += 1
                continue
            start, end = words
            if (text.word_chars[start, 0], text.word_chars[end - 1, 1]) != (
                entity.chars.start,
                entity.chars.end,
            ):
                self.lost_gold["entities that do not begin and end with words, learned as whole words"] += 1
            if self.settings.nested and end - start > self.settings.longest_entity:
                self.lost_gold[TOO_LONG] += 1
            elif not self.settings.nested and found and start < max(other for _, other, _ in found):
                self.lost_gold["entities that overlap another, which the flat decoder cannot find"] += 1
            else:
                found.append((start, end, self.types[entity.type]))
        return np.asarray(found, dtype=np.int64).reshape(-1, 3)

    def _count_unseen(self, features: Sequence[EntityFeature], example: EntityExample) -> None:
        """Gold behind the end of a truncated text, and entities that reach out of their window, where only
        the nested decoder needs to see them whole."""
        read = covered_chars(example.text, features[0].text.pieces, [one.window for one in features])
        if unread := sum(entity.chars.end > read for entity in example.entities or ()):
            self.lost_gold["entities behind what is read of their text"] += unread
        for feature in features if self.settings.nested else ():
            gold = _gold(feature)
            if cut := int(((gold[:, 0] >= 0) & (gold[:, 1] > len(feature.word_places))).sum()):
                self.lost_gold["entities that reach beyond their window"] += cut


def types_of(settings: EntitySettings) -> tuple[str, ...]:
    """The types of entities that a model with these settings knows."""
    return settings.labels if settings.nested else TagSet.of(settings.labels).types
