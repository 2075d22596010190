"""Records of spans to clusters of mentions in characters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spanbert.tasks.coreference.examples import CoreferenceExample
from spanbert.tasks.coreference.features import CoreferenceFeature
from spanbert.tasks.coreference.linking import link
from spanbert.tasks.coreference.model import Mentions
from spanbert.tasks.coreference.naming import cluster_name, naming_rank, resolved
from spanbert.tasks.coreference.segments import Document
from spanbert.tasks.coreference.settings import CoreferenceSettings
from spanbert.text.alignment import chars_of_pieces, with_marks
from spanbert.text.passages import EMPTY_LINES
from spanbert.text.spans import FoundSpan, Span


@dataclass(frozen=True, slots=True)
class Mention(FoundSpan):
    """A span that means something."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Mentions of one and the same, in the order of the text.

    Args:
        name: the text of the mention that says best what they mean.
        mentions: at least one.
    """

    name: str
    mentions: tuple[Mention, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain types."""
        return {"name": self.name, "mentions": [mention.to_json() for mention in self.mentions]}


@dataclass(frozen=True, slots=True)
class CoreferencePrediction:
    """What the model finds in one document.

    Args:
        id: the example's id.
        text: the document; characters of mentions count in it.
        clusters: in the order of their first mentions.
        alone: spans without links that are mentions if the threshold says so; none where singletons are not
            wanted.
        windows: how many segments of the document were read.
        covered_chars: characters of it that were read.
    """

    id: str | int
    text: str
    clusters: tuple[Cluster, ...]
    alone: tuple[Mention, ...]
    windows: int
    covered_chars: int

    @property
    def resolved_text(self) -> str:
        """The text with pronouns replaced by the names of their clusters."""
        named = [(one.name, [mention.chars for mention in one.mentions]) for one in self.clusters]
        return resolved(self.text, named)

    def to_json(self) -> dict[str, Any]:
        """Plain types; one line of `predictions.jsonl`, which can be corrected and trained on."""
        return {
            "id": self.id,
            "text": self.text,
            "clusters": [cluster.to_json() for cluster in self.clusters],
            "resolved_text": self.resolved_text,
            "windows": self.windows,
            "covered_chars": self.covered_chars,
        }


def decode(
    example: CoreferenceExample,
    features: Sequence[CoreferenceFeature],
    outputs: Sequence[Mentions],
    settings: CoreferenceSettings,
) -> CoreferencePrediction:
    """The clusters of a document from the spans of all its segments.

    Args:
        example: the document.
        features: all of them, one segment each, in order.
        outputs: what the model keeps of each.
        settings: reach of links, singletons, threshold, temperature.
    """
    document = features[0].document
    records = np.concatenate(outputs)
    chars = [_chars(example.text, document, int(one["start"]), int(one["end"])) for one in records]
    # Two spans of words can be the same characters where words have none of their own. What reaches over an
    # empty line or the end of a page, from a title into its text for example, means nothing.
    distinct = {
        span: place
        for place, span in reversed(list(enumerate(chars)))
        if len(span) and not EMPTY_LINES.search(example.text, span.start, span.end)
    }
    places = sorted(distinct.values())
    records = records[places] if len(places) < len(records) else records
    mentions = [
        Mention(example.text[chars[place].start : chars[place].end], chars[place], float(score), 0.0)
        for place, score in zip(places, records["score"], strict=True)
    ]
    ranks = np.asarray([naming_rank(mention.text) for mention in mentions], dtype=np.int64)
    numbers = link(records, ranks, settings.antecedent_mentions, settings.antecedent_clusters)
    grouped: dict[int, list[Mention]] = {}
    for number, mention in zip(numbers.tolist(), mentions, strict=True):
        grouped.setdefault(number, []).append(mention)
    linked = tuple(_named(group) for group in grouped.values() if len(group) > 1)
    alone = tuple(group[0] for group in grouped.values() if len(group) == 1 and settings.singletons)
    found = CoreferencePrediction(
        example.id, example.text, linked, alone, len(features), document.covered_chars
    )
    return reconsider(found, settings)


def reconsider(prediction: CoreferencePrediction, settings: CoreferenceSettings) -> CoreferencePrediction:
    """The same links with the singletons and probabilities that `settings` make of their scores."""

    def weighed(mention: Mention) -> Mention:
        return replace(mention, probability=float(1 / (1 + np.exp(-mention.score / settings.temperature))))

    linked = [
        Cluster(cluster.name, tuple(map(weighed, cluster.mentions)))
        for cluster in prediction.clusters
        if len(cluster.mentions) > 1
    ]
    alone = tuple(map(weighed, prediction.alone))
    single = [
        _named([mention])
        for mention in alone
        if settings.singletons and mention.probability >= settings.mention_threshold
    ]
    clusters = sorted([*linked, *single], key=lambda cluster: cluster.mentions[0].chars)
    return replace(prediction, clusters=tuple(clusters), alone=alone)


def _named(mentions: list[Mention]) -> Cluster:
    return Cluster(cluster_name([mention.text for mention in mentions]), tuple(mentions))


def _chars(text: str, document: Document, first_word: int, last_word: int) -> Span:
    words = document.words
    pieces = Span(int(words.piece_starts[first_word]), int(words.piece_ends[last_word]))
    return with_marks(text, chars_of_pieces(document.pieces, pieces))
