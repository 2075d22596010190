"""Fills that go on with a word of the text: where they may stand, and how they are cut."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np
import tokenizers
from numpy.typing import NDArray
from tokenizers import models

from spanbert.tasks.fill_mask.examples import Mask
from spanbert.tasks.fill_mask.features import Opening, Vocabulary
from spanbert.text.tokenizer import SPECIAL_PIECES, Pieces, Tokenizer
from spanbert.text.words import UNSPACED


def ends_in_letter(text: str, end: int) -> bool:
    """Whether a letter or digit with its marks stands right before `end`, in a script with spaces."""
    while end > 0 and unicodedata.category(text[end - 1]).startswith("M"):
        end -= 1
    return end > 0 and text[end - 1].isalnum() and not UNSPACED.match(text, end - 1)


def openings(text: str, masks: Sequence[Mask]) -> tuple[Opening, ...]:
    """What each mask of a text may begin with.

    Right behind another mask both are possible, a new word and more of the one before; beside a script
    without spaces nothing goes on.
    """
    runs: list[list[Mask]] = []
    for mask in masks:
        if runs and runs[-1][-1].chars.end == mask.chars.start:
            runs[-1].append(mask)
        else:
            runs.append([mask])
    found: list[Opening] = []
    for run in runs:
        start, end = run[0].chars.start, run[-1].chars.end
        found.append(Opening.REST_OF_WORD if ends_in_letter(text, start) else Opening.WORD)
        unspaced = UNSPACED.match(text, end) or (start > 0 and UNSPACED.match(text, start - 1))
        found += [Opening.WORD if unspaced else Opening.EITHER] * (len(run) - 1)
    return tuple(found)


class RestOfWord:
    """Cuts fills that stand right behind a letter.

    The pieces before the mask are cut without what is hidden, so the fill is cut by itself: by WordPiece's
    rule of the longest piece, its first word made of pieces that continue one. To cut letters and fill as one
    word would give pieces across the border (`walk[MASK]` and "ing" may be the one piece `walking`).
    """

    def __init__(self, tokenizer: Tokenizer, vocabulary: Vocabulary) -> None:
        numbers = {piece: number for number, piece in enumerate(vocabulary.pieces)}
        continuing = {piece: number for piece, number in numbers.items() if piece.startswith("##")}
        # What stands behind a letter without going on with its word, such as a comma, is cut as ever.
        apart = numbers.keys() - continuing.keys()
        allowed = vocabulary.choices[Opening.REST_OF_WORD]
        unchanged = {piece: numbers[piece] for piece in apart if allowed[numbers[piece]]}
        special = {piece: numbers[piece] for piece in SPECIAL_PIECES}
        first = {piece.removeprefix("##"): number for piece, number in continuing.items()}
        model = models.WordPiece({**continuing, **first, **unchanged, **special}, unk_token="[UNK]")
        self.backend = tokenizers.Tokenizer(model)
        self.backend.normalizer = tokenizer.backend.normalizer
        self.backend.pre_tokenizer = tokenizer.backend.pre_tokenizer
        self.backend.add_special_tokens(list(SPECIAL_PIECES))

    def cut(self, text: str, pieces: Pieces) -> NDArray[np.int32]:
        """Pieces of a fill behind a letter, integers (P,).

        Args:
            text: the fill; one that begins with a space goes on with nothing.
            pieces: the fill, cut as it is where it stands alone.
        """
        if text[:1].isspace():
            return pieces.ids
        found = self.backend.encode(text, add_special_tokens=False)
        first = [number for number, word in zip(found.ids, found.word_ids, strict=True) if word == 0]
        return np.asarray([*first, *pieces.ids[pieces.words != 0]], dtype=np.int32)
