"""How the encoder is shown which words the two entities are: pieces of the vocabulary used as marks.

A mark has a name, such as `[SUBJ]` or `[/OBJ-PER]`, and the settings that travel with the model say which
piece stands for it: the n-th mark is `[unusedN]`, which BERT's vocabularies keep free for such ends. Where a
vocabulary lacks these, punctuation and the type's own words mark, as in `@ * person * Bill @` (Zhou and Chen
2022, "An Improved Baseline for Sentence-level Relation Extraction").
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from spanbert.errors import SettingsError
from spanbert.tasks.relations.examples import Argument, RelationExample
from spanbert.tasks.relations.settings import RelationSettings
from spanbert.text.tokenizer import Tokenizer

ROLES = ("SUBJ", "OBJ")
SIGNS = "@#*^$%&+=~|<>/{}[]:_"
"""Punctuation to mark with, in order of preference; a vocabulary may lack some."""


def learned_markers(examples: Sequence[RelationExample], settings: RelationSettings) -> dict[str, str]:
    """Names of all marks that the data's types ask for, each with its piece; those already settled stay."""
    markers = dict(settings.markers)
    free = (f"[unused{number}]" for number in count(1))
    for name in _names(examples, settings):
        if name not in markers:
            markers[name] = next(piece for piece in free if piece not in markers.values())
    return markers


def _names(examples: Sequence[RelationExample], settings: RelationSettings) -> list[str]:
    types = [
        sorted({kind for example in examples if (kind := argument_of(example, role).type)})
        for role in range(len(ROLES))
    ]
    stems = [*ROLES, *(f"{name}-{kind}" for name, kinds in zip(ROLES, types, strict=True) for kind in kinds)]
    if settings.marking == "types":
        return [f"[{stem}]" for stem in stems]
    return [f"[{slash}{stem}]" for stem in stems for slash in ("", "/")]


def argument_of(example: RelationExample, role: int) -> Argument:
    """Subject (0) or object (1) of a pair."""
    return example.object if role else example.subject


class Marks:
    """The pieces that mark entities.

    Args:
        tokenizer: of the encoder.
        settings: names of the marks and their pieces.

    Raises:
        SettingsError: the vocabulary has neither those pieces nor enough punctuation.
    """

    def __init__(self, tokenizer: Tokenizer, settings: RelationSettings) -> None:
        self.tokenizer = tokenizer
        self.settings = settings
        ids = {name: tokenizer.backend.token_to_id(piece) for name, piece in settings.markers.items()}
        self._ids: dict[str, int] = {name: number for name, number in ids.items() if number is not None}
        self._signs: list[int] = []
        if len(self._ids) < len(ids) or not ids:
            found = [tokenizer.backend.token_to_id(sign) for sign in SIGNS]
            self._ids, self._signs = {}, [number for number in found if number is not None]
            if len(self._signs) < 3:
                raise SettingsError(
                    f"the vocabulary has neither the {len(ids)} pieces of the marks ([unused1] ...) nor "
                    f"three of {SIGNS}; relations need a tokenizer with either"
                )

    def around(self, role: int, kind: str | None) -> tuple[list[int], list[int]]:
        """Pieces before and after an entity.

        Args:
            role: 0 for the subject, 1 for the object.
            kind: its type; one that training did not see counts as unknown.
        """
        if self._signs:
            sign, fence = self._signs[role], self._signs[2]
            return [sign, *([fence, *self._words(kind), fence] if kind else [])], [sign]
        stem = self._stem(role, kind)
        return [self._ids[f"[{stem}]"]], [self._ids[f"[/{stem}]"]]

    def instead(self, role: int, kind: str | None) -> list[int]:
        """Pieces in place of an entity. Arguments as `around`."""
        if self._signs:
            return [self._signs[role], *(self._words(kind) if kind else [])]
        return [self._ids[f"[{self._stem(role, kind)}]"]]

    def _stem(self, role: int, kind: str | None) -> str:
        typed = f"{ROLES[role]}-{kind}"
        return typed if kind and f"[{typed}]" in self._ids else ROLES[role]

    def _words(self, kind: str) -> list[int]:
        plain = kind.replace("_", " ").replace("-", " ").lower()
        return [int(number) for number in self.tokenizer.encode(plain).ids]
