"""Information extraction: entities, clusters of mentions and relations of whole documents in one call."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from spanbert.checkpoint.source import read_checkpoint
from spanbert.errors import SettingsError
from spanbert.tasks.coreference.decode import Cluster
from spanbert.tasks.coreference.examples import CoreferenceExample
from spanbert.tasks.entities.examples import EntityExample
from spanbert.tasks.relations.documents import RelationDocument
from spanbert.tasks.relations.examples import Argument
from spanbert.tasks.relations.metrics import DIRECTION, says_direction
from spanbert.text.documents import Document, Skipped
from spanbert.text.spans import Span
from spanbert.workflows.model_source import can_do
from spanbert.workflows.predict import Predictor, load

TASKS = ("entities", "coreference", "relations")
LEFT_OUT = "none"
"""In place of a model: the task is not done."""
CHARS_AT_ONCE = 50_000
DOCUMENTS_AT_ONCE = 64
DETERMINER = re.compile(r"(?:the|a|an)\s+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ExtractedEntity:
    """An entity of a document.

    Args:
        text: its words.
        type: its kind.
        chars: where it stands.
        probability: calibrated chance that it is one.
        cluster: number of the cluster that has a mention at the same place; None without one.
    """

    text: str
    type: str
    chars: Span
    probability: float
    cluster: int | None = None


@dataclass(frozen=True, slots=True)
class ExtractedRelation:
    """A relation from one entity to another, both by their numbers in the extraction."""

    subject: int
    object: int
    relation: str
    probability: float


@dataclass(frozen=True, slots=True)
class Extraction:
    """What was found in one document; all characters are those of its text."""

    document: Document
    entities: tuple[ExtractedEntity, ...]
    clusters: tuple[Cluster, ...]
    relations: tuple[ExtractedRelation, ...]

    @property
    def file(self) -> str:
        """The document's path; a byte of it that is no UTF-8 is shown as `?`."""
        return str(self.document.path).encode("utf-8", "replace").decode("utf-8")

    def place(self, chars: Span) -> dict[str, Any]:
        """Where a span stands: characters, and line and page for kinds of file that have them."""
        return {
            "char_start": chars.start,
            "char_end": chars.end,
            "line": self.document.line(chars.start),
            "page": self.document.page(chars.start),
        }

    def to_json(self) -> dict[str, Any]:
        """Plain types; one document of `extract --json`."""
        return {
            "file": self.file,
            "text": self.document.text,
            "entities": [
                {
                    "id": number,
                    "text": one.text,
                    "type": one.type,
                    **self.place(one.chars),
                    "probability": round(one.probability, 6),
                    "cluster": one.cluster,
                }
                for number, one in enumerate(self.entities)
            ],
            "clusters": [
                {
                    "id": number,
                    "name": cluster.name,
                    "mentions": [
                        {
                            "text": mention.text,
                            **self.place(mention.chars),
                            "probability": round(mention.probability, 6),
                        }
                        for mention in cluster.mentions
                    ],
                }
                for number, cluster in enumerate(self.clusters)
            ],
            "relations": [
                {
                    "subject": one.subject,
                    "object": one.object,
                    "relation": one.relation,
                    "probability": round(one.probability, 6),
                }
                for one in self.relations
            ],
            "notes": list(self.document.notes),
        }


class Extractor:
    """The models of an extraction; a task without one is left out.

    Args:
        entities: finds entities.
        coreference: links mentions.
        relations: judges pairs of entities, and so needs a model of entities.
        most_chars_between: pairs of entities further apart are not judged.

    Raises:
        SettingsError: there is nothing to extract with.
    """

    def __init__(
        self,
        entities: Predictor | None = None,
        coreference: Predictor | None = None,
        relations: Predictor | None = None,
        *,
        most_chars_between: int = 250,
    ) -> None:
        if most_chars_between < 0:
            raise SettingsError(f"most_chars_between must not be negative, got {most_chars_between}")
        if entities is None and coreference is None:
            raise SettingsError("extract needs a model of entities or coreference (--model mini is both)")
        if relations is not None and entities is None:
            raise SettingsError("relations hold between entities: a model of entities is needed too")
        self.entities = entities
        self.coreference = coreference
        self.relations = relations
        self.most_chars_between = most_chars_between

    @classmethod
    def load(
        cls,
        model: str | None = None,
        *,
        entities: str | None = None,
        coreference: str | None = None,
        relations: str | None = None,
        precision: str = "float32",
        offline: bool = False,
        most_chars_between: int = 250,
    ) -> Extractor:
        """Models by name.

        Args:
            model: gives every task that it can do and that nothing else is named for.
            entities: model of entities, or `none` to leave them out.
            coreference: model of coreference, likewise.
            relations: model of relations, likewise.
            precision: arithmetic of the matrix products.
            offline: take hub ids from the cache only.
            most_chars_between: as of `Extractor`.

        Raises:
            SpanbertError: a named model cannot do its task, or there is nothing to extract with.
        """
        named = dict(zip(TASKS, (entities, coreference, relations), strict=True))
        able = read_checkpoint(model, offline=offline) if model is not None else None
        found = {
            task: load(name or model or "", task, offline=offline, precision=precision)
            for task, name in named.items()
            if name != LEFT_OUT and (name is not None or (able is not None and can_do(able, task)))
        }
        if not found:
            raise SettingsError(
                f"{model}: can do none of {', '.join(TASKS)}; name models that can with "
                f"{', '.join(f'--{task}' for task in TASKS)}"
            )
        if "entities" not in found and relations in (None, LEFT_OUT):
            found.pop("relations", None)
        return cls(**found, most_chars_between=most_chars_between)

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that have a model."""
        return tuple(task for task in TASKS if getattr(self, task) is not None)

    def extract(self, documents: Iterable[Document]) -> Iterator[Extraction]:
        """Extractions in the order of the documents, as a stream.

        Documents are read in groups, so that small ones share the models' batches.
        """
        for group in _groups(documents):
            texts = [(str(number), document.text) for number, document in enumerate(group)]
            clusters = self._clusters(texts)
            entities = self._entities(texts, clusters)
            relations = self._relations(texts, entities)
            for made in zip(group, entities, clusters, relations, strict=True):
                yield Extraction(*made)

    def _clusters(self, texts: Sequence[tuple[str, str]]) -> list[tuple[Cluster, ...]]:
        if self.coreference is None:
            return [()] * len(texts)
        examples = [CoreferenceExample(name, text) for name, text in texts]
        return [made.clusters for made in self.coreference.predict(examples)]

    def _entities(
        self, texts: Sequence[tuple[str, str]], clusters: Sequence[tuple[Cluster, ...]]
    ) -> list[tuple[ExtractedEntity, ...]]:
        if self.entities is None:
            return [()] * len(texts)
        examples = [EntityExample(name, text) for name, text in texts]
        found = []
        for (_, text), linked, made in zip(texts, clusters, self.entities.predict(examples), strict=True):
            numbers = _clusters_by_place(text, linked)
            found.append(
                tuple(
                    ExtractedEntity(
                        one.text,
                        one.type,
                        one.chars,
                        one.probability,
                        numbers.get(without_determiner(text, one.chars)),
                    )
                    for one in made.entities
                )
            )
        return found

    def _relations(
        self, texts: Sequence[tuple[str, str]], entities: Sequence[tuple[ExtractedEntity, ...]]
    ) -> list[tuple[ExtractedRelation, ...]]:
        if self.relations is None:
            return [()] * len(texts)
        directed = says_direction(self.relations.task.settings)
        pairs = [  # a list, so that the time left can be told
            pair
            for (name, text), several in zip(texts, entities, strict=True)
            for pair in RelationDocument(
                name, text, tuple(Argument(one.chars, one.type) for one in several)
            ).pairs(both_orders=not directed, most_chars_between=self.most_chars_between)
        ]
        # Asked in both orders, a pair may say one relation twice: Cause(e1,e2), and turned Cause(e2,e1).
        found: list[dict[tuple[int, int, str], float]] = [{} for _ in texts]
        for made in self.relations.predict(pairs):
            likeliest = found[int(made.example.document)]
            subject, target = map(int, made.example.id.rpartition(":")[2].split("-"))
            for one in made.relations:
                name, ends = oriented(one.relation, (subject, target))
                key = (*ends, name)
                likeliest[key] = max(one.probability, likeliest.get(key, 0.0))
        return [
            tuple(ExtractedRelation(*key, probability) for key, probability in likeliest.items())
            for likeliest in found
        ]


def oriented(relation: str, pair: tuple[int, int]) -> tuple[str, tuple[int, int]]:
    """A relation's name without its direction, and the pair with the subject first.

    >>> oriented("Cause-Effect(e2,e1)", (3, 7))
    ('Cause-Effect', (7, 3))
    """
    found = DIRECTION.search(relation)
    if found is None:
        return relation, pair
    return relation[: found.start()], pair if found[1] == "e1,e2" else (pair[1], pair[0])


def without_determiner(text: str, chars: Span) -> Span:
    """A span without an article in front, by which entities and mentions of one thing differ."""
    found = DETERMINER.match(text, chars.start, chars.end)
    return Span(found.end(), chars.end) if found else chars


def _clusters_by_place(text: str, clusters: Sequence[Cluster]) -> dict[Span, int]:
    return {
        without_determiner(text, mention.chars): number
        for number, cluster in enumerate(clusters)
        for mention in cluster.mentions
    }


def _groups(documents: Iterable[Document]) -> Iterator[list[Document]]:
    group: list[Document] = []
    chars = 0
    for document in documents:
        if group and (chars + len(document.text) > CHARS_AT_ONCE or len(group) == DOCUMENTS_AT_ONCE):
            yield group  # so that a long document keeps no short one waiting
            group, chars = [], 0
        group.append(document)
        chars += len(document.text)
    if group:
        yield group


def readable(found: Iterable[Document | Skipped], skipped: list[Skipped]) -> Iterator[Document]:
    """The documents of what `read_documents` gives; what was skipped, and what was left out, is noted."""
    for one in found:
        if isinstance(one, Skipped):
            skipped.append(one)
        else:
            skipped += [Skipped(one.path, note) for note in one.notes]
            yield one
