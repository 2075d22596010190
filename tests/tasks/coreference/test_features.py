"""Documents as segments and features: nothing is read twice or lost, and gold stands where it should."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanbert.errors import DataError
from spanbert.tasks.coreference.examples import CoreferenceExample, Turn
from spanbert.tasks.coreference.features import CoreferenceTrainingSet, collate
from spanbert.tasks.coreference.segments import cut_documents
from spanbert.tasks.coreference.settings import CoreferenceSettings
from spanbert.tasks.coreference.task import Coreference
from spanbert.text.spans import Span

SHORT = CoreferenceSettings(window_pieces=36)
TEXT = "The river runs through paris. What runs there? The capital city. " * 8


def spans_of(text, *mentions):
    """Each mention as (words, occurrence)."""
    found = []
    for words, number in mentions:
        place = -1
        for _ in range(number + 1):
            place = text.index(words, place + 1)
        found.append(Span(place, place + len(words)))
    return tuple(found)


def document(tokenizer, text, settings=SHORT, turns=()):
    return cut_documents([CoreferenceExample("d", text, turns=turns)], tokenizer, settings)[0]


@given(text=st.text("ab .\n!你é😀[", max_size=300), overlap=st.sampled_from([0, 8, 16]))
@settings(max_examples=60)
def test_segments_own_every_piece_once_and_fit_the_encoder(tokenizer, text, overlap):
    made = document(tokenizer, text, CoreferenceSettings(window_pieces=36, overlap_pieces=overlap))
    owned = [place for one in made.segments for place in range(one.window.owned.start, one.window.owned.end)]
    assert owned == list(range(len(made.pieces)))
    for one in made.segments:
        assert len(one.piece_ids) == len(one.window.pieces) + 2 <= 36
        assert one.window.pieces.contains(one.window.owned)
        read = made.pieces.ids[one.window.pieces.start : one.window.pieces.end]
        assert one.piece_ids[1:-1].tolist() == read.tolist()
    assert made.covered_chars == len(text)
    words = [word for one in made.segments for word in range(one.words.start, one.words.end)]
    assert words == sorted(set(words))
    if all(len(word) < 34 for word in text.split()):
        assert len(words) == len(made.words)


def test_segments_end_where_sentences_do(tokenizer):
    made = document(tokenizer, TEXT)
    assert len(made.segments) > 3
    for one in made.segments[:-1]:
        last = int(made.pieces.char_ends[one.window.owned.end - 1])
        assert TEXT[last - 1] in ".?"


def test_overlap_adds_context_on_both_sides(tokenizer):
    made = document(tokenizer, TEXT, CoreferenceSettings(window_pieces=36, overlap_pieces=8))
    inner = made.segments[1]
    assert inner.window.owned.start - inner.window.pieces.start == 4
    assert inner.window.pieces.end > inner.window.owned.end


def test_long_documents_can_be_cut_or_refused(tokenizer):
    example = CoreferenceExample("long", TEXT)
    made = cut_documents([example], tokenizer, SHORT.model_copy(update={"on_long": "truncate"}))[0]
    assert len(made.segments) == 1
    assert 0 < made.covered_chars < len(TEXT)
    with pytest.raises(DataError, match=r"'long'.*on_long = error"):
        cut_documents([example], tokenizer, SHORT.model_copy(update={"on_long": "error"}))


def test_equal_words_have_equal_codes_and_others_do_not(tokenizer):
    words = document(tokenizer, "paris xyzzy paris xyzyz xyzzy The the").words
    assert words.codes[0] == words.codes[2]
    assert words.codes[1] == words.codes[4]
    assert words.codes[5] == words.codes[6]
    assert len(set(words.codes.tolist())) == 4


def test_words_know_their_sentence(tokenizer):
    words = document(tokenizer, 'The river runs. "What runs?" Paris un able. The').words
    assert words.sentences.tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3]


def test_words_know_their_speaker(tokenizer):
    turns = (Turn(Span(0, 9), "Max"), Turn(Span(15, 20), "Eve"), Turn(Span(21, 25), "Max"))
    words = document(tokenizer, "the river runs paris what", turns=turns).words
    assert words.speakers.tolist() == [0, 0, -1, 1, 0]


def test_a_batch_points_at_the_pieces_of_words(tokenizer):
    task = Coreference(SHORT)
    features = [one for found in task.features([CoreferenceExample("d", TEXT)], tokenizer) for one in found]
    batch = collate(features)
    row = batch.pieces.piece_ids[0]
    for segment, feature in enumerate(features):
        words = feature.segments[0].words
        for place, number in enumerate(range(words.start, words.end)):
            assert batch.words.numbers[segment, place] == number
            first, last = batch.words.first_pieces[segment, place], batch.words.last_pieces[segment, place]
            start, end = (
                feature.document.words.piece_starts[number],
                feature.document.words.piece_ends[number],
            )
            assert row[first : last + 1].tolist() == feature.document.pieces.ids[start:end].tolist()
    assert batch.gold is None
    assert batch.target_counts == {}


def test_gold_stands_at_its_words_in_every_run(tokenizer):
    mentions = [
        spans_of(TEXT, *[(words, number) for number in range(8)])
        for words in ("The river", "paris", "The capital city")
    ]
    example = CoreferenceExample("d", TEXT, tuple(mentions))
    chosen = CoreferenceSettings(window_pieces=36, training_segments=3)
    training = CoreferenceTrainingSet([example], tokenizer, chosen)
    assert training.lost_gold == {}
    for epoch in range(4):
        features = training.epoch(0, epoch)
        assert max(len(feature.segments) for feature in features) <= 3
        assert [one for feature in features for one in feature.segments] == list(
            training.documents[0][0].segments
        )
        batch = collate(features)
        seen = {}
        for segment, first, last, cluster in batch.gold.tolist():
            start = batch.words.first_pieces[segment, first]
            end = batch.words.last_pieces[segment, last]
            pieces = tuple(batch.pieces.piece_ids[0, start : end + 1].tolist())
            seen.setdefault(cluster, set()).add(pieces)
        # A cluster has one number in each run, shared by no other run and no other cluster.
        assert all(len(texts) == 1 for texts in seen.values())
        assert len(batch.gold) == 24
        assert len(seen) >= 3 * len(features) - 3


def test_runs_of_long_documents_differ_between_epochs(tokenizer):
    example = CoreferenceExample("d", TEXT, (spans_of(TEXT, ("paris", 0), ("paris", 1)),))
    training = CoreferenceTrainingSet(
        [example], tokenizer, CoreferenceSettings(window_pieces=36, training_segments=3)
    )
    lengths = {tuple(len(one.segments) for one in training.epoch(0, epoch)) for epoch in range(12)}
    assert len(lengths) > 1


def test_lost_gold_is_counted_by_reason(tokenizer):
    text = "xyzzy runs through the capital city [ ] " + "river " * 60
    clusters = (
        spans_of(text, ("xyzzy", 0), ("xyz", 0)),  # the second cuts a word
        (Span(0, 35), Span(5, 6)),  # too long; a space
        (Span(40, 40 + 6 * 40),),  # longer than a segment
    )
    examples = [
        CoreferenceExample("d", text, clusters),
        CoreferenceExample("none", text),
        CoreferenceExample("empty", " ", ()),
    ]
    chosen = CoreferenceSettings(window_pieces=36, max_mention_words=5)
    training = CoreferenceTrainingSet(examples, tokenizer, chosen)
    assert dict(training.lost_gold) == {
        "mentions that cut a word": 1,
        "mentions longer than max_mention_words": 2,
        "mentions without a piece": 1,
        "documents without gold": 1,
        "empty documents": 1,
    }
    wide = CoreferenceTrainingSet(
        examples[:1], tokenizer, CoreferenceSettings(window_pieces=36, max_mention_words=99)
    )
    assert wide.lost_gold["mentions cut by segments or not read"] == 1


def test_training_without_gold_is_refused(tokenizer):
    with pytest.raises(DataError, match="gold clusters"):
        CoreferenceTrainingSet([CoreferenceExample("d", "paris")], tokenizer, SHORT)


def test_an_empty_document_is_one_feature_without_words(tokenizer):
    ((feature,),) = Coreference(SHORT).features([CoreferenceExample("d", "")], tokenizer)
    assert feature.piece_count == 2
    assert collate([feature]).word_counts == (0,)
    assert np.all(collate([feature]).words.numbers.numpy() == 0)
