"""Examples as words and spans of words, for the formats that know no characters."""

from __future__ import annotations

import re

from spanbert.errors import DataError
from spanbert.tasks.entities.examples import EntityExample
from spanbert.text.fields import shown
from spanbert.text.spans import Span
from spanbert.text.tags import WordSpan

WORD = re.compile(r"\w+|[^\w\s]")


def words_of(example: EntityExample) -> tuple[Span, ...]:
    """Characters of an example's words: its own, else runs of letters and single signs."""
    if example.words is not None:
        return example.words
    return tuple(Span(*found.span()) for found in WORD.finditer(example.text))


def in_words(example: EntityExample) -> tuple[list[str], list[WordSpan]]:
    """Words of an example and its entities as spans of them.

    Raises:
        DataError: an entity does not begin and end with words.
    """
    words = words_of(example)
    first = {span.start: number for number, span in enumerate(words)}
    last = {span.end: number for number, span in enumerate(words)}
    spans = []
    for entity in example.entities or ():
        if entity.chars.start not in first or entity.chars.end not in last:
            text = example.text[entity.chars.start : entity.chars.end]
            raise DataError(
                f"the entity {shown(text)} of text {example.id!r} does not begin and end with words, "
                "which this format needs; write jsonl"
            )
        spans.append((first[entity.chars.start], last[entity.chars.end] + 1, entity.type))
    return [example.text[span.start : span.end] for span in words], spans
