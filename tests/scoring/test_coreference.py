import json
import random
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanbert.scoring.coreference import (
    ROWS,
    conll_f1,
    conll_interval,
    document_counts,
    scores,
    without_singletons,
)

SHARED_CASES = Path(__file__).parents[3] / "shared" / "data" / "coref" / "scorer-cases.json"
NAMES = {"muc": "muc", "bcub": "b_cubed", "ceafe": "ceaf_e", "lea": "lea", "blanc": "blanc"}
KEY = "a bc def"

# Clusters as words of letters; recall and precision as the reference scorer 8.01 gives them for its own tests
# of this shape, LEA as in its extension.
OFFICIAL = {
    "equal": (
        KEY,
        "a bc def",
        {"muc": (1, 1), "bcub": (1, 1), "ceafe": (1, 1), "lea": (1, 1), "blanc": (1, 1)},
    ),
    "missing mentions": (
        KEY,
        "a de",
        {
            "muc": (1 / 3, 1),
            "bcub": (7 / 18, 1),
            "ceafe": (0.6, 0.9),
            "lea": (1 / 3, 1),
            "blanc": (0.21591, 1),
        },
    ),
    "spurious mentions": (
        KEY,
        "a bcx defy z",
        {
            "muc": (1, 0.6),
            "bcub": (1, 0.50926),
            "ceafe": (0.88571, 0.66429),
            "lea": (1, 4 / 9),
            "blanc": (1, 0.42593),
        },
    ),
    "both": (
        KEY,
        "a bcx dy z",
        {
            "muc": (1 / 3, 1 / 3),
            "bcub": (5 / 9, 17 / 42),
            "ceafe": (0.73333, 0.55),
            "lea": (0.5, 2 / 7),
            "blanc": (0.35227, 0.27206),
        },
    ),
    "a mention twice in a cluster": (
        KEY,
        "a bcxb dy z",
        {
            "muc": (1 / 3, 1 / 3),
            "bcub": (5 / 9, 17 / 42),
            "ceafe": (0.73333, 0.55),
            "blanc": (0.35227, 0.27206),
        },
    ),
    "a mention again in a later cluster": (
        KEY,
        "a bcx dy bz",
        {
            "muc": (1 / 3, 1 / 3),
            "bcub": (5 / 9, 17 / 42),
            "ceafe": (0.73333, 0.55),
            "blanc": (0.35227, 0.27206),
        },
    ),
    "a mention ten times": (
        KEY,
        "a bcx dy bbbbbbbbbbz",
        {
            "muc": (1 / 3, 1 / 3),
            "bcub": (5 / 9, 17 / 42),
            "ceafe": (0.73333, 0.55),
            "blanc": (0.35227, 0.27206),
        },
    ),
    "singletons only": (
        KEY,
        "a b c d e f",
        {"muc": (0, 0), "bcub": (0.5, 1), "lea": (1 / 6, 1 / 6), "blanc": (0.5, 0.36667)},
    ),
    "one cluster": (
        KEY,
        "abcdef",
        {"muc": (1, 0.6), "bcub": (1, 7 / 18), "lea": (5 / 6, 4 / 15), "blanc": (0.5, 0.13333)},
    ),
    "singletons and strangers": (
        KEY,
        "a x y c d e z",
        {"muc": (0, 0), "bcub": (13 / 36, 4 / 7), "lea": (1 / 6, 1 / 7), "blanc": (0.22727, 0.11905)},
    ),
    "one cluster with strangers": (
        KEY,
        "axycdez",
        {"muc": (1 / 3, 1 / 6), "bcub": (17 / 36, 6 / 49), "lea": (1 / 6, 1 / 21), "blanc": (0.125, 0.02381)},
    ),
    "crossing": ("ab cde", "cbx de", {"lea": (1 / 5, 2 / 5), "blanc": (0.29167, 0.29167)}),
    "crossing and one right": ("ab cde fg", "cbx de fg", {"lea": (3 / 7, 4 / 7), "blanc": (0.5125, 0.5125)}),
    "a small cluster joined": (
        "abcde fg hijkl",
        "abcde fghijkl",
        {"muc": (1, 0.9), "bcub": (1, 16 / 21), "lea": (1, 26 / 36)},
    ),
    "a large cluster joined": (
        "abcde fg hijkl",
        "abcdehijkl fg",
        {"muc": (1, 0.9), "bcub": (1, 7 / 12), "lea": (1, (10 * 20 / 45 + 2) / 12)},
    ),
    "a cluster split": ("abcd", "ab cd", {"muc": (2 / 3, 1), "lea": (1 / 3, 1)}),
}


def measured(key, response):
    return scores(document_counts(key, response))


@pytest.mark.parametrize("case", OFFICIAL)
def test_scores_equal_the_reference_scorer(case):
    key, response, expected = OFFICIAL[case]
    found = measured(key.split(), response.split())
    for name, (recall, precision) in expected.items():
        one = found[NAMES[name]]
        assert (one.recall, one.precision) == pytest.approx((100 * recall, 100 * precision), abs=1e-3), name


@pytest.mark.skipif(not SHARED_CASES.exists(), reason="the shared data are not here")
def test_scores_equal_the_reference_scorer_on_its_own_documents():
    compared = 0
    for case in json.loads(SHARED_CASES.read_text(encoding="utf-8")):
        if case["id"] in ("A7", "A8", "A9"):
            continue  # their repeated mention was lost from the file; they are among `OFFICIAL`
        key, response = ([[tuple(m) for m in one] for one in case[side]] for side in ("key", "response"))
        found = measured(key, response)
        for name, expected in case["expected_recall_precision_f1"].items():
            if name in NAMES:
                one = found[NAMES[name]]
                assert (one.recall, one.precision, one.f1) == pytest.approx(
                    [100 * value for value in expected], abs=1e-3
                ), (case["id"], name)
                compared += 1
    assert compared > 40


def test_sums_run_over_documents_before_anything_is_divided():
    first, second = document_counts(["ab"], ["ab"]), document_counts(["abcd"], ["ab", "cd"])
    assert scores(first + second)["muc"].recall == pytest.approx(
        75.0
    )  # 3 of 4 links, not the mean of 1 and 2/3


def test_without_singletons_only_links_count():
    assert without_singletons(["a", "bc", "dd"]) == ["bc"]
    assert (
        measured(without_singletons(["a", "bc"]), without_singletons(["x", "bc", "y"]))["mentions"].f1 == 100
    )


def test_the_conll_score_is_the_mean_of_three():
    counts = document_counts(KEY.split(), ["a", "bcx", "dy", "z"])
    found = scores(counts)
    assert conll_f1(counts) == pytest.approx(
        np.mean([found[name].f1 for name in ("muc", "b_cubed", "ceaf_e")])
    )


@pytest.mark.parametrize(("key", "response"), [([], []), ([], ["ab"]), (["ab"], []), (["ab"], ["cd"])])
def test_nothing_right_is_zero(key, response):
    assert all(one.f1 == 0 for one in measured(key, response).values())


clusterings = st.lists(st.text("abcdefgh", min_size=1, max_size=4), max_size=6)


@given(clusterings, clusterings)
@settings(max_examples=100)
def test_key_and_response_exchanged_exchange_recall_and_precision(key, response):
    there, back = measured(key, response), measured(response, key)
    for name, one in there.items():
        assert (one.recall, one.precision) == pytest.approx((back[name].precision, back[name].recall)), name
        assert 0 <= one.f1 <= 100 + 1e-9


@given(clusterings, clusterings)
@settings(max_examples=100)
def test_links_are_counted_as_their_definition_says(key, response):
    def links(clusters):
        first = {}
        for number, cluster in enumerate(clusters):
            for mention in cluster:
                first.setdefault(mention, number)
        pairs = {frozenset(pair) for pair in combinations(first, 2)}
        together = {pair for pair in pairs if len({first[mention] for mention in pair}) == 1}
        return together, pairs - together

    counts = document_counts(key, response)
    for row, of_key, of_response in zip(ROWS[-2:], links(key), links(response), strict=True):
        shared = len(of_key & of_response)
        assert counts[ROWS.index(row)].tolist() == [shared, len(of_key), shared, len(of_response)]


def test_a_document_of_thousands_of_mentions_is_scored():
    drawn = random.Random(0)
    key, response = [[] for _ in range(400)], [[] for _ in range(400)]
    for mention in range(4000):
        cluster = drawn.randrange(400)
        key[cluster].append(mention)
        response[cluster if drawn.random() < 0.8 else drawn.randrange(400)].append(mention)
    found = measured(key, response)
    assert 60 < found["ceaf_e"].f1 < 90
    assert found["mentions"].f1 == 100


def test_the_interval_holds_the_value_and_shrinks_with_more_documents():
    drawn = random.Random(1)
    documents = [
        document_counts(["ab", "cd", "e"], drawn.choice([["ab", "cd", "e"], ["abcd"], ["ae"]]))
        for _ in range(400)
    ]
    value = float(conll_f1(np.sum(documents, axis=0)))
    low, high = conll_interval(documents)
    few = conll_interval(documents[:20])
    assert low < value < high
    assert high - low < 0.5 * (few[1] - few[0])
    assert conll_interval(documents) == (low, high)
