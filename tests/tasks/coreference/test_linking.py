"""Mentions to clusters: what is linked, how far links reach, and that torch and numpy score alike."""

import numpy as np
import pytest
import torch

from spanbert.tasks.coreference import linking
from spanbert.tasks.coreference.linking import link, link_scores
from spanbert.tasks.coreference.model import link_scores as torch_link_scores
from spanbert.tasks.coreference.model import mention_record
from spanbert.tasks.coreference.pairs import DISTANCE_KINDS, PAIR_KINDS, pair_kinds


def drawn(count, seed=0):
    rng = np.random.default_rng(seed)
    found = np.zeros(count, dtype=mention_record(4))
    found["start"] = np.sort(rng.integers(0, 900, count))
    found["end"] = found["start"] + rng.integers(0, 3, count)
    for name in ("first_code", "last_code"):
        found[name] = rng.integers(0, 3, count)
    found["speaker"] = rng.integers(-1, 2, count)
    for name in ("score", "query", "key", "kinds"):
        found[name] = rng.normal(size=found[name].shape)
    return found


def kind(later, earlier):
    def fields(start, end, first, last, speaker):
        values = {"start": start, "end": end, "first_code": first, "last_code": last, "speaker": speaker}
        return {name: np.asarray([value]) for name, value in values.items()}

    found = int(pair_kinds(fields(*later), fields(*earlier), DISTANCE_KINDS)[0, 0])
    return found // 9, found // 3 % 3, found % 3


def test_kinds_of_pairs_say_distance_words_and_speaker():
    assert kind((5, 6, 1, 2, 0), (5, 5, 1, 3, -1)) == (0, 0, 0)
    assert kind((6, 7, 1, 2, 0), (5, 5, 3, 2, 0)) == (1, 1, 2)  # the same last word, one speaker
    assert kind((8, 9, 1, 2, 0), (5, 6, 1, 2, 1)) == (2, 2, 1)  # the same words, two speakers
    assert kind((8, 10, 1, 2, 0), (5, 6, 1, 2, 1)) == (2, 1, 1)  # one is longer
    near = [kind((distance, distance, 1, 1, 0), (0, 0, 2, 2, 0))[0] for distance in (0, 1, 2, 3, 4, 7, 8)]
    assert near == [0, 1, 2, 2, 3, 3, 4]
    assert kind((511, 511, 1, 1, 0), (0, 0, 2, 2, 0))[0] == 9
    assert (
        kind((512, 512, 1, 1, 0), (0, 0, 2, 2, 0))[0]
        == kind((10**6, 10**6, 1, 1, 0), (0, 0, 2, 2, 0))[0]
        == 10
    )


def test_numpy_scores_links_as_torch_does():
    mentions = drawn(60)
    fields = {name: torch.from_numpy(np.ascontiguousarray(mentions[name])) for name in mentions.dtype.names}
    kinds = pair_kinds(fields, fields, torch.from_numpy(DISTANCE_KINDS))
    earlier = np.tril_indices(60, -1)
    ours, theirs = link_scores(mentions, mentions), torch_link_scores(fields, fields, kinds).numpy()
    assert ours[earlier] == pytest.approx(theirs[earlier], abs=1e-4)
    assert int(kinds.max()) < PAIR_KINDS


def test_a_mention_joins_the_cluster_of_its_best_antecedent(spans):
    entities = [0, 1, 0, 2, 1, 0]
    assert link(spans(entities), np.ones(6, dtype=int), 100, 0).tolist() == entities


def test_an_unlikely_mention_links_to_nothing(spans):
    mentions = spans([0, 0, 0])
    mentions["score"][1] = -4.0
    assert link(mentions, np.ones(3, dtype=int), 100, 0).tolist() == [0, 1, 0]


@pytest.mark.parametrize("queries", [1, 2, 7, 1000])
def test_blocks_change_nothing_while_all_mentions_are_in_reach(monkeypatch, queries):
    mentions, ranks = drawn(50), np.zeros(50, dtype=int)
    whole = link(mentions, ranks, 1000, 0)
    monkeypatch.setattr(linking, "QUERIES_AT_ONCE", queries)
    assert link(mentions, ranks, 1000, 0).tolist() == whole.tolist()
    assert len(set(whole.tolist())) < 50


@pytest.mark.parametrize(
    ("rank", "mentions_before", "clusters", "linked"),
    [
        (2, 1, 5, True),  # a proper name is reached once said
        (1, 1, 5, False),  # a thing said once is forgotten
        (1, 2, 5, True),  # said again, it is reached
        (0, 2, 5, False),  # pronouns name nothing
        (2, 2, 0, False),  # nothing is reached back for
    ],
)
def test_far_clusters_are_reached_through_their_names(
    monkeypatch, spans, rank, mentions_before, clusters, linked
):
    monkeypatch.setattr(linking, "QUERIES_AT_ONCE", 4)
    entities = [0] * mentions_before + list(range(1, 21)) + [0]
    ranks = np.zeros(len(entities), dtype=int)
    ranks[:mentions_before] = rank
    found = link(spans(entities), ranks, 4, clusters)
    assert (found[-1] == found[0]) == linked


def test_of_many_far_clusters_the_last_mentioned_are_kept(monkeypatch, spans):
    monkeypatch.setattr(linking, "QUERIES_AT_ONCE", 2)
    filler = list(range(3, 33))
    entities = [0, 1, 2, 0, *filler, 1, 0]
    ranks = np.asarray([2, 2, 2, 2] + [0] * 30 + [2, 2])
    found = link(spans(entities), ranks, 2, 2)
    assert found[-1] == found[0]  # mentioned again after 1
    assert found[-2] != found[1]


def test_no_mentions_are_no_clusters():
    assert link(np.zeros(0, dtype=mention_record(4)), np.zeros(0, dtype=int), 10, 10).tolist() == []
