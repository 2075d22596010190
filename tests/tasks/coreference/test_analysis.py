import pytest

from spanbert.tasks.coreference import errors
from spanbert.tasks.coreference.analysis import analyse
from spanbert.tasks.coreference.decode import Cluster, CoreferencePrediction, Mention
from spanbert.tasks.coreference.examples import CoreferenceExample
from spanbert.tasks.coreference.metrics import score_clusters
from spanbert.text.spans import Span

TEXT = "Ada wrote the long letter. She sent it to Bob, and he read it."


def chars(words, start=0):
    place = TEXT.index(words, start)
    return Span(place, place + len(words))


ADA = (chars("Ada"), chars("She"))
LETTER = (chars("the long letter"), chars("it"), chars("it", 50))
BOB = (chars("Bob"), chars("he", 45))


def example(*clusters):
    return CoreferenceExample(1, TEXT, clusters)


def prediction(*clusters, probability=0.9):
    made = [
        Cluster("", tuple(Mention(TEXT[span.start : span.end], span, 1.0, probability) for span in cluster))
        for cluster in clusters
    ]
    return CoreferencePrediction(1, TEXT, tuple(made), (), windows=1, covered_chars=len(TEXT))


def tables_of(*given):
    tables = {table.title: table for table in analyse(*given).tables}
    return lambda title: {
        part.name: (part.count, *(score.value for score in part.scores)) for part in tables[title].slices
    }


def test_scores_of_documents_are_those_of_the_report():
    examples, predictions = [example(ADA, LETTER, BOB)], [prediction(ADA, (*LETTER, *BOB))]
    values = score_clusters(examples, predictions).values
    (whole,) = tables_of(examples, predictions)("All documents").values()
    expected = [values[f"{name}_f1"] for name in ("muc", "b_cubed", "ceaf_e", "lea")]
    assert whole == (1, *(pytest.approx(value, abs=1e-3) for value in [*expected, values["conll_f1"]]))


def test_mentions_by_kind_length_and_training():
    training = [CoreferenceExample(2, "It did.", ((Span(0, 2),),))]
    scores = tables_of([example(ADA, LETTER, BOB)], [prediction(ADA, LETTER[1:])], training)
    assert scores("Mentions by kind") == {
        "pronoun": (4, 100, 75, pytest.approx(600 / 7)),
        "other": (1, None, 0, 0),
        "proper name": (2, 100, 50, pytest.approx(200 / 3)),
    }
    assert scores("Mentions by length")["3 to 4 words"] == (1, None, 0, 0)
    assert scores("Mentions by how often they stand in the training data")["1 time"] == (2, 100, 100, 100)


def test_clusters_by_size():
    scores = tables_of([example(ADA, LETTER, BOB[:1])], [prediction(ADA[:1], LETTER[:2], BOB[:1])])
    assert scores("Clusters by size") == {
        "1 mention": (1, 100, 100),
        "2 mentions": (1, 50, 0),
        "3 to 4 mentions": (1, pytest.approx(200 / 3), pytest.approx(100 / 3)),
    }


def test_errors_are_counted_by_kind_and_what_was_made_up_with_confidence_is_suspected():
    made = analyse([example(ADA), example(BOB)], [prediction(ADA, probability=0.6), prediction(BOB, LETTER)])
    assert {kind.name: kind.count for kind in made.kinds if kind.count} == {errors.EXTRA_ENTITY: 1}
    assert made.suspects.cases == made.errors
    assert made.judged == 4


def test_without_gold_clusters_there_is_nothing_to_say():
    assert analyse([CoreferenceExample(1, TEXT)], [prediction(ADA)]) is None
