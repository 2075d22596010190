"""Texts with masks laid out for the encoder: which windows are read, and how many pieces a mask is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from spanbert.errors import DataError
from spanbert.tasks.fill_mask.examples import FillMaskExample
from spanbert.tasks.fill_mask.features import Ask, FillMaskFeature, MaskedText, Opening, Vocabulary
from spanbert.tasks.fill_mask.settings import FillMaskSettings
from spanbert.tasks.long_text import sequence, text_windows
from spanbert.text.spans import Span
from spanbert.text.tokenizer import Pieces, Tokenizer
from spanbert.text.windows import Window

FEWEST_TEXT_PIECES = 16
PieceIds = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class EncodedExample:
    """An example in pieces.

    Args:
        example: as read.
        text: its text.
        candidates: pieces of each candidate.
        answers: mask -> pieces of its answer, for answers whose pieces are all in the vocabulary.
    """

    example: FillMaskExample
    text: MaskedText
    candidates: tuple[PieceIds, ...]
    answers: Mapping[int, PieceIds]


class FillMaskEncoder:
    """Cuts texts into pieces and lays them out."""

    def __init__(self, tokenizer: Tokenizer, settings: FillMaskSettings) -> None:
        self.tokenizer = tokenizer
        self.settings = settings
        self.vocabulary = Vocabulary.of(tokenizer.vocabulary)
        self.fixed = frozenset(np.flatnonzero(~self.vocabulary.choices[Opening.INSIDE]).tolist())
        """Special and unused pieces: never hidden, never proposed."""

    def encode(self, example: FillMaskExample) -> EncodedExample:
        """One example.

        Raises:
            DataError: a candidate has characters outside the vocabulary.
        """
        text, masks = example.text, example.masks
        borders = [0, *(end for mask in masks for end in (mask.chars.start, mask.chars.end)), len(text)]
        stretches = [text[start:end] for start, end in zip(borders[::2], borders[1::2], strict=True)]
        answers = example.answers or ()
        cut = self.tokenizer.encode_many([*stretches, *example.candidates, *answers])
        given = [pieces.ids for pieces in cut[len(stretches) :]]
        candidates, known = given[: len(example.candidates)], given[len(example.candidates) :]
        for name, ids in zip(example.candidates, candidates, strict=True):
            if not self._in_vocabulary(ids):
                raise DataError(f"the candidate {name!r} has characters that the model's vocabulary lacks")
        return EncodedExample(
            example,
            masked_text(example, cut[: len(stretches)], self.tokenizer.mask_id),
            tuple(candidates),
            {number: ids for number, ids in enumerate(known) if self._in_vocabulary(ids)},
        )

    def windows(self, encoded: EncodedExample) -> list[tuple[Window, list[int]]]:
        """The windows that are read, with the masks that each owns.

        Raises:
            DataError: the fills leave no room to the text, or it is too long and `on_long` is `error`.
        """
        longest = self.settings.longest_span if encoded.text.is_span.any() else 1
        longest = max([longest, *map(len, encoded.candidates), *map(len, encoded.answers.values())])
        room = self.settings.window_pieces - 2 - (longest - 1)
        if room < FEWEST_TEXT_PIECES:
            raise DataError(
                f"a fill of {longest} pieces leaves no room for the text in windows of "
                f"{self.settings.window_pieces}; shorten it or raise window_pieces"
            )
        found = []
        for window in text_windows(encoded.text.pieces, room, self.settings):
            owned, places = window.owned, encoded.text.masks
            mine = np.flatnonzero((owned.start <= places) & (places < owned.end)).tolist()
            if mine or not encoded.example.masks:
                found.append((window, mine))
        return found

    def features(self, example: FillMaskExample) -> list[FillMaskFeature]:
        """All that is asked to fill the masks of a text and to score what is known of its hidden pieces.

        Raises:
            DataError: as `encode` and `windows`.
        """
        encoded = self.encode(example)
        found: list[FillMaskFeature] = []
        for window, masks in self.windows(encoded):
            found += self._questions(encoded, window.pieces, masks)
            if example.has_gold:
                rng = np.random.default_rng(crc32(encoded.text.pieces.ids.tobytes()))
                found += self.hidden(encoded, window, masks, Ask.SCORE, rng)
        return found or [self._feature(encoded.text, Span(0, 0), Ask.SCORE, {})]

    def hidden(
        self,
        encoded: EncodedExample,
        window: Window,
        masks: Sequence[int],
        ask: Ask,
        rng: np.random.Generator,
    ) -> list[FillMaskFeature]:
        """The window with known pieces hidden, to be scored or learned; nothing where none is known.

        Answers of one piece are hidden in one sequence, a longer one has its own, the other masks being one
        piece there as they are in prediction.

        Args:
            encoded: the example.
            window: of its text.
            masks: those that the window owns.
            ask: SCORE or LEARN.
            rng: draws the pieces that are hidden of a text without masks.
        """
        text = encoded.text
        if encoded.example.masks:
            known = {
                int(text.masks[mask]): encoded.answers[mask] for mask in masks if mask in encoded.answers
            }
        else:
            owned = range(window.owned.start, window.owned.end)
            free = [place for place in owned if int(text.pieces.ids[place]) not in self.fixed]
            count = min(len(free), max(1, round(self.settings.masked_share * len(free))))
            drawn = sorted(rng.choice(free, count, replace=False).tolist()) if free else []
            known = {place: text.pieces.ids[place : place + 1] for place in drawn}
        short = {place: ids for place, ids in known.items() if len(ids) == 1}
        groups = [short, *({place: ids} for place, ids in known.items() if len(ids) > 1)]
        return [
            self._feature(
                text,
                window.pieces,
                ask,
                {place: self._masked(len(ids)) for place, ids in group.items()},
                given=[piece for ids in group.values() for piece in ids.tolist()],
            )
            for group in groups
            if group
        ]

    def _questions(
        self, encoded: EncodedExample, window: Span, masks: Sequence[int]
    ) -> list[FillMaskFeature]:
        text, width = encoded.text, self.settings.fills
        if encoded.candidates:
            return [feature for mask in masks for feature in self._choices(encoded, window, mask)]
        found: list[FillMaskFeature] = []
        single = [mask for mask in masks if not text.is_span[mask]]
        places = {int(text.masks[mask]): self._masked(1) for mask in single}
        if single:
            found.append(self._feature(text, window, Ask.APART, places, masks=single, width=width))
        if len(single) > 1:
            found.append(self._feature(text, window, Ask.TOGETHER, places, masks=single))
        for mask in masks:
            if text.is_span[mask]:
                for length in range(1, self.settings.longest_span + 1):
                    span = {int(text.masks[mask]): self._masked(length)}
                    found.append(self._feature(text, window, Ask.SPAN, span, masks=[mask], width=width))
        return found

    def _choices(self, encoded: EncodedExample, window: Span, mask: int) -> Iterator[FillMaskFeature]:
        """Candidates from left to right, piece by piece; equally long ones that begin alike share a sequence.

        A piece is judged by those before it and not by those behind it, which would give it away (Kauf and
        Ivanova 2023, "A Better Way to Do Masked Language Model Scoring").
        """
        asked: dict[tuple[int, tuple[int, ...]], list[int]] = {}
        for number, ids in enumerate(encoded.candidates):
            for step in range(len(ids)):
                asked.setdefault((len(ids), tuple(ids[:step].tolist())), []).append(number)
        for (length, begun), numbers in asked.items():
            filled = self._masked(length)
            filled[: len(begun)] = begun
            given = [int(encoded.candidates[number][len(begun)]) for number in numbers]
            place = {int(encoded.text.masks[mask]): filled}
            yield self._feature(
                encoded.text, window, Ask.CHOOSE, place, masks=[mask], candidates=numbers, given=given
            )

    def _feature(
        self,
        text: MaskedText,
        window: Span,
        ask: Ask,
        contents: Mapping[int, PieceIds],
        *,
        masks: Sequence[int] = (),
        candidates: Sequence[int] = (),
        given: Sequence[int] = (),
        width: int = 1,
    ) -> FillMaskFeature:
        """A window with `contents` in place of some of its pieces; what is masked in them is asked about."""
        parts: list[PieceIds] = []
        places: list[int] = []
        openings: list[Opening] = []
        done, length = window.start, 1  # [CLS] stands before
        for place, ids in sorted(contents.items()):
            parts += [text.pieces.ids[done:place], ids]
            length += place - done
            hidden = np.flatnonzero(ids == self.tokenizer.mask_id)
            if ask is Ask.CHOOSE:
                hidden = hidden[:1]
            places += (hidden + length).tolist()
            first = Opening.REST_OF_WORD if text.follows_letter(place) else Opening.WORD
            openings += [first if inner == 0 else Opening.INSIDE for inner in hidden]
            done, length = place + 1, length + len(ids)
        parts.append(text.pieces.ids[done : window.end])
        of_one = ask in (Ask.SPAN, Ask.CHOOSE)
        return FillMaskFeature(
            text,
            window,
            ask,
            sequence(self.tokenizer, np.concatenate(parts)),
            np.asarray(places, dtype=np.int64),
            tuple(openings),
            masks=tuple(masks),
            candidates=tuple(candidates),
            given_ids=np.asarray(given, dtype=np.int64),
            span_end=length if of_one and text.is_span[masks[0]] else None,
            vocabulary=self.vocabulary,
            width=width,
        )

    def _masked(self, count: int) -> PieceIds:
        return np.full(count, self.tokenizer.mask_id, dtype=np.int32)

    def _in_vocabulary(self, ids: PieceIds) -> bool:
        return len(ids) > 0 and self.fixed.isdisjoint(ids.tolist())


def masked_text(example: FillMaskExample, stretches: Sequence[Pieces], mask_id: int) -> MaskedText:
    """A text of the pieces of its stretches, and one for each mask.

    Args:
        example: the text and its masks.
        stretches: pieces of what stands before, between and behind the masks.
        mask_id: the piece that a mask becomes.
    """
    starts = [0, *(mask.chars.end for mask in example.masks)]
    parts: list[tuple[Pieces, int]] = []
    masks: list[int] = []
    count = 0
    for number, (stretch, start) in enumerate(zip(stretches, starts, strict=True)):
        parts.append((stretch, start))
        count += len(stretch)
        if number < len(example.masks):
            chars = example.masks[number].chars
            one = np.asarray([[mask_id], [0], [len(chars)], [0]], dtype=np.int32)
            parts.append((Pieces(*one), chars.start))
            masks.append(count)
            count += 1
    words = accumulate((int(pieces.words.max(initial=-1)) + 1 for pieces, _ in parts), initial=0)
    return MaskedText(
        example.text,
        Pieces(
            np.concatenate([pieces.ids for pieces, _ in parts]),
            np.concatenate([pieces.char_starts + start for pieces, start in parts]),
            np.concatenate([pieces.char_ends + start for pieces, start in parts]),
            np.concatenate([pieces.words + first for (pieces, _), first in zip(parts, words, strict=False)]),
        ),
        np.asarray(masks, dtype=np.int64),
        np.asarray([mask.is_span for mask in example.masks], dtype=bool),
    )
