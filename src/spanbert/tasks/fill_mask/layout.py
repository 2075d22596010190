"""Texts with masks laid out for the encoder: which windows are read, and how many pieces a mask is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from spanbert.errors import DataError
from spanbert.tasks.fill_mask.continuing import RestOfWord, ends_in_letter, openings
from spanbert.tasks.fill_mask.examples import NOT_IN_VOCABULARY, NOT_READ, TOO_LONG, FillMaskExample
from spanbert.tasks.fill_mask.features import Ask, Choice, FillMaskFeature, MaskedText, Opening, Vocabulary
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
        choices: what a mask may begin with -> candidates in all ways to stand there -> their pieces.
        answers: mask -> pieces of its answer, for answers that can be hidden.
    """

    example: FillMaskExample
    text: MaskedText
    choices: Mapping[Opening, Mapping[Choice, PieceIds]]
    answers: Mapping[int, PieceIds]


class FillMaskEncoder:
    """Cuts texts into pieces and lays them out."""

    def __init__(self, tokenizer: Tokenizer, settings: FillMaskSettings) -> None:
        self.tokenizer = tokenizer
        self.settings = settings
        self.vocabulary = Vocabulary.of(tokenizer.vocabulary)
        self.fixed = frozenset(np.flatnonzero(~self.vocabulary.choices[Opening.INSIDE]).tolist())
        """Special and unused pieces: never hidden, never proposed."""

    @cached_property
    def rest_of_word(self) -> RestOfWord:
        """Cuts what stands right behind a letter."""
        return RestOfWord(self.tokenizer, self.vocabulary)

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
        given = cut[len(stretches) :]
        candidates, answered = given[: len(example.candidates)], given[len(example.candidates) :]
        whole = masked_text(example, cut[: len(stretches)], self.tokenizer.mask_id)
        choices = {
            opening: self._choices(opening, example.candidates, candidates)
            for opening in sorted(set(whole.openings))
        }
        answer_ids = [
            self._answer(whole.openings[number], answers, number, pieces)
            for number, pieces in enumerate(answered)
        ]
        known = {number: ids for number, ids in enumerate(answer_ids) if self._in_vocabulary(ids)}
        short = {number: ids for number, ids in known.items() if len(ids) <= self._longest_fill}
        lost = {NOT_IN_VOCABULARY: len(answers) - len(known), TOO_LONG: len(known) - len(short)}
        whole = replace(whole, lost_gold={reason: count for reason, count in lost.items() if count})
        return EncodedExample(example, whole, choices, short)

    @property
    def _longest_fill(self) -> int:
        """Pieces of a fill that leaves the text its fewest."""
        return self.settings.window_pieces - 2 - FEWEST_TEXT_PIECES + 1

    def _choices(
        self, opening: Opening, candidates: Sequence[str], cut: Sequence[Pieces]
    ) -> dict[Choice, PieceIds]:
        """Candidates where a mask may begin so: as words, as the rest of one, or in both ways."""
        found: dict[Choice, PieceIds] = {}
        for number, (text, pieces) in enumerate(zip(candidates, cut, strict=True)):
            ways: dict[Choice, PieceIds] = {}
            if opening is not Opening.REST_OF_WORD:
                ways[Choice(number, False)] = pieces.ids
            if opening is not Opening.WORD:
                ways[Choice(number, True)] = self.rest_of_word.cut(text, pieces)
            known = {choice: ids for choice, ids in ways.items() if self._in_vocabulary(ids)}
            if not known:
                raise DataError(f"the candidate {text!r} has characters that the model's vocabulary lacks")
            found |= known
        return found

    def _answer(self, opening: Opening, answers: Sequence[str], mask: int, pieces: Pieces) -> PieceIds:
        """The pieces of a mask's answer: right behind another mask they go on with that one's answer."""
        before = answers[mask - 1] if opening is Opening.EITHER else ""
        if opening is Opening.REST_OF_WORD or ends_in_letter(before, len(before)):
            return self.rest_of_word.cut(answers[mask], pieces)
        return pieces.ids

    def windows(self, encoded: EncodedExample) -> list[tuple[Window, list[int]]]:
        """The windows that are read, with the masks that each owns.

        Raises:
            DataError: the fills leave no room to the text, or it is too long and `on_long` is `error`.
        """
        longest = self.settings.longest_span if encoded.text.is_span.any() else 1
        candidates = [ids for choices in encoded.choices.values() for ids in choices.values()]
        longest = max([longest, *map(len, candidates)])
        room = self.settings.window_pieces - 2 - (longest - 1)
        if longest > self._longest_fill:
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
        windows = self.windows(encoded)
        encoded = replace(encoded, text=replace(encoded.text, lost_gold=self.lost_gold(encoded, windows)))
        found: list[FillMaskFeature] = []
        for window, masks in windows:
            found += self._questions(encoded, window.pieces, masks)
            if example.has_gold:
                rng = np.random.default_rng(crc32(encoded.text.pieces.ids.tobytes()))
                found += self.hidden(encoded, window, masks, Ask.SCORE, rng)
        return found or [self._feature(encoded.text, Span(0, 0), Ask.SCORE, {})]

    def lost_gold(
        self, encoded: EncodedExample, windows: Sequence[tuple[Window, list[int]]]
    ) -> Mapping[str, int]:
        """Answers that cannot be hidden in these windows: reason -> how many."""
        lost = Counter(encoded.text.lost_gold)
        if unread := encoded.answers.keys() - {mask for _, masks in windows for mask in masks}:
            lost[NOT_READ] += len(unread)
        return lost

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
        piece there as they are in prediction; where it needs more room, less is shown of the text.

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
                self._with_room(window.pieces, group),
                ask,
                {place: self._masked(len(ids)) for place, ids in group.items()},
                given=[piece for ids in group.values() for piece in ids.tolist()],
            )
            for group in groups
            if group
        ]

    def _with_room(self, window: Span, group: Mapping[int, PieceIds]) -> Span:
        """The window, or as much of it around its only fill as fits beside that."""
        place, ids = next(iter(group.items()))
        size = self.settings.window_pieces - 2 - (len(ids) - 1)
        if len(window) <= size:
            return window
        start = min(max(place - size // 2, window.start), window.end - size)
        return Span(start, start + size)

    def _questions(
        self, encoded: EncodedExample, window: Span, masks: Sequence[int]
    ) -> list[FillMaskFeature]:
        text, width = encoded.text, self.settings.fills
        if encoded.example.candidates:
            return [feature for mask in masks for feature in self._choose(encoded, window, mask)]
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

    def _choose(self, encoded: EncodedExample, window: Span, mask: int) -> Iterator[FillMaskFeature]:
        """Candidates from left to right, piece by piece; equally long ones that begin alike share a sequence.

        A piece is judged by those before it and not by those behind it, which would give it away (Kauf and
        Ivanova 2023, "A Better Way to Do Masked Language Model Scoring").
        """
        candidates = encoded.choices[encoded.text.openings[mask]]
        asked: dict[tuple[int, tuple[int, ...]], list[Choice]] = {}
        for choice, ids in candidates.items():
            for step in range(len(ids)):
                asked.setdefault((len(ids), tuple(ids[:step].tolist())), []).append(choice)
        for (length, begun), choices in asked.items():
            filled = self._masked(length)
            filled[: len(begun)] = begun
            given = [int(candidates[choice][len(begun)]) for choice in choices]
            place = {int(encoded.text.masks[mask]): filled}
            yield self._feature(
                encoded.text, window, Ask.CHOOSE, place, masks=[mask], choices=choices, given=given
            )

    def _feature(
        self,
        text: MaskedText,
        window: Span,
        ask: Ask,
        contents: Mapping[int, PieceIds],
        *,
        masks: Sequence[int] = (),
        choices: Sequence[Choice] = (),
        given: Sequence[int] = (),
        width: int = 1,
    ) -> FillMaskFeature:
        """A window with `contents` in place of some of its pieces; what is masked in them is asked about."""
        parts: list[PieceIds] = []
        places: list[int] = []
        first_of = [text.openings[mask] for mask in masks]
        may_stand: list[Opening] = []
        done, length = window.start, 1  # [CLS] stands before
        for number, (place, ids) in enumerate(sorted(contents.items())):
            parts += [text.pieces.ids[done:place], ids]
            length += place - done
            hidden = np.flatnonzero(ids == self.tokenizer.mask_id)
            if ask is Ask.CHOOSE:
                hidden = hidden[:1]
            places += (hidden + length).tolist()
            if masks:
                may_stand += [first_of[number] if inner == 0 else Opening.INSIDE for inner in hidden]
            done, length = place + 1, length + len(ids)
        parts.append(text.pieces.ids[done : window.end])
        of_one = ask in (Ask.SPAN, Ask.CHOOSE)
        return FillMaskFeature(
            text,
            window,
            ask,
            sequence(self.tokenizer, np.concatenate(parts)),
            np.asarray(places, dtype=np.int64),
            tuple(may_stand),
            masks=tuple(masks),
            choices=tuple(choices),
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
        openings(example.text, example.masks),
        {},
    )
