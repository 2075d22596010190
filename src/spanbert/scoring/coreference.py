"""Coreference scores: MUC, B-cubed, CEAF-e, LEA, BLANC, mention detection and the CoNLL average.

As the reference scorer 8.01 computes them (Pradhan et al. 2014): mentions match when they are equal, those
without a twin on the other side are kept, one that stands twice on a side counts where it stands first, and
sums run over all documents before anything is divided.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from spanbert.scoring.assignment import best_assignment
from spanbert.scoring.f1 import Prf

Clusters: TypeAlias = Sequence[Collection[Hashable]]
"""Each cluster as its mentions: any values that are equal exactly where the mentions are."""
Counts: TypeAlias = NDArray[np.float64]
"""(rows, 4), a row for each of `ROWS`: what of the key was found and what of the response is right, each as a
sum and what it is divided by."""

ROWS = ("mentions", "muc", "b_cubed", "ceaf_e", "lea", "coreferent_links", "other_links")
CONLL = ("muc", "b_cubed", "ceaf_e")
"""Their mean F1 is the CoNLL score (Pradhan et al. 2012)."""


def without_singletons(clusters: Clusters) -> list[Collection[Hashable]]:
    """The clusters of at least two mentions."""
    return [cluster for cluster in clusters if len(set(cluster)) > 1]


def document_counts(key: Clusters, response: Clusters) -> Counts:
    """What one document adds to every score: floats (rows, 4), to be summed over documents.

    Args:
        key: the gold clusters.
        response: the predicted clusters.
    """
    both = _Overlap.of(key, response)
    other = both.reversed()
    shared = sum(both.sizes.values())
    ceaf = _ceaf_e(both)
    return np.asarray(
        [
            (shared, sum(both.key), shared, sum(both.response)),
            (*_muc(both), *_muc(other)),
            (*_b_cubed(both), *_b_cubed(other)),
            (ceaf, len(both.key), ceaf, len(both.response)),
            (*_lea(both), *_lea(other)),
            *_links(both),
        ],
        dtype=np.float64,
    )


def scores(counts: Counts) -> dict[str, Prf]:
    """Precision, recall and F1 in percent, by name: as `ROWS`, with `blanc` for the two kinds of link.

    Args:
        counts: (rows, 4), the sum of `document_counts` over documents.
    """
    recall, precision, f1 = (100 * values for values in _ratios(counts))
    rows = {
        name: Prf(float(precision[row]), float(recall[row]), float(f1[row])) for row, name in enumerate(ROWS)
    }
    # A kind of link that neither side has says nothing (Luo et al. 2014, section 4.3).
    kinds = [rows.pop(name) for name in ROWS[-2:]]
    told = [kind for kind, row in zip(kinds, counts[-2:], strict=True) if row[1] + row[3] > 0]
    if told:
        means = [
            float(np.mean([getattr(kind, name) for kind in told])) for name in ("precision", "recall", "f1")
        ]
        rows["blanc"] = Prf(*means)
    else:
        mentions = counts[0]
        same = 100.0 * float(mentions[0] == mentions[1] == mentions[3] > 0)
        rows["blanc"] = Prf(same, same, same)
    return rows


def conll_f1(counts: Counts) -> NDArray[np.float64]:
    """The mean F1 of MUC, B-cubed and CEAF-e in percent: (..., rows, 4) -> (...)."""
    rows = [ROWS.index(name) for name in CONLL]
    return np.asarray(100 * _ratios(counts)[2][..., rows].mean(axis=-1))


def conll_interval(
    documents: Sequence[Counts], *, level: float = 0.95, resamples: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """Percentile interval of the CoNLL F1 when the documents are drawn anew with replacement.

    Args:
        documents: `document_counts` of each, at least one.
        level: share of the resampled values inside the interval.
        resamples: how many data sets of the same size are drawn.
        seed: same seed, same interval.
    """
    table = np.stack(documents)
    drawn = np.random.default_rng(seed).multinomial(
        len(table), np.full(len(table), 1 / len(table)), size=resamples
    )
    values = conll_f1(np.tensordot(drawn.astype(np.float64), table, axes=1))
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _ratios(counts: Counts) -> tuple[Counts, Counts, Counts]:
    """Recall, precision and F1 as shares (..., rows); 0 where there is nothing to divide by."""
    recall, precision = (
        np.divide(
            counts[..., side],
            counts[..., side + 1],
            out=np.zeros(counts.shape[:-1]),
            where=counts[..., side + 1] > 0,
        )
        for side in (0, 2)
    )
    total = recall + precision
    f1 = np.divide(2 * recall * precision, total, out=np.zeros(total.shape), where=total > 0)
    return recall, precision, f1


@dataclass(frozen=True, slots=True)
class _Overlap:
    """How two clusterings of a document meet.

    Args:
        key: size of each key cluster.
        response: size of each response cluster.
        sizes: for each pair (key cluster, response cluster) that meets, how many mentions they share.
    """

    key: list[int]
    response: list[int]
    sizes: dict[tuple[int, int], int]

    @classmethod
    def of(cls, key: Clusters, response: Clusters) -> _Overlap:
        in_key, in_response = _cluster_of(key), _cluster_of(response)
        sizes = Counter(
            (number, in_response[mention]) for mention, number in in_key.items() if mention in in_response
        )
        return cls(_sizes(in_key), _sizes(in_response), dict(sizes))

    def reversed(self) -> _Overlap:
        """The response as the key."""
        return _Overlap(self.response, self.key, {(r, k): size for (k, r), size in self.sizes.items()})

    def met(self) -> list[list[tuple[int, int]]]:
        """For each key cluster the response clusters it meets, with how many mentions they share."""
        found: list[list[tuple[int, int]]] = [[] for _ in self.key]
        for (k, r), size in self.sizes.items():
            found[k].append((r, size))
        return found


def _cluster_of(clusters: Clusters) -> dict[Hashable, int]:
    """The cluster of each mention, the first where it stands in several; empty clusters have no number."""
    found: dict[Hashable, int] = {}
    for number, cluster in enumerate(clusters):
        for mention in cluster:
            found.setdefault(mention, number)
    numbers = {number: place for place, number in enumerate(dict.fromkeys(found.values()))}
    return {mention: numbers[number] for mention, number in found.items()}


def _sizes(cluster_of: dict[Hashable, int]) -> list[int]:
    sizes = Counter(cluster_of.values())
    return [sizes[number] for number in range(len(sizes))]


def _pairs(size: int) -> int:
    return size * (size - 1) // 2


def _muc(both: _Overlap) -> tuple[float, float]:
    """Links kept of those that hold each key cluster together (Vilain et al. 1995)."""
    kept = 0
    for size, met in zip(both.key, both.met(), strict=True):
        parts = len(met) + size - sum(shared for _, shared in met)
        kept += size - parts
    return kept, sum(size - 1 for size in both.key)


def _b_cubed(both: _Overlap) -> tuple[float, float]:
    """Mean over mentions of how much of their cluster was kept together (Bagga and Baldwin 1998)."""
    return sum(size**2 / both.key[k] for (k, _), size in both.sizes.items()), sum(both.key)


def _lea(both: _Overlap) -> tuple[float, float]:
    """Links kept, weighted by cluster size; a singleton has a link to itself (Moosavi and Strube 2016)."""
    kept = 0.0
    for size, met in zip(both.key, both.met(), strict=True):
        if size == 1:
            kept += any(both.response[r] == 1 for r, _ in met)
        else:
            kept += size * sum(_pairs(shared) for _, shared in met) / _pairs(size)
    return kept, sum(both.key)


def _links(both: _Overlap) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """BLANC's two kinds: pairs of mentions that corefer, and pairs that do not (Luo et al. 2014)."""
    shared, other = Counter[int](), Counter[int]()
    for (k, r), size in both.sizes.items():
        shared[k] += size
        other[r] += size
    together = sum(map(_pairs, both.sizes.values()))
    apart = (
        _pairs(sum(both.sizes.values()))
        - sum(map(_pairs, shared.values()))
        - sum(map(_pairs, other.values()))
        + together
    )
    of_key, of_response = sum(map(_pairs, both.key)), sum(map(_pairs, both.response))
    others = (_pairs(sum(both.key)) - of_key, _pairs(sum(both.response)) - of_response)
    return (together, of_key, together, of_response), (apart, others[0], apart, others[1])


def _ceaf_e(both: _Overlap) -> float:
    """The greatest similarity of clusters matched one to one, by phi 4 (Luo 2005).

    Clusters that do not meet, even through others, cannot compete for a partner: each group is matched alone.
    """
    total = 0.0
    for pairs in _groups(both):
        keys = {k: place for place, k in enumerate(dict.fromkeys(k for k, _ in pairs))}
        responses = {r: place for place, r in enumerate(dict.fromkeys(r for _, r in pairs))}
        similarity = np.zeros((len(keys), len(responses)))
        for k, r in pairs:
            similarity[keys[k], responses[r]] = 2 * both.sizes[k, r] / (both.key[k] + both.response[r])
        if len(keys) > len(responses):
            similarity = similarity.T
        total += float(similarity[np.arange(len(similarity)), best_assignment(similarity)].sum())
    return total


def _groups(both: _Overlap) -> list[list[tuple[int, int]]]:
    """Pairs of clusters that meet, in groups that are connected through shared clusters."""
    responses_of: dict[int, list[int]] = {}
    keys_of: dict[int, list[int]] = {}
    for k, r in both.sizes:
        responses_of.setdefault(k, []).append(r)
        keys_of.setdefault(r, []).append(k)
    groups, seen = [], set[int]()
    for first in responses_of:
        if first in seen:
            continue
        seen.add(first)
        waiting, group = [first], []
        while waiting:
            k = waiting.pop()
            for r in responses_of[k]:
                group.append((k, r))
                fresh = [other for other in keys_of[r] if other not in seen]
                seen.update(fresh)
                waiting += fresh
        groups.append(group)
    return groups
