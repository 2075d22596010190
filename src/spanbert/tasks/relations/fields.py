"""Fields of one JSON object that describes a pair or a document: text, entities, relations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spanbert.errors import DataError
from spanbert.tasks.relations.examples import Argument
from spanbert.text.fields import identity, is_integer, kind, shown, text_and_words, word_list
from spanbert.text.spans import Span


@dataclass(frozen=True, slots=True)
class Item:
    """A JSON object and where it stands.

    Args:
        fields: the object.
        place: file, or what else names the source.
        line: of the object, if it has a line of its own.
        number: of the object in a list, from 1; its id where it brings none and has no line.
    """

    fields: Mapping[str, Any]
    place: Path | str
    line: int | None
    number: int | None = None

    def error(self, message: str) -> DataError:
        """The error that names this place."""
        return DataError(message, self.place, self.line)

    def identity(self) -> str | int:
        """The caller's `id`, else the number of line or object. Raises DataError."""
        if self.fields.get("id") is None and self.line is None:
            return str(self.number or 0)
        return identity(self.fields, self.place, self.line)

    def text_and_words(self) -> tuple[str, list[Span] | None]:
        """The text; and the characters of each of its tokens, where it is given as such. Raises DataError."""
        return text_and_words(self.fields, self.place, self.line)

    def tokens(self, name: str) -> list[str]:
        """A list of words, none of them empty. Raises DataError."""
        return word_list(self.fields, name, self.place, self.line)

    def integer(self, name: str) -> int:
        """An integer. Raises DataError."""
        if name not in self.fields:
            raise self.error(f'no field "{name}"; found {shown(list(self.fields))}')
        value = self.fields[name]
        if not is_integer(value):
            raise self.error(f'"{name}" must be an integer, found {kind(value)}')
        return value

    def optional_string(self, name: str) -> str | None:
        """A string that is not empty, or None where it is absent. Raises DataError."""
        value = self.fields.get(name)
        if value is not None and (not isinstance(value, str) or not value):
            raise self.error(f'"{name}" must be a string that is not empty, found {shown(value)}')
        return value

    def argument(self, name: str, text: str, words: Sequence[Span] | None) -> Argument:
        """The entity under `name`. Raises DataError."""
        if self.fields.get(name) is None:
            raise self.error(f'no field "{name}"; found {shown(list(self.fields))}')
        found = self.entity(self.fields[name], text, words, f'"{name}"')
        given = self.optional_string(f"{name}_type")
        return found if given is None else Argument(found.chars, given)

    def entity(self, value: Any, text: str, words: Sequence[Span] | None, what: str) -> Argument:
        """An entity: an object with characters, or a list [start, end] or [start, end, type].

        A list counts tokens (inclusive) where the text is given as tokens, else characters (half-open).

        Raises:
            DataError: another form, a list where the text is given both ways, a place outside of the text, or
                nothing but spaces there.
        """
        start: Any
        end: Any
        if isinstance(value, Mapping):
            start, end = value.get("char_start"), value.get("char_end")
            name, stated = value.get("type"), value.get("text")
        elif isinstance(value, list) and len(value) in (2, 3):
            start, end, name = value if len(value) == 3 else (*value, None)
            stated = None
        else:
            raise self.error(
                f"{what} must be a list [start, end] or an object with char_start and char_end, "
                f"found {shown(value)}"
            )
        if not is_integer(start) or not is_integer(end):
            raise self.error(f"{what} needs two integers as its start and end, found {shown(value)}")
        if name is not None and (not isinstance(name, str) or not name):
            raise self.error(f"the type of {what} must be a string that is not empty, found {shown(name)}")
        if words is not None and isinstance(value, list):
            if self.fields.get("text") is not None:
                raise self.error(
                    f'{what} {shown(value)} could count the "tokens" or the characters of "text"; leave out '
                    "one of the two, or give an object with char_start and char_end"
                )
            return Argument(self.chars_of_tokens(start, end, words, what), name)
        chars = self._chars(start, end, text, what)
        if stated is not None and stated != text[chars.start : chars.end]:
            raise self.error(
                f"{what} has the text {shown(stated)}, but characters {start} to {end} are "
                f"{shown(text[chars.start : chars.end])}; offsets count code points"
            )
        return Argument(chars, name)

    def chars_of_tokens(self, first: int, last: int, words: Sequence[Span], what: str) -> Span:
        """Characters of the tokens from the first to the last, both included. Raises DataError."""
        if not 0 <= first <= last < len(words):
            raise self.error(
                f"{what}: tokens {first} to {last} (both included) are empty or outside of the "
                f"{len(words)} tokens"
            )
        return Span(words[first].start, words[last].end)

    def relations(self, name: str = "relation") -> tuple[str, ...] | None:
        """The names under `relation`: a string, or a list; None where it is absent. Raises DataError."""
        value = self.fields.get(name)
        if value is None:
            return None
        names = value if isinstance(value, list) else [value]
        if not all(isinstance(one, str) and one.strip() for one in names):
            raise self.error(f'"{name}" must be a name or a list of names, found {shown(value)}')
        return tuple(dict.fromkeys(names))

    def _chars(self, start: int, end: int, text: str, what: str) -> Span:
        if not 0 <= start < end <= len(text):
            raise self.error(
                f"{what}: characters {start} to {end} are empty or outside of the text, which has "
                f"{len(text)}; offsets count code points, and the end is not included"
            )
        if not text[start:end].strip():
            raise self.error(f"{what}: characters {start} to {end} are nothing but spaces")
        return Span(start, end)
