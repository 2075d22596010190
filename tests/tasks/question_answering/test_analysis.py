import pytest

from spanbert.tasks.question_answering import analysis
from spanbert.tasks.question_answering.analysis import analyse
from spanbert.tasks.question_answering.examples import GoldAnswer, QaAnswer, QaExample, QaPrediction
from spanbert.text.spans import Span

PASSAGE = "In 1843 Ada Lovelace of London wrote notes on the engine of Charles Babbage."


def chars(text):
    return Span(PASSAGE.index(text), PASSAGE.index(text) + len(text))


def example(number, *golds):
    answers = tuple(GoldAnswer(gold, chars(gold)) for gold in golds)
    return QaExample(number, f"Question {number}?", PASSAGE, answers)


def prediction(number, text=None, probability=0.7, others=(), covered=None):
    answer = QaAnswer(text, chars(text), 1.0, probability) if text else None
    candidates = [answer] if answer else []
    candidates += [QaAnswer(other, chars(other), 0.0, 0.1) for other in others]
    return QaPrediction(
        number, answer, 1 - probability, tuple(candidates), windows=1, covered_chars=covered or len(PASSAGE)
    )


@pytest.mark.parametrize(
    ("golds", "text", "kind"),
    [
        (["Ada Lovelace"], "Ada Lovelace of London", analysis.TOO_LONG),
        (["Ada Lovelace"], "Lovelace", analysis.TOO_SHORT),
        (["Ada Lovelace"], "Lovelace of London", analysis.SHIFTED),
        (["Ada Lovelace"], "Charles Babbage", analysis.ELSEWHERE),
        (["London", "Ada Lovelace of London"], "Ada Lovelace", analysis.TOO_SHORT),
        ([], "London", analysis.UNANSWERABLE),
        (["London"], None, analysis.WITHHELD),
    ],
)
def test_kinds_of_error(golds, text, kind):
    found = analyse([example(1, *golds)], [prediction(1, text)])
    assert [case.kind for case in found.errors] == [kind]
    assert {one.name: one.count for one in found.kinds}[kind] == 1
    assert set(analysis.KINDS) == {one.name for one in found.kinds}


def test_what_was_not_read_cannot_be_answered():
    found = analyse([example(1, "Charles Babbage")], [prediction(1, "London", covered=30)])
    assert [case.kind for case in found.errors] == [analysis.UNREAD]
    assert not found.suspects.cases


def test_right_answers_by_the_scorer_are_no_errors():
    found = analyse([example(1, "engine"), example(2)], [prediction(1, "the engine"), prediction(2)])
    assert found.judged == 2
    assert found.errors == ()


def test_questions_without_gold_are_left_out():
    unknown = QaExample(2, "Who?", PASSAGE, None)
    found = analyse([example(1, "London"), unknown], [prediction(1, "London"), prediction(2, "Ada Lovelace")])
    assert (found.judged, found.errors) == (1, ())


def test_a_case_marks_gold_and_model_and_finds_the_right_answer_among_the_candidates():
    found = analyse(
        [example(1, "London", "Ada Lovelace")], [prediction(1, "1843", 0.9, ["engine", "London"])]
    )
    (case,) = found.errors
    assert [(PASSAGE[mark.chars.start : mark.chars.end], mark.side) for mark in case.marks] == [
        ("London", "gold"),
        ("Ada Lovelace", "gold"),
        ("1843", "model"),
    ]
    assert (case.confidence, case.gold, case.predicted) == (0.9, "London | Ada Lovelace", "1843")
    assert "number 3 of" in case.note
    (other,) = analyse([example(1, "London")], [prediction(1, "1843")]).errors
    assert "No right answer" in other.note


def test_scores_by_part_of_the_data():
    examples = [example(1, "London"), example(2, "Ada Lovelace"), example(3)]
    predictions = [prediction(1, "London"), prediction(2, "Charles Babbage", 0.3), prediction(3, None, 0.1)]
    tables = {table.title: table for table in analyse(examples, predictions, [example(9, "London")]).tables}

    def scores(title):
        return {part.name: (part.count, part.scores[0].value) for part in tables[title].slices}

    assert scores("All questions") == {
        "all": (3, pytest.approx(200 / 3)),
        "with an answer": (2, 50),
        "without an answer": (1, 100),
    }
    assert scores("By length of the answer") == {"1 word": (1, 100), "2 words": (1, 0)}
    assert scores("By how often training had the answer") == {
        "0 training questions": (1, 0),
        "1 training question": (1, 100),
    }
    assert [part.count for part in tables["By the model's confidence"].slices] == [1, 1, 1]


def test_what_training_has_seen_is_told_only_where_it_is_known():
    titles = [table.title for table in analyse([example(1, "London")], [prediction(1, "London")]).tables]
    assert not [title for title in titles if "training" in title]


def test_confident_disagreement_is_suspected_boundaries_are_not():
    examples = [example(number, "Ada Lovelace") for number in range(4)]
    predictions = [
        prediction(0, "Ada Lovelace", 0.6),
        prediction(1, "London", 0.8),
        prediction(2, "Lovelace", 0.9),
        prediction(3, "London", 0.5),
    ]
    found = analyse(examples, predictions)
    assert [case.id for case in found.errors] == [2, 1, 3]
    assert [case.id for case in found.suspects.cases] == [1]
