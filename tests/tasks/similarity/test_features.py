import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanbert.errors import DataError
from spanbert.tasks.similarity.examples import SimilarityExample
from spanbert.tasks.similarity.features import CONTRAST, SCORES, PairEncoder, SimilarityTrainingSet, collate
from spanbert.tasks.similarity.settings import SimilaritySettings
from spanbert.tasks.similarity.task import Similarity


def pair_settings(**values):
    return SimilaritySettings(**{"window_pieces": 36, "overlap_pieces": 8, **values})


def features_of(tokenizer, first, second, **values):
    encoder = PairEncoder(tokenizer, pair_settings(**values))
    (pieces,) = encoder.encode([SimilarityExample("a", first, second)])
    return encoder.features(*pieces)


def test_a_bi_encoder_reads_each_text_as_a_sequence_of_its_own(tokenizer):
    (feature,) = features_of(tokenizer, "paris", "the city")
    start, end = tokenizer.start_id, tokenizer.end_id
    assert [list(one) for one in feature.sequences] == [
        [start, *tokenizer.encode("paris").ids, end],
        [start, *tokenizer.encode("the city").ids, end],
    ]
    assert not collate([feature]).pieces.segment_ids.any()


def test_a_cross_encoder_reads_both_with_segments(tokenizer):
    (feature,) = features_of(tokenizer, "paris", "the city", mode="cross")
    start, end = tokenizer.start_id, tokenizer.end_id
    wanted = [start, *tokenizer.encode("paris").ids, end, *tokenizer.encode("the city").ids, end]
    assert [list(one) for one in feature.sequences] == [wanted]
    assert collate([feature]).pieces.segment_ids[0].tolist() == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize("mode", ["bi", "cross"])
@settings(max_examples=25)
@given(first=st.integers(1, 150), second=st.integers(1, 150))
def test_every_piece_is_read_and_no_window_is_longer_than_allowed(tokenizer, mode, first, second):
    features = features_of(tokenizer, "paris " * first, "city " * second, mode=mode)
    for side, count in enumerate((first, second)):
        read, owned = np.zeros(count, bool), np.zeros(count, int)
        windows = {part.window for feature in features for part in feature.parts if part.side == side}
        for window in windows:
            read[window.pieces.start : window.pieces.end] = True
            owned[window.owned.start : window.owned.end] += 1
        assert read.all()
        assert (owned == 1).all()
    assert all(len(one) <= 36 for feature in features for one in feature.sequences)


def test_a_short_text_leaves_its_room_to_a_long_one(tokenizer):
    (feature,) = features_of(tokenizer, "paris", "city " * 32, mode="cross")
    assert feature.piece_count == 36


def test_long_texts_can_be_refused(tokenizer):
    with pytest.raises(DataError, match=r"60 pieces, a window holds 34"):
        features_of(tokenizer, "paris " * 60, "city", on_long="error")


def test_scores_are_brought_to_a_scale_from_0_to_1(tokenizer):
    examples = [SimilarityExample(str(score), "paris", "city", score) for score in (1.0, 2.0, 5.0)]
    task = Similarity(pair_settings()).learn(examples)
    features = task.training_set(examples, tokenizer).epoch(0, 0)
    assert [feature.score for feature in features] == [0.0, 0.25, 1.0]
    assert collate(features).target_counts == {SCORES: 3}


def test_contrast_takes_high_scores_and_pairs_without_one_and_counts_the_rest(tokenizer):
    examples = [
        SimilarityExample("1", "paris", "city", 5.0),
        SimilarityExample("2", "paris", "river", 3.0),
        SimilarityExample("3", "river", "runs", None),
        SimilarityExample("4", "the", "un", 0.0),
    ]
    task = Similarity(pair_settings(loss="contrast")).learn(examples)
    training = task.training_set(examples, tokenizer)
    features = training.epoch(0, 0)
    assert [feature.positive for feature in features] == [True, True]
    assert {name: count for name, count in training.lost_gold.items() if count} == {
        "pairs scored below positive_from": 2
    }
    assert collate(features).target_counts == {CONTRAST: 2}


def test_pairs_that_share_a_text_are_marked(tokenizer):
    texts = [("paris", "city"), ("river", "city"), ("paris", "runs"), ("the", "un")]
    examples = [SimilarityExample(str(n), one, other) for n, (one, other) in enumerate(texts)]
    training = SimilarityTrainingSet(examples, tokenizer, pair_settings(loss="contrast"))
    same = collate(training.epoch(0, 0)).same_texts
    assert same.int().tolist() == [[1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 1]]


def test_a_text_is_no_wrong_answer_to_itself_whichever_side_it_stands_on(tokenizer):
    texts = [("paris", "city"), ("river", "paris"), ("runs", "the")]
    examples = [SimilarityExample(str(n), one, other) for n, (one, other) in enumerate(texts)]
    training = SimilarityTrainingSet(examples, tokenizer, pair_settings(loss="contrast"))
    same = collate(training.epoch(0, 0)).same_texts
    assert same.int().tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 1]]


def test_pairs_cut_in_training_and_pairs_without_a_score_are_counted(tokenizer):
    examples = [
        SimilarityExample("1", "paris " * 60, "city", 1.0),
        SimilarityExample("2", "paris", "city", 0.0),
        SimilarityExample("3", "paris", "city", None),
    ]
    training = SimilarityTrainingSet(examples, tokenizer, pair_settings(loss="cosine"))
    assert training.lost_gold == {
        "pairs of which training reads the first window alone": 1,
        "pairs without a score": 1,
    }
    with pytest.raises(DataError, match="1 x pairs without a score"):
        SimilarityTrainingSet(examples[2:], tokenizer, pair_settings(loss="cosine"))
