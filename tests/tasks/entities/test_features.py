"""Gold survives the way to pieces and back; every word is learned in one window; what is lost is counted."""

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanbert.checkpoint.source import read_checkpoint, shipped_models
from spanbert.errors import DataError
from spanbert.tasks.entities.decode import reconsider
from spanbert.tasks.entities.examples import Entity, EntityExample, Place, example_of_words
from spanbert.tasks.entities.features import EntityTrainingSet, collate
from spanbert.tasks.entities.settings import EntitySettings
from spanbert.tasks.entities.task import Entities
from spanbert.text.spans import Span

DATA = Path(__file__).parents[4] / "shared" / "data" / "ner"
WORDS = ["Ada", "5", "mg", "～", "阿", "é", "e\u0301", "\ufe0f", "😀", "-", "s", "Lisbon"]


def gold_back(task, example, tokenizer):
    """Gold as a model would give it back that scores it perfectly."""
    training = EntityTrainingSet([example], tokenizer, task.settings)
    features = training.epoch(0, 0)
    labels = len(task.labels)
    outputs = []
    for feature in features:
        batch = collate([feature], task.settings)
        if task.settings.nested:
            scores = np.full((len(feature.word_places), task.settings.longest_entity, labels), -9.0)
            for first, further, kind in batch.targets.tolist():
                scores[first, further, kind] = 9.0
        else:
            scores = 9.0 * np.eye(labels)[batch.targets.numpy()].reshape(-1, labels)
        outputs.append(scores.astype(np.float32))
    made = task.decode(example, features, outputs)
    assert reconsider(made, task.settings) == made
    return {Entity(found.chars, found.type) for found in made.entities}, training.lost_gold


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_gold_spans_come_back_exactly(tokenizer, data):
    words = data.draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=60))
    ends = st.tuples(st.integers(0, len(words) - 1), st.integers(1, 5), st.sampled_from("XY"))
    spans = [
        (start, min(start + length, len(words)), kind)
        for start, length, kind in data.draw(st.lists(ends, max_size=5))
    ]
    example = example_of_words(words, spans, "1", Place("test"))
    task = Entities(EntitySettings(decoder="nested", labels=("X", "Y"), window_pieces=48, overlap_pieces=20))
    found, lost = gold_back(task, example, tokenizer)
    # A mark alone has no piece: an entity that begins or ends with one cannot be said in pieces.
    bare = {
        entity
        for entity in example.entities
        if "\ufe0f" in (example.text[entity.chars.start], example.text[entity.chars.end - 1])
    }
    crossing = {
        one
        for one in example.entities
        for other in example.entities
        if one.chars.overlaps(other.chars)
        and not one.chars.contains(other.chars)
        and not other.chars.contains(one.chars)
    }
    assert (found | bare | crossing) == set(example.entities) | found
    if not bare and not crossing:
        assert found == set(example.entities)
        assert not lost


@pytest.mark.parametrize("letters", ["BI", "BIES", "BILU", "I"])
@given(st.data())
@settings(deadline=None, max_examples=25)
def test_flat_gold_comes_back_in_every_scheme_of_tags(tokenizer, letters, data):
    # Without B and S nothing parts neighbours of one type.
    least_gap = 1 if letters == "I" else 0
    entity = st.tuples(st.integers(least_gap, 6), st.integers(1, 9), st.sampled_from("XY"))
    words, spans = 0, []
    for gap, length, kind in data.draw(st.lists(entity, max_size=12)):
        spans.append((words + gap, words + gap + length, kind))
        words += gap + length
    example = example_of_words(["Oslo"] * (words + 1), spans, "1", Place("test"))
    labels = ("O", *(f"{letter}-{kind}" for kind in "XY" for letter in letters))
    task = Entities(EntitySettings(decoder="flat", labels=labels, window_pieces=36, overlap_pieces=8))
    found, lost = gold_back(task, example, tokenizer)
    assert found == set(example.entities)
    assert not lost


def test_a_flat_entity_may_lie_in_two_windows(tokenizer):
    words = ["Oslo"] * 100
    example = example_of_words(words, [(3, 97, "X"), (97, 98, "X")], "1", Place("test"))
    task = Entities(EntitySettings(window_pieces=36, overlap_pieces=8)).learn([example])
    found, lost = gold_back(task, example, tokenizer)
    assert found == set(example.entities)
    assert not lost


@pytest.mark.parametrize("decoder", ["flat", "nested"])
def test_gold_of_many_windows_comes_back(tokenizer, decoder):
    spans = [(start, start + 6, "XY"[start % 2]) for start in range(0, 110, 7)]
    if decoder == "nested":
        spans += [(start + 1, start + 3, "X") for start, _, _ in spans]
    example = example_of_words(["Oslo", "5"] * 60, spans, "1", Place("test"))
    task = Entities(EntitySettings(window_pieces=40, overlap_pieces=16)).learn([example])
    assert task.settings.decoder == decoder
    found, lost = gold_back(task, example, tokenizer)
    assert found == set(example.entities)
    assert not lost


@pytest.mark.parametrize("decoder", ["flat", "nested"])
def test_every_word_has_its_window(tokenizer, decoder):
    example = example_of_words(["Lisbon", "é", "5"] * 40, [(0, 1, "X")], "1", Place("test"))
    task = Entities(EntitySettings(decoder=decoder, window_pieces=40)).learn([example])
    (features,) = task.features([example], tokenizer)
    assert len(features) > 2
    assert [one.first_word for one in features[1:]] == np.cumsum([one.owned_words for one in features])[
        :-1
    ].tolist()
    assert sum(one.owned_words for one in features) == 120
    for one in features:
        assert (
            one.piece_ids[one.word_places]
            == one.text.pieces.ids[one.text.first_pieces[one.first_word :][: len(one.word_places)]]
        ).all()
    batch = task.collate(features)
    assert int((batch.reach > 0).sum()) == 120


def test_words_of_the_tokenizer_where_the_data_has_none(tokenizer):
    text = "Ada went to New Lisbon - e\u0301."
    example = EntityExample("1", text, (Entity(Span(12, 22), "X"), Entity(Span(25, 27), "X")))
    task = Entities().learn([example])
    found, lost = gold_back(task, example, tokenizer)
    assert found == set(example.entities)
    assert not lost


def test_what_is_lost_is_counted(tokenizer):
    example = EntityExample(
        "1",
        "Ada went \ufe0f to Lisbon",
        (Entity(Span(0, 2), "X"), Entity(Span(9, 10), "X"), Entity(Span(14, 20), "X")),
    )
    task = Entities().learn([example])
    assert dict(task.training_set([example], tokenizer).lost_gold) == {
        "entities that do not begin and end with words, learned as whole words": 1,
        "entities without a piece": 1,
    }
    nested = example_of_words(["Ada"] * 60, [(0, 40, "X"), (2, 3, "X"), (29, 33, "X")], "1", Place("test"))
    task = Entities(EntitySettings(window_pieces=36, longest_entity=20)).learn([nested])
    lost = dict(task.training_set([nested], tokenizer).lost_gold)
    assert lost.pop("entities longer than longest_entity") == 1
    flat = Entities(EntitySettings(decoder="flat")).learn([nested])
    assert dict(flat.training_set([nested], tokenizer).lost_gold) == {
        "entities that overlap another, which the flat decoder cannot find": 2
    }
    cut = Entities(EntitySettings(decoder="flat", window_pieces=36, on_long="truncate")).learn([nested])
    assert cut.training_set([nested], tokenizer).lost_gold["entities behind what is read of their text"] == 1


def test_a_span_that_reaches_out_of_its_window_is_counted(tokenizer):
    words = ["ada"] * 80
    example = example_of_words(words, [(start, start + 18, "X") for start in range(60)], "1", Place("test"))
    task = Entities(EntitySettings(decoder="nested", labels=("X",), window_pieces=36, overlap_pieces=4))
    lost = dict(task.training_set([example], tokenizer).lost_gold)
    assert lost.keys() == {"entities that reach beyond their window"}


def test_texts_without_gold_are_counted_and_texts_without_entities_are_learned(tokenizer):
    examples = [
        EntityExample("1", "Ada", (Entity(Span(0, 3), "X"),)),
        EntityExample("2", "Bob"),
        EntityExample("3", "Oslo", ()),
    ]
    training = Entities().learn(examples).training_set(iter(examples), tokenizer)
    assert dict(training.lost_gold) == {"texts without gold": 1}
    assert len(training.epoch(0, 0)) == 2


def test_no_gold_is_an_error(tokenizer):
    task = Entities(EntitySettings(labels=("O", "B-X", "I-X")))
    with pytest.raises(DataError, match="training needs texts with gold"):
        task.training_set([EntityExample("1", "Ada")], tokenizer)


def test_a_text_that_is_too_long_is_named(tokenizer):
    task = Entities(EntitySettings(labels=("O", "B-X", "I-X"), on_long="error"))
    with pytest.raises(DataError, match="text 'x': the text has 500 pieces"):
        task.features([EntityExample("x", "ada " * 500)], tokenizer)


@pytest.mark.skipif(not DATA.exists() or "mini" not in shipped_models(), reason="no shared data, or no model")
@pytest.mark.parametrize(
    ("name", "lost"),
    [
        ("weibo/dev.conll", {}),
        ("wnut17/dev.conll", {}),
        ("ncbi-disease/dev.conll", {}),
        ("litbank-nested/dev.jsonl", {}),
    ],
)
def test_gold_of_real_data_survives(name, lost):
    tokenizer = read_checkpoint("mini").tokenizer()
    examples = list(islice(Entities().read(DATA / name), 100))
    task = Entities().learn(examples)
    assert dict(task.training_set(examples, tokenizer).lost_gold) == lost
    for example in examples:
        found, unfound = gold_back(task, example, tokenizer)
        assert unfound or found == set(example.entities)
