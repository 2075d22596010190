"""Texts per second of classification against transformers' text-classification pipeline, side by side.

    python benchmarks/classification_speed.py --data DATA/classification/sst2/dev.tsv --model MODEL

All sides read the same texts with the same weights and threads: ours in float32 and int8, the peer with
batches of 1 and 32 as texts come, and of 32 with texts sorted by length. Each is a process of its own and
works in turn; loading is not timed. The peer cuts off what is longer than the encoder reads, ours reads it
in windows. Compared are texts per second, peak memory, accuracy, and the share of texts with equal labels.
transformers is needed.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline_speed import measure

from spanbert.tasks.classification.examples import ClassificationExample


def accuracy(examples: Sequence[ClassificationExample], found: Sequence[str]) -> float:
    """Share of right labels, in percent."""
    right = sum(example.gold == label for example, label in zip(examples, found, strict=True))
    return 100 * right / len(examples)


if __name__ == "__main__":
    measure(
        "classification",
        "texts are classified at least 2.5 times as fast as by transformers' pipeline, at equal predictions",
        __doc__,
        accuracy,
    )
