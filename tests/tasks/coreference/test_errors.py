import pytest

from spanbert.scoring.analysis import Mark
from spanbert.tasks.coreference import errors
from spanbert.tasks.coreference.decode import Cluster, CoreferencePrediction, Mention
from spanbert.tasks.coreference.errors import errors_of
from spanbert.tasks.coreference.examples import CoreferenceExample
from spanbert.text.spans import Span

TEXT = "a b c d e f g h"
"""Each letter is a mention; "ab" are the characters from a to b."""


def chars(name):
    return Span(TEXT.index(name[0]), TEXT.index(name[-1]) + 1)


def document(*clusters):
    return CoreferenceExample(
        1, TEXT, tuple(tuple(chars(name) for name in cluster.split()) for cluster in clusters)
    )


def found(*clusters, probability=0.9):
    def mention(name):
        span = chars(name)
        return Mention(TEXT[span.start : span.end], span, 1.0, probability)

    made = [Cluster(cluster, tuple(map(mention, cluster.split()))) for cluster in clusters]
    return CoreferencePrediction(1, TEXT, tuple(made), (), windows=1, covered_chars=len(TEXT))


@pytest.mark.parametrize(
    ("gold", "made", "kinds"),
    [
        (["a b c", "d e"], ["a b c", "d e"], []),
        (["a b c d"], ["a b", "c d"], [errors.DIVIDED]),
        (["a b", "c d"], ["a b c d"], [errors.CONFLATED]),
        (["a b c"], ["a b"], [errors.MISSING_MENTION]),
        (["a b"], ["a b c"], [errors.EXTRA_MENTION]),
        (["a b", "c d"], ["a b"], [errors.MISSING_ENTITY]),
        (["a b"], ["a b", "c d e"], [errors.EXTRA_ENTITY]),
        (["a bc"], ["a c"], [errors.BOUNDARY]),
        (["a ce"], ["a d"], [errors.MISSING_MENTION, errors.EXTRA_MENTION]),
        (["a b c d e f"], ["a c", "b d", "e f"], [errors.DIVIDED, errors.DIVIDED]),
        (["a b", "c d", "e f"], ["a c e", "b d f"], [errors.DIVIDED] * 3 + [errors.CONFLATED] * 4),
        ([], ["a b"], [errors.EXTRA_ENTITY]),
        (["a"], [], [errors.MISSING_ENTITY]),
    ],
)
def test_kinds(gold, made, kinds):
    assert [case.kind for case in errors_of(document(*gold), found(*made))] == kinds


def test_a_parting_is_shown_where_it_happens():
    (case,) = errors_of(document("a b c d"), found("a b", "c d"))
    assert (case.gold, case.predicted) == ("b = c", "b ≠ c")
    assert case.marks == (
        Mark(chars("b"), "gold", "1"),
        Mark(chars("b"), "model", "A"),
        Mark(chars("c"), "gold", "1"),
        Mark(chars("c"), "model", "B"),
    )
    assert case.confidence is None


def test_what_the_model_made_up_has_its_probability():
    (case,) = errors_of(document("a b"), found("a b c", probability=0.7))
    assert (case.gold, case.predicted, case.confidence) == (errors.NOTHING, "c = b", 0.7)
    assert [(mark.side, mark.label) for mark in case.marks] == [("model", "A"), ("gold", "1"), ("model", "A")]


def test_a_mention_with_a_wrong_boundary_still_links():
    cases = errors_of(document("a bc", "e f"), found("a c e f"))
    assert [case.kind for case in cases] == [errors.CONFLATED, errors.BOUNDARY]
    assert (cases[1].gold, cases[1].predicted) == ("b c", "c")


def test_a_large_entity_is_shown_by_its_first_mentions():
    (case,) = errors_of(document("a b c d e f g h"), found())
    assert case.gold == "a = b = c = d"
