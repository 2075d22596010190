"""Questions and passages as pieces: windows for prediction, stretches around answers for training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spanbert.errors import DataError, about
from spanbert.nn.batch import PieceBatch
from spanbert.tasks.long_text import sequence, text_windows
from spanbert.tasks.question_answering.examples import QaExample
from spanbert.tasks.question_answering.settings import QaSettings
from spanbert.text.alignment import chars_of_pieces, pieces_of_chars
from spanbert.text.spans import Span
from spanbert.text.tokenizer import Pieces, Tokenizer
from spanbert.text.windows import Window

ANSWERS = "answers"
"""Name of the loss."""
FEWEST_PASSAGE_PIECES = 32
OTHERS_COMPARED = 8
"""Passages of the article among which `contrast` takes the one most like the question."""
ENCODE_CHUNK = 1024


@dataclass(frozen=True, slots=True)
class QaFeature:
    """One encoder input: [CLS] question [SEP] window of the passage [SEP].

    Args:
        piece_ids: integers (P,).
        passage_piece_start: where in `piece_ids` the window begins.
        window: which pieces of the passage it holds and owns.
        passage: all pieces of the passage.
        targets: right answers as spans of `piece_ids`; empty for "no answer here"; None without gold.
    """

    piece_ids: NDArray[np.int32]
    passage_piece_start: int
    window: Window
    passage: Pieces
    targets: tuple[Span, ...] | None = None

    @property
    def piece_count(self) -> int:
        """Pieces in the sequence, special ones included."""
        return len(self.piece_ids)


@dataclass(frozen=True)
class QaBatch:
    """Features as tensors.

    Args:
        pieces: the encoder's input, S sequences.
        answerable: booleans (S, P): the first piece (it stands for "no answer") and the passage.
        targets: integers (S, G, 2), first and last piece of each right answer, -1 where there is none;
            "no answer" is (0, 0). None without gold.
    """

    pieces: PieceBatch
    answerable: Tensor
    targets: Tensor | None

    @property
    def target_counts(self) -> dict[str, int]:
        """One target a sequence, in a batch with gold."""
        return {} if self.targets is None else {ANSWERS: len(self.targets)}

    def to(self, device: torch.device) -> QaBatch:
        """The same batch on another device."""
        targets = None if self.targets is None else self.targets.to(device)
        return QaBatch(self.pieces.to(device), self.answerable.to(device), targets)


def collate(features: Sequence[QaFeature]) -> QaBatch:
    """Features as one packed batch."""
    segments = [
        (np.arange(feature.piece_count) >= feature.passage_piece_start).astype(np.int32)
        for feature in features
    ]
    longest = max(feature.piece_count for feature in features)
    answerable = torch.zeros(len(features), longest, dtype=torch.bool)
    answerable[:, 0] = True
    for row, feature in enumerate(features):
        answerable[row, feature.passage_piece_start : feature.piece_count - 1] = True
    gold = [feature.targets for feature in features]
    targets = None
    if all(spans is not None for spans in gold):
        listed: list[list[tuple[int, int]]] = [
            [(span.start, span.end - 1) for span in spans or ()] or [(0, 0)] for spans in gold
        ]
        most = max(map(len, listed))
        targets = torch.tensor([spans + [(-1, -1)] * (most - len(spans)) for spans in listed])
    return QaBatch(
        PieceBatch.packed([feature.piece_ids for feature in features], segments), answerable, targets
    )


class QaEncoder:
    """Cuts questions and passages into pieces and lays them out."""

    def __init__(self, tokenizer: Tokenizer, settings: QaSettings) -> None:
        self.tokenizer = tokenizer
        self.settings = settings

    def encode(self, examples: Sequence[QaExample]) -> list[tuple[Pieces, Pieces]]:
        """(question pieces, passage pieces) of each example; equal texts share one object."""
        texts = {example.question: None for example in examples} | {
            example.passage: None for example in examples
        }
        found = dict(zip(texts, self.tokenizer.encode_many(list(texts)), strict=True))
        return [(found[example.question], found[example.passage]) for example in examples]

    def window_size(self, question: Pieces) -> int:
        """Passage pieces that fit beside a question.

        Raises:
            DataError: the question leaves fewer than 32 pieces to the passage.
        """
        room = self.settings.window_pieces - len(question) - 3
        if room < FEWEST_PASSAGE_PIECES:
            raise DataError(
                f"a question of {len(question)} pieces leaves no room for its passage in windows of "
                f"{self.settings.window_pieces}; shorten it or raise window_pieces"
            )
        return room

    def features(self, question: Pieces, passage: Pieces) -> list[QaFeature]:
        """All windows of the passage, or one, as `on_long` says; without targets.

        Raises:
            DataError: the passage is too long and `on_long` is `error`.
        """
        room = self.window_size(question)
        found = text_windows(passage, room, self.settings, "passage")
        return [self.feature(question, passage, window) for window in found]

    def feature(
        self, question: Pieces, passage: Pieces, window: Window, targets: tuple[Span, ...] | None = None
    ) -> QaFeature:
        """One sequence; `targets` are spans of passage pieces that lie inside the window."""
        start, end = window.pieces.start, window.pieces.end
        ids = sequence(self.tokenizer, question.ids, passage.ids[start:end])
        passage_start = len(question) + 2
        shifted = None
        if targets is not None:
            shifted = tuple(
                Span(span.start - start + passage_start, span.end - start + passage_start) for span in targets
            )
        return QaFeature(ids, passage_start, window, passage, shifted)


@dataclass(frozen=True, slots=True)
class _EncodedExample:
    question: Pieces
    passage: Pieces
    passage_number: int
    answers: tuple[Span, ...]  # piece spans of the passage, shortest covers of the gold characters
    answer_texts: tuple[str, ...]
    article: str | None


class QaTrainingSet:
    """Questions with gold, drawn anew each epoch.

    Every question gives one feature an epoch: a stretch of its passage that holds a right answer (or, for an
    unanswerable question, any stretch), of at most `training_pieces` pieces. With `contrast`, some questions
    are asked a second time against another passage of their article that does not contain the answer's text.

    Raises:
        DataError: no example has gold.
    """

    def __init__(self, examples: Iterable[QaExample], tokenizer: Tokenizer, settings: QaSettings) -> None:
        self.encoder = QaEncoder(tokenizer, settings)
        self.settings = settings
        self.lost_gold: dict[str, int] = Counter()
        self.passages: list[str] = []
        self.passage_pieces: list[Pieces] = []
        self.passages_of_article: dict[str | None, list[int]] = {}
        self.examples: list[_EncodedExample] = []
        self._add(examples)
        if not self.examples:
            raise DataError("training needs questions with gold answers; the data has none")

    def __len__(self) -> int:
        return len(self.examples)

    def _add(self, examples: Iterable[QaExample]) -> None:
        numbers: dict[tuple[str | None, str], int] = {}
        questions: list[str] = []
        pending: list[QaExample] = []
        for example in examples:
            if example.answers is None:
                self.lost_gold["questions without gold"] += 1
                continue
            key = (example.article, example.passage)
            if key not in numbers:
                numbers[key] = len(self.passages)
                self.passages.append(example.passage)
                self.passages_of_article.setdefault(example.article, []).append(numbers[key])
            questions.append(example.question)
            pending.append(example)
        for begin in range(0, len(self.passages), ENCODE_CHUNK):
            self.passage_pieces += self.encoder.tokenizer.encode_many(
                self.passages[begin : begin + ENCODE_CHUNK]
            )
        for begin in range(0, len(pending), ENCODE_CHUNK):
            chunk = pending[begin : begin + ENCODE_CHUNK]
            cut = self.encoder.tokenizer.encode_many(questions[begin : begin + ENCODE_CHUNK])
            for example, question in zip(chunk, cut, strict=True):
                self._add_one(example, question, numbers[example.article, example.passage])

    def _add_one(self, example: QaExample, question: Pieces, number: int) -> None:
        assert example.answers is not None
        passage = self.passage_pieces[number]
        found = [pieces_of_chars(passage, answer.chars) for answer in example.answers]
        spans = tuple(dict.fromkeys(span for span in found if span is not None))
        with about(f"question {example.id!r}"):
            room = self.encoder.window_size(question)
        short = tuple(span for span in spans if len(span) <= room)
        for reason, count in (
            ("answers without a piece", sum(span is None for span in found)),
            ("answers longer than a window", len(spans) - len(short)),
        ):
            if count:
                self.lost_gold[reason] += count
        if example.answers and not short:
            return  # its gold cannot be pointed at; counted above, and never taught as "no answer"
        texts = tuple(answer.text.lower() for answer in example.answers)
        self.examples.append(_EncodedExample(question, passage, number, short, texts, example.article))

    def epoch(self, seed: int, epoch: int) -> list[QaFeature]:
        """The features of one epoch, a pure function of (seed, epoch)."""
        features = []
        for index, example in enumerate(self.examples):
            rng = np.random.default_rng((seed, epoch, index))
            features.append(self._stretch(example, example.passage, example.answers, rng))
            if not example.answers:
                continue
            if rng.random() < self.settings.contrast:
                features += self._asked_elsewhere(example, rng)
            if rng.random() < self.settings.contrast_within:
                features += self._asked_beside_the_answer(example, rng)
        return features

    def _stretch(
        self, example: _EncodedExample, passage: Pieces, answers: tuple[Span, ...], rng: np.random.Generator
    ) -> QaFeature:
        room = self.encoder.window_size(example.question)
        size = min(len(passage), room)
        if self.settings.training_pieces and rng.random() >= self.settings.whole_passages:
            size = min(size, max(self.settings.training_pieces, *(len(span) for span in answers), 1))
        lowest, highest = 0, len(passage) - size
        if answers:
            aim = answers[rng.integers(len(answers))]
            lowest, highest = max(lowest, aim.end - size), min(highest, aim.start)
        start = int(rng.integers(lowest, highest + 1))
        window = Window(Span(start, start + size), Span(start, start + size))
        inside = tuple(span for span in answers if window.pieces.contains(span))
        return self.encoder.feature(example.question, passage, window, inside)

    def _asked_elsewhere(self, example: _EncodedExample, rng: np.random.Generator) -> list[QaFeature]:
        """The question with the most similar of a few other passages of its article that lack the answer."""
        others = self.passages_of_article[example.article]
        if example.article is None or len(others) < 2:
            return []
        drawn = rng.choice(others, min(OTHERS_COMPARED, len(others)), replace=False)
        fit = [
            int(number)
            for number in drawn
            if number != example.passage_number and not _holds(self.passages[number], example.answer_texts)
        ]
        if not fit:
            return []
        best = max(
            fit, key=lambda number: np.isin(example.question.ids, self.passage_pieces[number].ids).sum()
        )
        return [self._stretch(example, self.passage_pieces[best], (), rng)]

    def _asked_beside_the_answer(self, example: _EncodedExample, rng: np.random.Generator) -> list[QaFeature]:
        """The question with the longer part of its passage before or after all right answers."""
        passage = example.passage
        before = Span(0, min(span.start for span in example.answers))
        after = Span(max(span.end for span in example.answers), len(passage))
        free = max(before, after, key=len)
        room = self.encoder.window_size(example.question)
        size = min(len(free), self.settings.training_pieces or room, room)
        if size < FEWEST_PASSAGE_PIECES:
            return []
        start = int(rng.integers(free.start, free.end - size + 1))
        window = Window(Span(start, start + size), Span(start, start + size))
        chars = chars_of_pieces(passage, window.pieces)
        if _holds(self.passages[example.passage_number][chars.start : chars.end], example.answer_texts):
            return []
        return [self.encoder.feature(example.question, passage, window, ())]


def _holds(text: str, answers: Sequence[str]) -> bool:
    lower = text.lower()
    return any(answer in lower for answer in answers)
