"""The errors in a document's clusters by kind, after Kummerfeld and Klein (2013).

Their kinds are told from gold and predicted clusters directly, without the sequence of repairs by which they
arrive at them: each mention, cluster, joining and parting is judged by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter
from string import ascii_uppercase

from spanbert.scoring.analysis import Case, Mark
from spanbert.scoring.spans import paired
from spanbert.tasks.coreference.decode import CoreferencePrediction
from spanbert.tasks.coreference.examples import CoreferenceExample
from spanbert.text.spans import Span

DIVIDED = "divided entity"
CONFLATED = "conflated entities"
MISSING_MENTION = "missing mention"
EXTRA_MENTION = "extra mention"
MISSING_ENTITY = "missing entity"
EXTRA_ENTITY = "extra entity"
BOUNDARY = "boundary"
KINDS = {
    DIVIDED: "Mentions of one entity are in several clusters; an error for each cluster but the first.",
    CONFLATED: "A cluster holds mentions of several entities; an error for each entity but the first.",
    MISSING_MENTION: "A mention was not found, others of its entity were.",
    EXTRA_MENTION: "A cluster that holds gold mentions holds a span that is none.",
    MISSING_ENTITY: "No mention of the entity was found.",
    EXTRA_ENTITY: "No mention of the cluster is gold.",
    BOUNDARY: "A mention has one end of the gold one and is longer or shorter; it counts as found.",
}
"""Errors by kind, each with its meaning."""
MOST_MENTIONS_SHOWN = 4
NOTHING = "no mention"
ENTITY = attrgetter("entity")
CLUSTER = attrgetter("cluster")


@dataclass(frozen=True, slots=True)
class _Mention:
    """A mention that is gold, predicted or both; the characters differ only where the boundary is wrong."""

    gold: Span | None
    made: Span | None
    probability: float | None
    entity: int | None
    """Number of its gold cluster."""
    cluster: int | None
    """Number of its predicted cluster."""

    @property
    def chars(self) -> Span:
        """Where to look for it."""
        chars = self.gold or self.made
        assert chars is not None
        return chars


def errors_of(example: CoreferenceExample, made: CoreferencePrediction) -> list[Case]:
    """All errors of a document with gold, kind by kind, each in the order of the text."""
    mentions = _aligned(example, made)
    return [
        *_divided_or_conflated(example, mentions),
        *_missing(example, mentions),
        *_extra(example, mentions),
        *_boundaries(example, mentions),
    ]


def _aligned(example: CoreferenceExample, made: CoreferencePrediction) -> list[_Mention]:
    """All mentions in the order of the text; gold and predicted ones that share an end are taken for one."""
    entity_of = {span: number for number, entity in enumerate(example.clusters or ()) for span in entity}
    cluster_of = {
        one.chars: number for number, cluster in enumerate(made.clusters) for one in cluster.mentions
    }
    probability = {one.chars: one.probability for cluster in made.clusters for one in cluster.mentions}
    pairs = paired(
        [(span.start, span.end, "") for span in entity_of],
        [(span.start, span.end, "") for span in cluster_of],
    )
    found = []
    for one, other in pairs:
        gold, span = (Span(*ends[:2]) if ends else None for ends in (one, other))
        apart = gold and span and gold.start != span.start and gold.end != span.end
        for wanted, given in [(gold, None), (None, span)] if apart else [(gold, span)]:
            found.append(
                _Mention(
                    wanted,
                    given,
                    None if given is None else probability[given],
                    None if wanted is None else entity_of[wanted],
                    None if given is None else cluster_of[given],
                )
            )
    return sorted(found, key=lambda mention: mention.chars)


def _grouped(
    mentions: Sequence[_Mention], number_of: Callable[[_Mention], int | None]
) -> list[list[_Mention]]:
    """Mentions that have a number, those of one number together."""
    groups: dict[int, list[_Mention]] = {}
    for mention in mentions:
        number = number_of(mention)
        if number is not None:
            groups.setdefault(number, []).append(mention)
    return list(groups.values())


def _divided_or_conflated(example: CoreferenceExample, mentions: Sequence[_Mention]) -> Iterator[Case]:
    both = [mention for mention in mentions if mention.gold and mention.made]
    for entity in _grouped(both, ENTITY):
        for pair in _turns(entity, CLUSTER):
            yield _case(example, DIVIDED, pair, _words(example, pair, " = "), _words(example, pair, " ≠ "))
    for cluster in _grouped(both, CLUSTER):
        for pair in _turns(cluster, ENTITY):
            yield _case(example, CONFLATED, pair, _words(example, pair, " ≠ "), _words(example, pair, " = "))


def _turns(
    group: Sequence[_Mention], number_of: Callable[[_Mention], int | None]
) -> Iterator[tuple[_Mention, _Mention]]:
    """For each number but the first its first mention, with the one before it, which has another number."""
    seen = {number_of(group[0])}
    for before, mention in pairwise(group):
        if number_of(mention) not in seen:
            seen.add(number_of(mention))
            yield before, mention


def _missing(example: CoreferenceExample, mentions: Sequence[_Mention]) -> Iterator[Case]:
    for entity in _grouped(mentions, ENTITY):
        if not any(mention.made for mention in entity):
            shown = entity[:MOST_MENTIONS_SHOWN]
            yield _case(example, MISSING_ENTITY, shown, _words(example, shown, " = "), NOTHING)
            continue
        for place, mention in enumerate(entity):
            if not mention.made:
                shown = _with_neighbour(entity, place)
                yield _case(example, MISSING_MENTION, shown, _words(example, shown, " = "), NOTHING)


def _extra(example: CoreferenceExample, mentions: Sequence[_Mention]) -> Iterator[Case]:
    for cluster in _grouped(mentions, CLUSTER):
        if not any(mention.gold for mention in cluster):
            shown = cluster[:MOST_MENTIONS_SHOWN]
            sure = min(mention.probability or 0.0 for mention in cluster)
            yield _case(example, EXTRA_ENTITY, shown, NOTHING, _words(example, shown, " = "), confidence=sure)
            continue
        for place, mention in enumerate(cluster):
            if not mention.gold:
                shown = _with_neighbour(cluster, place)
                told = _words(example, shown, " = ")
                yield _case(example, EXTRA_MENTION, shown, NOTHING, told, confidence=mention.probability)


def _with_neighbour(group: list[_Mention], place: int) -> list[_Mention]:
    """A mention, and the one of its group before it, or behind it for the first; one alone has none."""
    return [group[place], *group[place - 1 : place]] if place else group[:2]


def _boundaries(example: CoreferenceExample, mentions: Sequence[_Mention]) -> Iterator[Case]:
    for mention in mentions:
        if mention.gold and mention.made and mention.gold != mention.made:
            words, found = (example.text[span.start : span.end] for span in (mention.gold, mention.made))
            yield _case(example, BOUNDARY, [mention], words, found, confidence=mention.probability)


def _words(example: CoreferenceExample, mentions: Sequence[_Mention], between: str) -> str:
    return between.join(example.text[one.chars.start : one.chars.end] for one in mentions)


def _case(
    example: CoreferenceExample,
    kind: str,
    mentions: Sequence[_Mention],
    gold: str,
    predicted: str,
    *,
    confidence: float | None = None,
) -> Case:
    """A case whose marks number the entities shown 1, 2 ... and the clusters A, B ..."""
    entities = list(dict.fromkeys(one.entity for one in mentions if one.entity is not None))
    clusters = list(dict.fromkeys(one.cluster for one in mentions if one.cluster is not None))
    marks: list[Mark] = []
    for one in mentions:
        if one.gold and one.entity is not None:
            marks.append(Mark(one.gold, "gold", str(1 + entities.index(one.entity))))
        if one.made and one.cluster is not None:
            marks.append(Mark(one.made, "model", ascii_uppercase[clusters.index(one.cluster)]))
    return Case(example.id, kind, confidence, example.text, tuple(marks), gold, predicted)
