"""Documents with all their entities, and the pairs in which they are read."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from spanbert.tasks.relations.examples import Argument, RelationExample
from spanbert.tasks.relations.fields import Item
from spanbert.text.fields import kind, shown


@dataclass(frozen=True, slots=True)
class RelationDocument:
    """A text with its entities.

    Args:
        id: the caller's name for it.
        text: of the document.
        entities: in any order; they may overlap.
        relations: gold names of the ordered pairs (numbers of subject and object) that have a relation; None
            when nobody said.
    """

    id: str | int
    text: str
    entities: tuple[Argument, ...]
    relations: dict[tuple[int, int], tuple[str, ...]] | None = None

    def pairs(
        self, *, both_orders: bool = True, most_chars_between: int | None = None
    ) -> Iterator[RelationExample]:
        """Every ordered pair of two different entities, and those of an entity with itself that have gold.

        Args:
            both_orders: each two entities as (a, b) and (b, a); else with the earlier one as subject, which
                is enough where the labels say the direction.
            most_chars_between: leave out pairs further apart, unless they have gold; None leaves out none.

        Returns:
            Pairs in the order of the entities; their ids are `DOCUMENT:SUBJECT-OBJECT`, entities by number.
        """
        gold = self.relations or {}
        with_gold: dict[int, list[int]] = defaultdict(list)
        for first, second in gold:
            with_gold[first].append(second)
        near = self._near(most_chars_between)
        for first, subject in enumerate(self.entities):
            for second in sorted({*near[first], *with_gold[first]}):
                target = self.entities[second]
                names = gold.get((first, second), ())
                in_order = (subject.chars, first) < (target.chars, second)
                if names or (first != second and (both_orders or in_order)):
                    yield RelationExample(
                        f"{self.id}:{first}-{second}",
                        self.text,
                        subject,
                        target,
                        None if self.relations is None else names,
                        self.id,
                    )

    def _near(self, most_chars_between: int | None) -> list[Sequence[int]]:
        """For each entity the numbers of those that are near enough to it."""
        numbers = range(len(self.entities))
        if most_chars_between is None:
            return [numbers for _ in numbers]
        by_place = sorted(numbers, key=lambda number: self.entities[number].chars)
        starts = [self.entities[number].chars.start for number in by_place]
        near: list[list[int]] = [[] for _ in numbers]
        for place, first in enumerate(by_place):
            # Those that start no earlier; whatever starts before this one's end overlaps it.
            reach = self.entities[first].chars.end + most_chars_between
            for second in by_place[place + 1 : bisect_right(starts, reach)]:
                near[first].append(second)
                near[second].append(first)
        return [*near]


def parse_document(item: Item) -> RelationDocument:
    """A JSON object with `text` or `tokens`, `entities` and, as gold, `relations`.

    Raises:
        DataError: a field is missing or wrong, or a relation names an entity that is not there.
    """
    text, words = item.text_and_words()
    given = item.fields.get("entities")
    if not isinstance(given, list):
        raise item.error(f'"entities" must be a list, found {kind(given)}')
    entities = tuple(
        item.entity(value, text, words, f"entity {number}") for number, value in enumerate(given)
    )
    numbers: dict[Any, int] = {number: number for number in range(len(given))}
    for number, value in enumerate(given):
        if isinstance(value, dict) and isinstance(value.get("id"), str):
            numbers[value["id"]] = number
    return RelationDocument(item.identity(), text, entities, _gold(item, numbers))


def _gold(item: Item, numbers: dict[Any, int]) -> dict[tuple[int, int], tuple[str, ...]] | None:
    given = item.fields.get("relations")
    if given is None:
        return None
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise item.error('"relations" must be a list of objects with subject, object and relation')
    gold: dict[tuple[int, int], tuple[str, ...]] = {}
    for one in given:
        ends = []
        for role in ("subject", "object"):
            entity = one.get(role)
            if isinstance(entity, bool) or not isinstance(entity, int | str) or entity not in numbers:
                raise item.error(
                    f"a relation's {role} must be the number (from 0) or the id of an entity, "
                    f"found {shown(entity)}"
                )
            ends.append(numbers[entity])
        names = Item(one, item.place, item.line).relations()
        if not names:
            raise item.error(f'a relation has no name in "relation": {shown(one)}')
        pair = (ends[0], ends[1])
        gold[pair] = tuple(dict.fromkeys((*gold.get(pair, ()), *names)))
    return gold
