"""spaCy's `.spacy` files (a `DocBin`), and the JSONL of spaCy and Prodigy with `spans`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from spanbert.errors import DataError, MissingExtraError
from spanbert.tasks.entities.examples import (
    Entity,
    EntityExample,
    Notes,
    Place,
    distinct,
    entities_of_chars,
    overlapping,
)
from spanbert.tasks.entities.formats.tokens import words_of
from spanbert.text.fields import identity, is_integer, kind, shown, text_field
from spanbert.text.files import atomic_write, make_folder, read_bytes
from spanbert.text.spans import Span

SPAN_GROUP = "sc"
"""spaCy's name for the spans that its span categorizer works on; they may overlap."""


def read(path: Path, notes: Notes) -> Iterator[tuple[Place, EntityExample]]:
    """The documents of a `.spacy` file; entities that may overlap are taken from the span group `sc`.

    Raises:
        DataError: the file is no `DocBin`.
        MissingExtraError: spaCy is not installed.
    """
    spacy = _spacy()
    try:
        documents = list(spacy.tokens.DocBin().from_bytes(read_bytes(path)).get_docs(spacy.blank("xx").vocab))
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise DataError(f"no readable .spacy file ({error})", path) from None
    for number, doc in enumerate(documents, start=1):
        place = Place(f"{path} (document {number})", None, notes)
        found = list(doc.spans[SPAN_GROUP]) if SPAN_GROUP in doc.spans else list(doc.ents)
        entities = [Entity(Span(span.start_char, span.end_char), span.label_) for span in found]
        known = SPAN_GROUP in doc.spans or doc.has_annotation("ENT_IOB")
        words = tuple(Span(token.idx, token.idx + len(token.text)) for token in doc if not token.is_space)
        yield place, EntityExample(str(number), doc.text, distinct(entities, place) if known else None, words)


def write(path: Path, examples: Iterable[EntityExample]) -> None:
    """Write documents as `doc.ents`; those of which some overlap as the span group `sc`. Ids are not kept.

    Raises:
        DataError: an entity does not begin and end with words.
        MissingExtraError: spaCy is not installed.
    """
    spacy = _spacy()
    documents = spacy.tokens.DocBin(store_user_data=True)
    vocabulary = spacy.blank("xx").vocab
    for example in examples:
        doc = _document(spacy, vocabulary, example)
        spans = []
        for entity in example.entities or ():
            span = doc.char_span(entity.chars.start, entity.chars.end, label=entity.type)
            if span is None:
                text = example.text[entity.chars.start : entity.chars.end]
                raise DataError(
                    f"the entity {shown(text)} of text {example.id!r} does not begin and end with words, "
                    "which spaCy needs; write jsonl"
                )
            spans.append(span)
        if overlapping(example.entities or ()):
            doc.spans[SPAN_GROUP] = spans
        elif example.entities is not None:
            doc.set_ents(spans, default="outside")
        documents.add(doc)
    make_folder(path.parent)
    documents.to_disk(path)


def _document(spacy: Any, vocabulary: Any, example: EntityExample) -> Any:
    """A `Doc` with the example's words; what stands between them and is more than a space is a token too."""
    tokens: list[str] = []
    spaces: list[bool] = []
    end = 0
    for span in [*words_of(example), Span(len(example.text), len(example.text))]:
        between = example.text[end : span.start]
        if tokens and between.startswith(" "):
            spaces[-1] = True
            between = between[1:]
        if between:
            tokens.append(between)
            spaces.append(False)
        if len(span):
            tokens.append(example.text[span.start : span.end])
            spaces.append(False)
        end = span.end
    return spacy.tokens.Doc(vocabulary, words=tokens, spaces=spaces)


def _spacy() -> Any:
    try:
        import spacy
        import spacy.tokens
    except ImportError:
        raise MissingExtraError("reading and writing .spacy files", "spacy") from None
    return spacy


def has_tokens(item: Mapping[str, Any]) -> bool:
    """Whether a JSON object has tokens as Prodigy has them, objects with their characters."""
    tokens = item.get("tokens")
    return isinstance(tokens, list) and any(isinstance(token, Mapping) for token in tokens)


def parse(item: Mapping[str, Any], place: Place) -> EntityExample:
    """One line of Prodigy's JSONL; a line that was rejected or ignored there has no gold.

    Raises:
        DataError: as `entities_of_chars`; or `tokens` are no list, or not those of the text.
    """
    text = text_field(item, ("text",), place.path, place.line)
    entities = None
    if item.get("answer", "accept") != "accept":
        place.notes["texts that were not accepted in annotation, taken as texts without gold"] += 1
    elif item.get("spans") is not None:
        entities = entities_of_chars(text, item["spans"], place)
    words = None if item.get("tokens") is None else _words(text, item["tokens"], place)
    return EntityExample(identity(item, place.path, place.line), text, entities, words)


def _words(text: str, tokens: Any, place: Place) -> tuple[Span, ...] | None:
    """Characters of the tokens; None where they leave a text without a word, which would never be read."""
    if not isinstance(tokens, list):
        raise place.error(f'"tokens" must be a list, found {kind(tokens)}')
    words: list[Span] = []
    for token in tokens:
        start, end = (token.get("start"), token.get("end")) if isinstance(token, Mapping) else (None, None)
        if not is_integer(start) or not is_integer(end) or not 0 <= start < end <= len(text):
            raise place.error(
                f"a token needs its characters as start and end in the text, found {shown(token)}"
            )
        if words and start < words[-1].end:
            raise place.error(f"the token {shown(token)} overlaps the one before")
        if text[start:end].strip():
            words.append(Span(start, end))
    return tuple(words) if words or not text.strip() else None


def write_jsonl(path: Path, examples: Iterable[EntityExample]) -> None:
    """Write lines as Prodigy and spaCy read them.

    Raises:
        SpanbertError: the file cannot be written.
    """
    with atomic_write(path) as stream:
        for example in examples:
            line: dict[str, Any] = {"id": example.id, "text": example.text}
            if example.words is not None:
                line["tokens"] = [
                    {
                        "id": number,
                        "text": example.text[span.start : span.end],
                        "start": span.start,
                        "end": span.end,
                    }
                    for number, span in enumerate(example.words)
                ]
            line["spans"] = None
            if example.entities is not None:
                line["spans"] = [
                    {"start": entity.chars.start, "end": entity.chars.end, "label": entity.type}
                    for entity in example.entities
                ]
            stream.write(json.dumps(line, ensure_ascii=False) + "\n")
