"""Texts per second of entity recognition against transformers' token-classification pipeline, side by side.

    python benchmarks/entities_speed.py --data DATA/ner/wnut17/dev.conll --model MODEL

All sides read the same texts with the same weights and threads: ours in float32 and int8, the peer with
batches of 1 and 32 as texts come, and of 32 with texts sorted by length. Each is a process of its own and
works in turn; loading is not timed. The peer tags a word by its first piece, and no bias towards finding
more or less is used. Compared are texts per second, peak memory, F1 of entities, and the share of texts
with equal entities. transformers is needed.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline_speed import measure

from spanbert.scoring.spans import SpanCounts
from spanbert.tasks.entities.examples import EntityExample


def f1(examples: Sequence[EntityExample], found: Sequence[list[tuple[int, int, str]]]) -> float:
    """Strict F1 of entities over all texts, in percent."""
    counts = SpanCounts()
    for example, spans in zip(examples, found, strict=True):
        gold = [(one.chars.start, one.chars.end, one.type) for one in example.entities or ()]
        counts.add(gold, [(start, end, name) for start, end, name in spans])
    return counts.strict.f1


if __name__ == "__main__":
    measure(
        "entities",
        "entities are found at least 2.5 times as fast as by transformers' pipeline, at equal predictions",
        __doc__,
        f1,
    )
