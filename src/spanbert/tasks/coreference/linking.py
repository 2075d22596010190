"""Mentions of a whole document to clusters, in numpy and in memory linear in the document's length."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spanbert.tasks.coreference.model import Mentions
from spanbert.tasks.coreference.pairs import DISTANCE_KINDS, pair_kinds

QUERIES_AT_ONCE = 256


def link_scores(later: Mentions, earlier: Mentions) -> NDArray[np.float32]:
    """Log odds of each link against "no antecedent": (Q, A), as `model.link_scores` has them."""
    kinds = pair_kinds(later, earlier, DISTANCE_KINDS)
    scores = later["query"] @ earlier["key"].T
    scores += np.take_along_axis(later["kinds"], kinds, axis=1)
    scores -= np.logaddexp(0, -later["score"])[:, None]
    scores -= np.logaddexp(0, -earlier["score"])[None, :]
    return np.asarray(scores)


def link(
    mentions: Mentions, ranks: NDArray[np.int64], antecedent_mentions: int, antecedent_clusters: int
) -> NDArray[np.int64]:
    """The cluster of each mention: that of its best antecedent, or a new one where none is better than 0.

    Antecedents are looked for among at least the `antecedent_mentions` mentions before. What lies further
    back is reached through the clusters found so far: each is stood for by the mention that names it best, so
    that a name can be linked across a novel while work and memory for each mention stay the same.

    Args:
        mentions: in the order of the text.
        ranks: how well each names what it means: 0 a pronoun, 1 another mention, 2 a proper name.
        antecedent_mentions: how many mentions back are always compared.
        antecedent_clusters: how many clusters named further back, the last mentioned first.

    Returns:
        Numbers of clusters (M,), in the order of their first mentions.
    """
    clusters = np.zeros(len(mentions), dtype=np.int64)
    names: list[int] = []  # of each cluster, the mention that names it
    sizes: list[int] = []
    reach: dict[int, None] = {}  # clusters that may be linked to from afar, the last mentioned last
    for begin in range(0, len(mentions), QUERIES_AT_ONCE):
        end = min(begin + QUERIES_AT_ONCE, len(mentions))
        near = max(0, begin - antecedent_mentions)
        far = [cluster for cluster in reversed(reach) if names[cluster] < near][:antecedent_clusters]
        reached = set(far)
        reach = {cluster: None for cluster in reach if names[cluster] >= near or cluster in reached}
        pool = np.concatenate(
            [np.sort(np.asarray([names[cluster] for cluster in far], dtype=np.int64)), np.arange(near, end)]
        )
        scores = link_scores(mentions[begin:end], mentions[pool])
        scores[pool[None, :] >= np.arange(begin, end)[:, None]] = -np.inf
        best = scores.argmax(axis=1)
        found = scores[np.arange(end - begin), best] > 0
        for mention, antecedent, linked in zip(range(begin, end), pool[best], found, strict=True):
            cluster = int(clusters[antecedent]) if linked else len(names)
            if linked:
                sizes[cluster] += 1
                if ranks[mention] > ranks[names[cluster]]:
                    names[cluster] = mention
            else:
                names.append(mention)
                sizes.append(1)
            clusters[mention] = cluster
            reach.pop(cluster, None)
            if _is_come_back_to(int(ranks[names[cluster]]), sizes[cluster]):
                reach[cluster] = None
    return clusters


def _is_come_back_to(rank: int, size: int) -> bool:
    """Whether a cluster may be linked to from afar: by a proper name, or another that was said again."""
    return rank > 1 or (rank == 1 and size > 1)
