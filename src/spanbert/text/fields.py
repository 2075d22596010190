"""Fields of a JSON object read with their types, and errors that say what was found instead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeGuard, TypeVar

from spanbert.errors import DataError
from spanbert.text.spans import Span
from spanbert.text.words import joined

LONGEST_SHOWN = 80


class Identified(Protocol):
    """An example with the caller's name for it."""

    @property
    def id(self) -> str | int:
        """The name."""
        ...


E = TypeVar("E", bound=Identified)


def text_field(
    item: Mapping[str, Any], names: tuple[str, ...], place: Path | str, line: int | None = None
) -> str:
    """The string under the first of `names` that is there.

    Raises:
        DataError: none is there, or it is no string.
    """
    value = next((item[name] for name in names if item.get(name) is not None), None)
    if value is None and (empty := next((name for name in names if name in item), None)):
        raise DataError(f'the field "{empty}" is null; a text is needed', place, line)
    if value is None:
        raise DataError(f'no field "{names[0]}"; found {shown(list(item))}', place, line)
    if not isinstance(value, str):
        raise DataError(f'"{names[0]}" must be a string, found {kind(value)}', place, line)
    return value


def word_list(item: Mapping[str, Any], name: str, place: Path | str, line: int | None = None) -> list[str]:
    """The words under `name`, none of them empty.

    Raises:
        DataError: it is no list of strings, or a word has nothing but spaces.
    """
    words = item.get(name)
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise DataError(f'"{name}" must be a list of strings, found {shown(words)}', place, line)
    for number, word in enumerate(words):
        if not word.strip():
            raise DataError(f'word {number} of "{name}" is empty; leave it out', place, line)
    return words


def text_and_words(
    item: Mapping[str, Any], place: Path | str, line: int | None = None
) -> tuple[str, list[Span] | None]:
    """The text under `text` or `tokens`, and the characters of each of the tokens where there are any.

    Raises:
        DataError: neither is there, one has the wrong type, or `text` is not the joined `tokens`.
    """
    if item.get("tokens") is None:
        return text_field(item, ("text",), place, line), None
    text, words = joined(word_list(item, "tokens", place, line))
    if item.get("text") not in (None, text):
        raise DataError(
            '"text" is not the joined "tokens", and offsets could be of either; give one of the two',
            place,
            line,
        )
    return text, words


def is_integer(value: Any) -> TypeGuard[int]:
    """Whether a value is an integer as JSON has it; Python takes true and false for integers too."""
    return isinstance(value, int) and not isinstance(value, bool)


def identity(item: Mapping[str, Any], place: Path | str, line: int | None = None) -> str | int:
    """The caller's `id`, else the line number as a string.

    Raises:
        DataError: it is neither a string nor an integer.
    """
    value = item.get("id")
    if value is None:
        return str(line or 0)
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise DataError(f'"id" must be a string or an integer, found {kind(value)}', place, line)
    return value


def with_distinct_ids(
    found: Iterable[tuple[Path | str, int | None, E]], path: Path, what: str
) -> Iterator[E]:
    """Examples of a file, at least one, whose ids differ, also as strings: files have them as keys.

    Args:
        found: each example with the place and line where it stands.
        path: the file.
        what: examples of the file are called.

    Raises:
        DataError: an id stands twice, or there is no example.
    """
    seen: set[str] = set()
    for place, line, example in found:
        if str(example.id) in seen:
            raise DataError(f"the id {shown(example.id)} stands twice; ids must differ", place, line)
        seen.add(str(example.id))
        yield example
    if not seen:
        raise DataError(f"the file holds no {what}", path)


def shown(value: Any) -> str:
    """A value on one line, and short whatever the file holds."""
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 3]}..."


def kind(value: Any) -> str:
    """What JSON calls a value."""
    return {dict: "an object", list: "a list", bool: "true or false", type(None): "null"}.get(
        type(value), type(value).__name__
    )
