import numpy as np
import pytest

from spanbert.tasks.entities.analysis import analyse, nothing_probability
from spanbert.tasks.entities.evidence import SpanScores, TagScores
from spanbert.tasks.entities.examples import Entity, EntityExample, EntityPrediction, FoundEntity
from spanbert.tasks.entities.settings import EntitySettings
from spanbert.text.spans import Span

TEXT = "Ada Byron of London met Charles Babbage in Paris"
WORDS = TEXT.split()
STARTS = [TEXT.index(word) for word in WORDS]
WORD_CHARS = np.asarray([(start, start + len(word)) for start, word in zip(STARTS, WORDS, strict=True)])
LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
SETTINGS = EntitySettings(labels=LABELS)


def chars(words):
    return Span(TEXT.index(words), TEXT.index(words) + len(words))


def example(number, *golds):
    return EntityExample(number, TEXT, tuple(Entity(chars(words), kind) for words, kind in golds))


def prediction(number, *found, outside=0.8):
    rest = (1 - outside) / 4
    scores = np.log([[outside, rest, rest, rest, rest]] * len(WORDS)).astype(np.float32)
    entities = tuple(FoundEntity(words, chars(words), 0.0, chance, kind) for words, kind, chance in found)
    return EntityPrediction(
        EntityExample(number, TEXT), entities, 1, len(TEXT), TagScores(scores, WORD_CHARS)
    )


@pytest.mark.parametrize(
    ("gold", "found", "kind", "confidence"),
    [
        ([("London", "LOC")], [("London", "PER", 0.7)], "type", 0.7),
        ([("Ada Byron", "PER")], [("Byron", "PER", 0.7)], "boundary", 0.7),
        ([("Ada Byron", "PER")], [("Byron", "LOC", 0.7)], "type and boundary", 0.7),
        ([], [("Paris", "LOC", 0.7)], "spurious", 0.7),
        ([("Ada Byron", "PER")], [], "missed", 0.64),
    ],
)
def test_kinds_of_error_and_how_sure_the_model_was(gold, found, kind, confidence):
    made = analyse([example(1, *gold)], [prediction(1, *found)], SETTINGS)
    (case,) = made.errors
    assert case.kind == kind
    assert case.confidence == pytest.approx(confidence)
    assert [mark.side for mark in case.marks] == ["gold"] * len(gold) + ["model"] * len(found)
    assert {one.name: one.count for one in made.kinds}[kind] == 1


def test_scores_by_part_of_the_data():
    examples = [example(1, ("Ada Byron", "PER"), ("London", "LOC")), example(2, ("Paris", "LOC"))]
    predictions = [prediction(1, ("Ada Byron", "PER", 0.9)), prediction(2, ("Paris", "PER", 0.5))]
    training = [EntityExample(9, "PARIS", (Entity(Span(0, 5), "LOC"),))]
    tables = {table.title: table for table in analyse(examples, predictions, SETTINGS, training).tables}

    def scores(title):
        return {
            part.name: (part.count, *(score.value for score in part.scores)) for part in tables[title].slices
        }

    assert scores("All entities") == {"all": (3, 50, pytest.approx(100 / 3), 40)}
    assert scores("By type") == {"LOC": (2, None, 0, 0), "PER": (1, 50, 100, pytest.approx(200 / 3))}
    assert list(scores("By type")) == ["LOC", "PER"]
    assert scores("By length of the entity") == {"1 word": (2, 0, 0, 0), "2 words": (1, 100, 100, 100)}
    seen = scores("By how often the entity stands in the training data")
    assert seen["1 time"] == (1, 0, 0, 0)
    assert seen["0 times"] == (2, 100, 50, pytest.approx(200 / 3))


def test_texts_without_gold_are_left_out():
    made = analyse(
        [example(1), EntityExample(2, TEXT)], [prediction(1), prediction(2, ("Ada", "PER", 0.9))], SETTINGS
    )
    assert (made.judged, made.errors) == (0, ())


def test_what_is_missed_is_suspected_only_where_the_model_is_as_sure_as_at_words_of_no_entity():
    gold = [(word, "PER") for word in ("Ada", "Byron", "London", "Charles", "Babbage", "Paris")]
    unsure = prediction(1)
    for name in ("Ada", "Byron", "Charles", "Babbage", "Paris"):
        unsure.evidence.scores[WORDS.index(name)] = np.log([0.5, 0.2, 0.1, 0.1, 0.1])
    made = analyse([example(1, *gold)], [unsure], SETTINGS)
    assert [case.gold for case in made.suspects.cases] == ["London [PER]"]


def test_a_nested_model_is_as_sure_of_nothing_as_its_best_span_is_unlikely():
    spans = np.asarray([[0, 2, 0], [0, 2, 1], [3, 4, 1]])
    evidence = SpanScores(spans, np.asarray([-2.0, -1.0, 1.0]), WORD_CHARS)
    made = EntityPrediction(EntityExample(1, TEXT), (), 1, len(TEXT), evidence)
    nested = EntitySettings(labels=("PER", "LOC"), decoder="nested", temperature=2.0)
    assert nothing_probability(made, chars("Ada Byron"), nested) == pytest.approx(1 / (1 + np.exp(-0.5)))
    assert nothing_probability(made, chars("Paris"), nested) == pytest.approx(1 / (1 + np.exp(-2.0)))


def test_the_chance_of_nothing_needs_the_scores_of_its_own_words_alone():
    made = prediction(1)
    made.evidence.scores[[WORDS.index("met"), WORDS.index("Paris")]] = -np.inf
    with np.errstate(invalid="raise"):
        assert nothing_probability(made, chars("Charles Babbage"), SETTINGS) == pytest.approx(0.64)
        with pytest.raises(FloatingPointError):
            nothing_probability(made, chars("met Charles"), SETTINGS)


def test_of_text_that_was_not_read_the_model_is_sure_of_nothing():
    made = prediction(1)
    evidence = TagScores(made.evidence.scores[:3], WORD_CHARS[:3])
    unread = EntityPrediction(made.example, (), 1, 12, evidence)
    assert nothing_probability(unread, chars("Paris"), SETTINGS) == 0.0
