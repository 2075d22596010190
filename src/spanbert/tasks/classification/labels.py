"""What the labels of training data are: their kind, their names, their weights, the scale of numbers."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np

from spanbert.errors import DataError, SettingsError
from spanbert.tasks.classification.examples import ClassificationExample, Gold, as_number
from spanbert.tasks.classification.settings import ClassificationSettings, Kind
from spanbert.text.fields import shown

DECIMAL_COMMA = re.compile(r"[+-]?\d+(,\d+)?")
NUMBER = "score"
"""The one label of a task that predicts a number."""


def label_names(gold: Gold) -> tuple[str, ...]:
    """The names that a gold label stands for; of a whole number as an integer, since a frame with a missing
    label makes 1 into 1.0.
    """
    if isinstance(gold, tuple):
        return gold
    return (str(int(gold)),) if isinstance(gold, float) and gold.is_integer() else (str(gold),)


def learned(
    examples: Sequence[ClassificationExample], settings: ClassificationSettings
) -> ClassificationSettings:
    """Settings with kind and labels (or mean and deviation) as the training data has them.

    Raises:
        DataError: no example has a label, all have the same, or one has several where one is right.
        SettingsError: labels were said and the data has others.
    """
    golds = [example.gold for example in examples if example.gold is not None]
    if not golds:
        raise DataError("training needs texts with labels; the data has none")
    kind = _kind(examples, golds) if settings.kind == "auto" else settings.kind
    settings = settings.model_copy(update={"paired": _paired(examples)})
    if kind == "number":
        return _with_scale(examples, settings)
    counts = Counter(name for gold in golds for name in label_names(gold))
    if kind == "one":
        _check_one(examples)
        _warn_of_lists(counts)
        _warn_of_rare(counts)
    labels = settings.labels or tuple(sorted(counts))
    if unknown := sorted(set(counts) - set(labels)):
        raise SettingsError(f"the training data has labels that the settings do not name: {shown(unknown)}")
    if len(labels) < (2 if kind == "one" else 1):
        raise DataError(f"all texts have the label {shown(labels[0])}; nothing can be learned from that")
    weights = _weights(kind, labels, counts, len(golds)) if settings.balanced else ()
    return settings.model_copy(update={"kind": kind, "labels": labels, "label_weights": weights})


def _paired(examples: Sequence[ClassificationExample]) -> bool | None:
    """Whether all are pairs or none is; None where some are."""
    found = {example.pair is not None for example in examples}
    return found.pop() if len(found) == 1 else None


def _warn_of_lists(names: Collection[str]) -> None:
    for separator in ";|":
        parts = {part.strip() for name in names for part in name.split(separator)}
        joined = [name for name in names if separator in name]
        if len(joined) > 1 and len(parts) < len(names):
            logging.getLogger(__name__).warning(
                "labels such as %s are taken as they stand; label_separator = %s would part them",
                shown(joined[0]),
                shown(separator),
            )


def _warn_of_rare(counts: Counter[str]) -> None:
    if rare := sorted(name for name, count in counts.items() if count == 1):
        logging.getLogger(__name__).warning(
            "%d of %d labels have a single text: %s", len(rare), len(counts), shown(rare)
        )


def check_pair(example: ClassificationExample, settings: ClassificationSettings) -> None:
    """Raises DataError where a pair meets a model of single texts, or a single text one of pairs."""
    if settings.paired not in (None, example.pair is not None):
        this, those = ("one text", "pairs") if settings.paired else ("a pair", "single texts")
        remedy = (
            "name the column of the second text" if settings.paired else "rename that column or leave it out"
        )
        raise DataError(
            f"text {example.id!r}: this is {this}, and the model was trained on {those}; {remedy}"
        )


def _kind(examples: Sequence[ClassificationExample], golds: Sequence[Gold]) -> Kind:
    if any(isinstance(gold, tuple) for gold in golds):
        return "several"
    numbers = [as_number(gold) for gold in golds]
    if any(number is None for number in numbers) and all(map(DECIMAL_COMMA.fullmatch, map(str, golds))):
        raise DataError(
            f"labels such as {shown(golds[0])} look like numbers with a decimal comma: write 3.5, or say "
            "kind = one if they are names of classes"
        )
    fractions = any(number is not None and not number.is_integer() for number in numbers)
    if names := [
        example for example in examples if example.gold is not None and as_number(example.gold) is None
    ]:
        if fractions and 2 * len(names) < len(golds):
            raise DataError(
                f"{len(golds) - len(names)} of {len(golds)} labels are numbers, but text {names[0].id!r} has "
                f"{shown(names[0].gold)}: leave it empty, or say kind = one if all are names of classes"
            )
        return "one"
    if fractions:
        return "number"
    different = len(set(golds))
    if different > 2:
        logging.getLogger(__name__).warning(
            "the labels are %d whole numbers, taken as names of classes; kind = number predicts a number",
            different,
        )
    return "one"


def _check_one(examples: Sequence[ClassificationExample]) -> None:
    for example in examples:
        if isinstance(example.gold, tuple) and len(example.gold) != 1:
            raise DataError(
                f"text {example.id!r} has {len(example.gold)} labels, exactly one is needed (kind = one)"
            )


def _with_scale(
    examples: Sequence[ClassificationExample], settings: ClassificationSettings
) -> ClassificationSettings:
    for example in examples:
        if example.gold is not None and as_number(example.gold) is None:
            raise DataError(f"text {example.id!r} has the label {shown(example.gold)}, a number is needed")
    values = np.asarray([as_number(example.gold) for example in examples if example.gold is not None])
    if values.min() == values.max():
        raise DataError(f"all texts have the same number, {values[0]}; nothing can be learned from that")
    update = {"kind": "number", "labels": (NUMBER,), "mean": float(values.mean())}
    update["deviation"] = float(values.std())
    return settings.model_copy(update=update)


def _weights(kind: Kind, labels: Sequence[str], counts: Counter[str], texts: int) -> tuple[float, ...]:
    """Of each label's loss: for one label its inverse frequency (mean 1 over the texts), for several the odds
    against it, by which texts that have the label are weighed.
    """
    if kind == "one":
        return tuple(round(texts / (len(labels) * max(counts[name], 1)), 6) for name in labels)
    return tuple(round(max(texts - counts[name], 1) / max(counts[name], 1), 6) for name in labels)
