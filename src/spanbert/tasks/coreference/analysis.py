"""Where the errors of coreference are: by kind, by kind and length of mention, by what training has seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from spanbert.scoring.analysis import (
    Analysis,
    Case,
    Score,
    Slice,
    SliceTable,
    counted_kinds,
    most_confident_first,
    suspects,
)
from spanbert.scoring.coreference import conll_f1, conll_interval, document_counts, scores
from spanbert.scoring.slices import (
    FEWEST_FOR_INTERVAL,
    Judged,
    confidence_ranges,
    f1_table,
    mean_table,
    ranged,
)
from spanbert.tasks.coreference import errors as kinds
from spanbert.tasks.coreference.decode import CoreferencePrediction
from spanbert.tasks.coreference.examples import CoreferenceExample
from spanbert.tasks.coreference.metrics import NAME, predicted_spans
from spanbert.tasks.coreference.naming import naming_rank
from spanbert.text.spans import Span
from spanbert.text.words import word_count

MENTIONS = ("pronoun", "other", "proper name")
"""Kinds of mention by their naming rank."""
MENTION_WORDS = (1, 2, 3, 5, 10)
CLUSTER_MENTIONS = (1, 2, 3, 5, 10, 20)
DOCUMENT_WORDS = (0, 250, 500, 1000, 2000, 5000)
TRAINING_COUNTS = (0, 1, 2, 5, 20, 100)

Pair = tuple[CoreferenceExample, CoreferencePrediction]


def analyse(
    examples: Sequence[CoreferenceExample],
    predictions: Sequence[CoreferencePrediction],
    training: Iterable[CoreferenceExample] | None = None,
) -> Analysis | None:
    """Scores of parts of the data and all errors; documents without gold clusters are left out.

    Args:
        examples: None is returned where none has gold clusters, as in GAP's table.
        predictions: one for each.
        training: what the model was trained on, if it can be had.
    """
    pairs = [
        (example, made)
        for example, made in zip(examples, predictions, strict=True)
        if example.clusters is not None
    ]
    if not pairs:
        return None
    cases: list[Case] = []
    for example, made in pairs:
        cases += kinds.errors_of(example, made)
    ordered = most_confident_first(cases)
    found = [
        (mention.probability, mention.chars in gold)
        for example, made in pairs
        for gold in [{span for cluster in example.clusters or () for span in cluster}]
        for cluster in made.clusters
        for mention in cluster.mentions
    ]
    usual = [probability for probability, right in found if right]
    return Analysis(
        task=NAME,
        counted="gold mentions",
        judged=sum(len(cluster) for example, _ in pairs for cluster in example.clusters or ()),
        tables=(
            *_document_tables(pairs),
            *_mention_tables(pairs, training),
            _cluster_table(pairs),
            _by_confidence(found),
        ),
        kinds=counted_kinds(kinds.KINDS, ordered),
        errors=ordered,
        suspects=suspects(ordered, {kinds.EXTRA_MENTION: usual, kinds.EXTRA_ENTITY: usual}),
    )


def _document_tables(pairs: Sequence[Pair]) -> Iterable[SliceTable]:
    metrics = ("MUC", "B³", "CEAF-e", "LEA", "CoNLL F1")
    yield SliceTable(
        "All documents",
        "documents",
        metrics,
        (_score_slice("all", pairs),),
        "F1 of each metric; CoNLL is the mean of the first three.",
    )
    groups, order = ranged(
        [word_count(example.text) for example, _ in pairs], DOCUMENT_WORDS, "word", "words"
    )
    parts = {name: [pair for pair, own in zip(pairs, groups, strict=True) if own == name] for name in order}
    slices = tuple(_score_slice(name, inside) for name, inside in parts.items() if inside)
    yield SliceTable("By length of the document", "documents", metrics, slices)


def _score_slice(name: str, pairs: Sequence[Pair]) -> Slice:
    counts = [document_counts(example.clusters or (), predicted_spans(made)) for example, made in pairs]
    total = np.sum(counts, axis=0)
    interval = conll_interval(counts) if len(counts) >= FEWEST_FOR_INTERVAL else None
    values = scores(total)
    singles = (Score(values[metric].f1, None) for metric in ("muc", "b_cubed", "ceaf_e", "lea"))
    return Slice(name, len(pairs), (*singles, Score(float(conll_f1(total)), interval)))


def _mention_tables(
    pairs: Sequence[Pair], training: Iterable[CoreferenceExample] | None
) -> Iterable[SliceTable]:
    judged: list[Judged] = []
    texts: list[str] = []
    for number, (example, made) in enumerate(pairs):
        gold = {span for cluster in example.clusters or () for span in cluster}
        found = {mention.chars for cluster in made.clusters for mention in cluster.mentions}
        for span in sorted(gold | found):
            judged.append(Judged(number, span in gold, span in found))
            texts.append(example.text[span.start : span.end])

    def table(title: str, group_of: Sequence[str | None], order: Sequence[str], note: str = "") -> SliceTable:
        return f1_table(title, "gold mentions", judged, group_of, order, texts=len(pairs), note=note)

    yield table(
        "Mentions", ["all"] * len(texts), ["all"], "Whether mentions were found, whatever their cluster."
    )
    yield table("Mentions by kind", [MENTIONS[naming_rank(text)] for text in texts], MENTIONS)
    yield table(
        "Mentions by length", *ranged([word_count(text) for text in texts], MENTION_WORDS, "word", "words")
    )
    if training is not None:
        seen = Counter(
            example.text[span.start : span.end].casefold()
            for example in training
            for cluster in example.clusters or ()
            for span in cluster
        )
        yield table(
            "Mentions by how often they stand in the training data",
            *ranged([seen[text.casefold()] for text in texts], TRAINING_COUNTS, "time", "times"),
            "The same text, whatever its case; 0 times is unseen.",
        )


def _cluster_table(pairs: Sequence[Pair]) -> SliceTable:
    """How much of each gold cluster was kept together."""
    sizes: list[int | None] = []
    found: list[float] = []
    kept: list[float] = []
    for example, made in pairs:
        cluster_of: dict[Span, int] = {}
        alone: set[Span] = set()
        for number, cluster in enumerate(made.clusters):
            cluster_of |= {mention.chars: number for mention in cluster.mentions}
            alone |= {mention.chars for mention in cluster.mentions if len(cluster.mentions) == 1}
        for entity in example.clusters or ():
            numbers = [cluster_of.get(span) for span in entity]
            together = Counter(number for number in numbers if number is not None)
            sizes.append(len(entity))
            found.append(together.total() / len(entity))
            links, held = _pairs(len(entity)), sum(map(_pairs, together.values()))
            kept.append(held / links if links else float(entity[0] in alone))
    return mean_table(
        "Clusters by size",
        "gold clusters",
        *ranged(sizes, CLUSTER_MENTIONS, "mention", "mentions"),
        {"mentions found": np.array(found), "links kept": np.array(kept)},
        note="Means over gold clusters. A link joins two mentions of a cluster; that of a single mention is "
        "kept where it was found alone.",
    )


def _pairs(count: int) -> int:
    return count * (count - 1) // 2


def _by_confidence(found: Sequence[tuple[float, bool]]) -> SliceTable:
    return mean_table(
        "Mentions by the model's confidence",
        "found mentions",
        *confidence_ranges([probability for probability, _ in found]),
        {"precision": np.array([right for _, right in found], dtype=np.float64)},
        note="The probability that the model gave to a mention. Where it means what it says, precision lies "
        "within the range.",
    )
