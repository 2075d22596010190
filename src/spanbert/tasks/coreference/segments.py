"""A document as segments: stretches that the encoder reads one by one, cut where sentences end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spanbert.errors import DataError
from spanbert.tasks.coreference.examples import CoreferenceExample, Turn
from spanbert.tasks.coreference.settings import CoreferenceSettings
from spanbert.tasks.long_text import sequence
from spanbert.text.passages import SENTENCE_END
from spanbert.text.spans import Span
from spanbert.text.tokenizer import Pieces, Tokenizer
from spanbert.text.windows import Window

UNKNOWN_SPEAKER = -1
CODE_FACTOR = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a document, as the tokenizer cuts them; all arrays are integers (W,).

    Args:
        piece_starts: the first piece of each.
        piece_ends: the piece after its last.
        codes: equal for words of equal pieces.
        speakers: number of who says it, -1 where nobody knows.
        sentences: number of the sentence it stands in.
    """

    piece_starts: NDArray[np.int64]
    piece_ends: NDArray[np.int64]
    codes: NDArray[np.int64]
    speakers: NDArray[np.int64]
    sentences: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.piece_starts)

    @classmethod
    def of(cls, pieces: Pieces, turns: Sequence[Turn], sentence_chars: Sequence[int]) -> Words:
        """The words of a document's pieces; `sentence_chars` says where sentences end."""
        count = len(pieces)
        starts = np.flatnonzero(np.diff(pieces.words, prepend=-2) != 0)
        ends = np.append(starts[1:], count)[: len(starts)]
        place = np.arange(count) - np.repeat(starts, ends - starts)
        powers = np.cumprod(np.full(max(count, 1), CODE_FACTOR))  # wraps round, as a hash may
        codes = (pieces.ids.astype(np.uint64) + np.uint64(1)) * powers[place]
        totals = np.add.reduceat(codes, starts) if count else codes
        chars = pieces.char_starts[starts]
        sentences = np.searchsorted(np.asarray(sentence_chars, dtype=np.int64), chars, side="right")
        return cls(starts, ends, totals.astype(np.int64), _speakers(chars, turns), sentences)


def _speakers(chars: NDArray[np.int32], turns: Sequence[Turn]) -> NDArray[np.int64]:
    found = np.full(len(chars), UNKNOWN_SPEAKER, dtype=np.int64)
    numbers: dict[str, int] = {}
    for turn in turns:
        first, last = np.searchsorted(chars, (turn.chars.start, turn.chars.end))
        found[first:last] = numbers.setdefault(turn.speaker, len(numbers))
    return found


@dataclass(frozen=True, slots=True)
class Segment:
    """One encoder input: [CLS] stretch of the document [SEP].

    Args:
        piece_ids: integers (P,).
        window: which pieces of the document it holds, and which of them are its own.
        words: the words whose mentions are looked for here: all that lie wholly in its own part.
    """

    piece_ids: NDArray[np.int32]
    window: Window
    words: Span


@dataclass(frozen=True, slots=True)
class Document:
    """A document's pieces, words and segments, and how much of its text these read."""

    pieces: Pieces
    words: Words
    segments: tuple[Segment, ...]
    covered_chars: int


def cut_documents(
    examples: Sequence[CoreferenceExample], tokenizer: Tokenizer, settings: CoreferenceSettings
) -> list[Document]:
    """Documents as segments that fit the encoder.

    Raises:
        DataError: a document is longer than a segment and `on_long` is `error`; it is named.
    """
    cut = tokenizer.encode_many([example.text for example in examples])
    return [
        _document(example, pieces, tokenizer, settings) for example, pieces in zip(examples, cut, strict=True)
    ]


def _document(
    example: CoreferenceExample, pieces: Pieces, tokenizer: Tokenizer, settings: CoreferenceSettings
) -> Document:
    sentence_chars = [found.end() for found in SENTENCE_END.finditer(example.text)]
    words = Words.of(pieces, example.turns, sentence_chars)
    room = settings.window_pieces - 2  # [CLS] and [SEP]
    shared = 0 if len(pieces) <= room else min(settings.overlap_pieces, room // 2)
    sentences = np.searchsorted(pieces.char_starts, sentence_chars)
    parts = _parts(len(pieces), room - shared, sentences, words.piece_starts)
    if len(parts) > 1 and settings.on_long == "error":
        raise DataError(
            f"document {example.id!r}: it has {len(pieces)} pieces, a segment holds {room} (on_long = error)"
        )
    if settings.on_long == "truncate":
        parts = parts[:1]
    segments = []
    for own in parts:
        start = max(0, own.start - shared // 2)
        read = Span(start, min(len(pieces), start + room, own.end + shared - shared // 2))
        first = int(np.searchsorted(words.piece_starts, own.start))
        last = int(np.searchsorted(words.piece_ends, own.end, side="right"))
        ids = sequence(tokenizer, pieces.ids[read.start : read.end])
        segments.append(Segment(ids, Window(read, own), Span(first, max(first, last))))
    end = parts[-1].end
    covered = len(example.text) if end == len(pieces) else int(pieces.char_ends[end - 1])
    return Document(pieces, words, tuple(segments), covered)


def _parts(count: int, room: int, sentences: NDArray[np.int64], words: NDArray[np.int64]) -> list[Span]:
    """Neighbouring parts of at most `room` pieces; each ends with a sentence, else a word, else anywhere.

    A part that ends with a sentence is at least half full, or documents of one long sentence and many short
    ones would be read in crumbs.
    """
    parts: list[Span] = []
    start = 0
    while count - start > room:
        end = start + room
        for borders, lowest in ((sentences, start + room // 2), (words, start)):
            place = int(np.searchsorted(borders, end, side="right")) - 1
            if place >= 0 and borders[place] > lowest:
                end = int(borders[place])
                break
        parts.append(Span(start, end))
        start = end
    return [*parts, Span(start, count)]
