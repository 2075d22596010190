import numpy as np
import pytest

from spanbert.tasks.relations.analysis import analyse
from spanbert.tasks.relations.examples import (
    Argument,
    RelationExample,
    RelationPrediction,
    RelationProbability,
)
from spanbert.tasks.relations.settings import RelationSettings
from spanbert.text.spans import Span

TEXT = "The fire caused damage."
CAUSE, EFFECT, PART = "Cause(e1,e2)", "Cause(e2,e1)", "Part(e1,e2)"
ONE = RelationSettings(kind="one", labels=(CAUSE, EFFECT, "Other", PART), negative="Other")
SEVERAL = RelationSettings(kind="several", labels=(CAUSE, EFFECT, PART))


def example(number, *relations):
    text = f"{TEXT} {number}"
    return RelationExample(number, text, Argument(Span(4, 8)), Argument(Span(16, 22)), relations)


def prediction(given, *found, none=0.5, top=()):
    def said(pairs):
        return tuple(RelationProbability(name, chance) for name, chance in pairs)

    return RelationPrediction(
        given, said(found), none, said(top or found), len(given.text), np.zeros(4, np.float32)
    )


def analysed(gold, *found, settings=ONE, **given):
    one = example(1, *gold)
    return analyse([one], [prediction(one, *found, **given)], settings)


@pytest.mark.parametrize(
    ("gold", "found", "kind", "confidence"),
    [
        ([CAUSE], [(EFFECT, 0.7)], "direction", 0.7),
        ([CAUSE], [(PART, 0.7)], "confused", 0.7),
        (["Other"], [(PART, 0.7)], "spurious", 0.7),
        ([CAUSE], [], "missed", 0.5),
    ],
)
def test_kinds_of_error(gold, found, kind, confidence):
    made = analysed(gold, *found)
    (case,) = made.errors
    assert (case.kind, case.confidence) == (kind, confidence)
    assert case.question == "fire → damage"
    assert {one.name: one.count for one in made.kinds}[kind] == 1


def test_some_of_several_relations():
    (case,) = analysed([CAUSE, PART], (CAUSE, 0.9), top=[(CAUSE, 0.9), (PART, 0.3)], settings=SEVERAL).errors
    assert case.kind == "partly right"
    assert case.confidence == pytest.approx(0.7)
    (case,) = analysed([CAUSE], (CAUSE, 0.9), (PART, 0.6), settings=SEVERAL).errors
    assert (case.kind, case.confidence) == ("partly right", 0.6)


def test_what_is_right_is_no_error():
    assert analysed([CAUSE], (CAUSE, 0.9)).errors == ()
    assert analysed(["Other"]).errors == ()


def test_scores_by_part_of_the_data():
    examples = [example(1, CAUSE), example(2, CAUSE), example(3, "Other")]
    predictions = [
        prediction(examples[0], (CAUSE, 0.9)),
        *(prediction(one, (PART, 0.3)) for one in examples[1:]),
    ]
    training = [example(4, CAUSE), example(5, CAUSE)]
    tables = {table.title: table for table in analyse(examples, predictions, ONE, training).tables}

    def scores(title):
        return {
            part.name: (part.count, *(score.value for score in part.scores)) for part in tables[title].slices
        }

    assert scores("All relations") == {"all": (2, pytest.approx(100 / 3), 50, 40)}
    assert scores("By relation") == {CAUSE: (2, 100, 50, pytest.approx(200 / 3)), PART: (0, 0, None, None)}
    assert scores("By distance of the entities") == {"0 to 9 characters": (2, pytest.approx(100 / 3), 50, 40)}
    seen = scores("By how often the relation stands in the training data")
    assert seen["0 times"] == (0, 0, None, None)
    assert seen["1 to 9 times"][0] == 2
    assert list(scores("By how many of the two entities training has seen")) == ["both"]


def test_confident_contradiction_is_suspected():
    examples = [example(1, CAUSE), example(2, "Other"), example(3, PART), example(4, CAUSE)]
    predictions = [
        prediction(examples[0], (CAUSE, 0.6)),
        prediction(examples[1], none=0.9),
        prediction(examples[2], (CAUSE, 0.8)),
        prediction(examples[3], none=0.7),
    ]
    assert [case.id for case in analyse(examples, predictions, ONE).suspects.cases] == [3]
