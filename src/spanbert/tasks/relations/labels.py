"""What training data says before the network is built: names of relations, how many a pair has, types."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from spanbert.errors import DataError, SettingsError
from spanbert.tasks.relations.examples import RelationExample
from spanbert.tasks.relations.markers import learned_markers
from spanbert.tasks.relations.settings import Kind, RelationSettings
from spanbert.text.fields import shown

NEGATIVE_NAMES = ("no_relation", "other", "na", "none")
"""What data sets call the absence of a relation, in lower case; the first is the name where data has none."""
SHARE_OF_SEVERAL = 0.01
"""A data set has several relations a pair when more pairs than this do: single lines that contradict one
another are noise."""

Pair = tuple[object, ...]


def pair_of(example: RelationExample) -> Pair:
    """What makes two examples the same pair: text and characters of both entities."""
    return example.text, example.subject.chars, example.object.chars


def merged(examples: Sequence[RelationExample]) -> dict[Pair, RelationExample]:
    """Examples with gold, those of the same pair as one with all their relations."""
    found: dict[Pair, RelationExample] = {}
    for example in examples:
        if example.relations is None:
            continue
        before = found.setdefault(pair_of(example), example)
        if before is not example:
            together = dict.fromkeys((*(before.relations or ()), *example.relations))
            found[pair_of(example)] = replace(before, relations=tuple(together))
    return found


def learned(examples: Sequence[RelationExample], settings: RelationSettings) -> RelationSettings:
    """Settings with the kind, the labels and the marks that the training data asks for.

    Raises:
        DataError: no pair has gold, all have the same, or one has several relations where one is right.
        SettingsError: labels were said and the data has others.
    """
    golds = [example.relations for example in examples if example.relations is not None]
    if not golds:
        raise DataError("training needs pairs with relations; the data has none")
    names = {name for gold in golds for name in gold}
    negative = settings.negative or _negative(names)
    kind = settings.kind if settings.kind != "auto" else _kind(examples, negative)
    positive = names - {negative}
    if kind == "one":
        for example in examples:
            if len(example.relations or ()) > 1:
                raise DataError(f"pair {example.id!r} has several relations, one is needed (kind = one)")
        if () in golds and not negative:
            negative = NEGATIVE_NAMES[0]
    found = positive | {negative} if kind == "one" and negative else positive
    labels = settings.labels or tuple(sorted(found))
    if unknown := sorted(found - set(labels)):
        raise SettingsError(f"the training data has relations that `labels` does not name: {shown(unknown)}")
    if not positive or (kind == "one" and len(labels) < 2):
        raise DataError(f"all pairs have the same relation, {shown(labels)}; that teaches nothing")
    update = {
        "kind": kind,
        "labels": labels,
        "negative": negative,
        "markers": learned_markers(examples, settings),
    }
    return settings.model_copy(update=update)


def positives(relations: Sequence[str] | None, settings: RelationSettings) -> frozenset[str]:
    """The relations of a gold that hold, the negative class left out."""
    return frozenset(relations or ()) - {settings.negative}


def _negative(names: Collection[str]) -> str:
    by_form = {name.casefold().replace(" ", "_").replace("-", "_"): name for name in sorted(names)}
    return next((by_form[form] for form in NEGATIVE_NAMES if form in by_form), "")


def _kind(examples: Sequence[RelationExample], negative: str) -> Kind:
    def several(example: RelationExample) -> bool:
        return len(set(example.relations or ()) - {negative}) > 1

    if any(map(several, examples)):
        return "several"
    pairs = merged(examples)
    return "several" if sum(map(several, pairs.values())) > SHARE_OF_SEVERAL * len(pairs) else "one"
