"""Records of coreference and the readers of its files: OntoNotes JSON lines, texts, and GAP's table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spanbert.errors import DataError
from spanbert.tasks.coreference.gap import GapQuestion, read_gap
from spanbert.text.fields import identity, is_integer, kind, shown, text_field, with_distinct_ids
from spanbert.text.files import read_jsonl, read_text
from spanbert.text.spans import Span
from spanbert.text.words import joined

DATA_FORMATS = """OntoNotes JSON lines (.jsonlines, .jsonl), clusters as pairs of first and last token:
{"doc_key": "1", "sentences": [["Ada", "came", "."], ["She", "left", "."]], "clusters": [[[0, 0], [3, 3]]]}
optional "speakers" (a name for each token, "" for none); for prediction without "clusters". Or a text a line:
{"id": "1", "text": "Ada came.", "clusters": [{"mentions": [{"char_start": 0, "char_end": 3}]}]}
For prediction also a plain text file (.txt), one document; for evaluation GAP's table (.tsv)."""

Clusters = tuple[tuple[Span, ...], ...]


@dataclass(frozen=True, slots=True)
class Turn:
    """A stretch of the text that one person says or writes."""

    chars: Span
    speaker: str


@dataclass(frozen=True, slots=True)
class CoreferenceExample:
    """A document.

    Args:
        id: the caller's name for it (`doc_key`), a string or an integer as it was given.
        text: the document; words that came as a list are joined by spaces where their script has spaces.
        clusters: gold as spans of characters, each in one cluster; None when nobody said.
        turns: who speaks where, if known; disjoint, in the order of the text.
        gap: what GAP asks of the text, for a line of its table.
    """

    id: str | int
    text: str
    clusters: Clusters | None = None
    turns: tuple[Turn, ...] = ()
    gap: GapQuestion | None = None


def read_examples(path: Path) -> Iterator[CoreferenceExample]:
    """Documents of a file, plain or .gz, told apart by its name.

    Raises:
        DataError: the file breaks its format; the message names file, line and remedy.
    """
    name = path.name.removesuffix(".gz")
    found = ((path, line, example) for line, example in _documents(path, name))
    yield from with_distinct_ids(found, path, "documents")


def parse_example(item: Mapping[str, Any], place: Path | str, line: int | None) -> CoreferenceExample:
    """One JSON object as a document; `clusters` may be absent.

    Raises:
        DataError: a field is missing or has the wrong type; a span lies outside the document or stands twice.
    """
    if "sentences" not in item:
        text = text_field(item, ("text", "sentences"), place, line)
        spans = _char_clusters(item.get("clusters"), text, place, line)
        return CoreferenceExample(identity(item, place, line), text, _distinct(spans, text, place, line))
    sentences = item["sentences"]
    # Tokens without characters occur in published files; they count in spans and have no place in the text.
    words = [word if word.strip() else "" for word in _strings(sentences, "sentences", place, line)]
    text, word_chars = joined(words)
    turns: tuple[Turn, ...] = ()
    if item.get("speakers") is not None:
        turns = _turns(_strings(item["speakers"], "speakers", place, line), word_chars, place, line)
    key = item.get("doc_key")
    named = {"id": key} if key is not None else item
    spans = _token_clusters(item.get("clusters"), word_chars, place, line)
    return CoreferenceExample(identity(named, place, line), text, _distinct(spans, text, place, line), turns)


def _documents(path: Path, name: str) -> Iterator[tuple[int | None, CoreferenceExample]]:
    if name.endswith(".txt"):
        yield None, CoreferenceExample(name.removesuffix(".txt"), read_text(path))
    elif name.endswith(".tsv"):
        for line, identifier, text, question in read_gap(path):
            yield line, CoreferenceExample(identifier, text, gap=question)
    else:
        for line, item in read_jsonl(path):
            yield line, parse_example(item, path, line)


def _strings(value: Any, name: str, place: Path | str, line: int | None) -> list[str]:
    """The strings of a list of lists, one for each token, as one list."""
    if not isinstance(value, list) or not all(isinstance(row, list) for row in value):
        raise DataError(f'"{name}" must be a list of lists of strings, found {shown(value)}', place, line)
    found = [entry for row in value for entry in row]
    for entry in found:
        if not isinstance(entry, str):
            raise DataError(f'"{name}" must hold strings, found {kind(entry)}', place, line)
    return found


def _turns(
    speakers: Sequence[str], word_chars: Sequence[Span], place: Path | str, line: int | None
) -> tuple[Turn, ...]:
    if len(speakers) != len(word_chars):
        raise DataError(f'{len(speakers)} "speakers" for {len(word_chars)} tokens; one a token', place, line)
    turns: list[Turn] = []
    for speaker, chars in zip(speakers, word_chars, strict=True):
        if turns and turns[-1].speaker == speaker:
            turns[-1] = Turn(Span(turns[-1].chars.start, chars.end), speaker)
        else:
            turns.append(Turn(chars, speaker))
    return tuple(turn for turn in turns if len(turn.chars) and turn.speaker.strip(" -"))


def _listed(value: Any, what: str, place: Path | str, line: int | None) -> list[Any]:
    if not isinstance(value, list):
        raise DataError(f"{what} must be a list, found {kind(value)}", place, line)
    return value


def _token_clusters(
    value: Any, word_chars: Sequence[Span], place: Path | str, line: int | None
) -> list[list[Span]] | None:
    if value is None:
        return None
    found: list[list[Span]] = []
    for cluster in _listed(value, '"clusters"', place, line):
        spans = []
        for pair in _listed(cluster, "a cluster", place, line):
            if not (isinstance(pair, list) and len(pair) == 2 and all(is_integer(end) for end in pair)):
                raise DataError(
                    f"a mention must be [first token, last token], found {shown(pair)}", place, line
                )
            first, last = pair
            if not 0 <= first <= last < len(word_chars):
                raise DataError(
                    f"the mention {pair} is no span of {len(word_chars)} tokens (both ends count from 0 and "
                    "are part of it)",
                    place,
                    line,
                )
            inside = [chars for chars in word_chars[first : last + 1] if len(chars)]
            if not inside:
                raise DataError(f"the mention {pair} has no characters: its tokens are empty", place, line)
            spans.append(Span(inside[0].start, inside[-1].end))
        found.append(spans)
    return found


def _char_clusters(value: Any, text: str, place: Path | str, line: int | None) -> list[list[Span]] | None:
    if value is None:
        return None
    found: list[list[Span]] = []
    for cluster in _listed(value, '"clusters"', place, line):
        if not isinstance(cluster, dict):
            raise DataError(
                f'a cluster of a text is an object with "mentions", found {kind(cluster)}', place, line
            )
        mentions = _listed(cluster.get("mentions"), '"mentions"', place, line)
        found.append([_char_span(mention, text, place, line) for mention in mentions])
    return found


def _char_span(mention: Any, text: str, place: Path | str, line: int | None) -> Span:
    fields = mention if isinstance(mention, dict) else {}
    start, end = fields.get("char_start"), fields.get("char_end")
    if not is_integer(start) or not is_integer(end):
        raise DataError(
            f'a mention needs integers "char_start" and "char_end", found {shown(mention)}', place, line
        )
    if not 0 <= start < end <= len(text):
        raise DataError(f"the mention {start} to {end} is no span of {len(text)} characters", place, line)
    if fields.get("text", text[start:end]) != text[start:end]:
        raise DataError(
            f"the mention {shown(fields['text'])} does not stand at character {start}", place, line
        )
    # Spaces around a mention belong to none: no model could find it with them.
    inside = text[start:end].strip()
    if not inside:
        raise DataError(f"the mention {start} to {end} is nothing but spaces", place, line)
    start = text.index(inside, start, end)
    return Span(start, start + len(inside))


def _distinct(
    clusters: list[list[Span]] | None, text: str, place: Path | str, line: int | None
) -> Clusters | None:
    """Clusters without empty ones. Raises DataError where a span stands twice."""
    if clusters is None:
        return None
    seen: set[Span] = set()
    for cluster in clusters:
        for span in cluster:
            if span in seen:
                raise DataError(
                    f"the mention {shown(text[span.start : span.end])} at characters {span.start} to "
                    f"{span.end} stands twice in the clusters; leave it in one",
                    place,
                    line,
                )
            seen.add(span)
    return tuple(tuple(sorted(cluster)) for cluster in clusters if cluster)
