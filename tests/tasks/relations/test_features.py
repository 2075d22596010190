"""Pairs as pieces: marks of both kinds of vocabulary, long texts, training targets."""

import numpy as np
import pytest

from spanbert.errors import DataError, SettingsError
from spanbert.tasks.relations.features import PairEncoder, RelationTrainingSet, collate
from spanbert.tasks.relations.labels import learned
from spanbert.tasks.relations.settings import RelationSettings
from spanbert.tasks.relations.task import Relations
from spanbert.text.tokenizer import Tokenizer


def shown(tokenizer, feature):
    return " ".join(map(tokenizer.piece, feature.piece_ids.tolist()))


@pytest.fixture
def typed(pair):
    return pair("ada works for the old mill.", "old mill", "ada", ("works for",), ("ORG", "PER"))


@pytest.fixture
def settled(typed, pair):
    """Settings learned of a few typed and untyped pairs."""

    def made(**changes):
        examples = [typed, pair("ada likes rome", "ada", "rome", ("likes",))]
        return learned(examples, RelationSettings(**changes))

    return made


def test_unused_pieces_mark_both_entities(tokenizer, typed, settled):
    (feature,) = PairEncoder(tokenizer, settled()).features([typed])
    expected = "[CLS] [unused7] ada [unused8] works for the [unused5] old mill [unused6] . [SEP]"
    assert shown(tokenizer, feature) == expected
    assert [tokenizer.piece(feature.piece_ids[start]) for start in feature.starts] == [
        "[unused5]",
        "[unused7]",
    ]
    assert feature.covered_chars == len(typed.text)


def test_placeholders_hide_both_entities(tokenizer, typed, settled):
    (feature,) = PairEncoder(tokenizer, settled(marking="types")).features([typed])
    assert shown(tokenizer, feature) == "[CLS] [unused4] works for the [unused3] . [SEP]"


def test_a_type_that_training_did_not_see_is_no_type(tokenizer, pair, settled):
    stranger = pair("ada likes rome", "ada", "rome", None, ("GPE", None))
    (feature,) = PairEncoder(tokenizer, settled()).features([stranger])
    assert shown(tokenizer, feature) == "[CLS] [unused1] ada [unused2] likes [unused3] rome [unused4] [SEP]"


def test_punctuation_marks_where_the_vocabulary_has_no_free_pieces(plain_tokenizer, typed, pair, settled):
    encoder = PairEncoder(plain_tokenizer, settled())
    untyped = pair("ada likes rome", "ada", "rome")
    found = [shown(plain_tokenizer, feature) for feature in encoder.features([typed, untyped])]
    assert found[0] == "[CLS] # * per * ada # works for the @ * o ##r ##g * old mill @ . [SEP]"
    assert found[1] == "[CLS] @ ada @ likes # rome # [SEP]"
    placed = PairEncoder(plain_tokenizer, settled(marking="types")).features([typed])
    assert shown(plain_tokenizer, placed[0]) == "[CLS] # per works for the @ o ##r ##g . [SEP]"


def test_a_vocabulary_with_nothing_to_mark_with_is_refused(bare_tokenizer, settled):
    with pytest.raises(SettingsError, match="neither"):
        PairEncoder(bare_tokenizer, settled())


def test_far_entities_keep_their_neighbourhoods_and_it_is_said(tokenizer, pair, settled):
    text = "by the old " * 30 + "ada " + "and " * 100 + "rome " + "a city " * 30
    example = pair(text, "ada", "rome")
    (feature,) = PairEncoder(tokenizer, settled(window_pieces=40)).features([example])
    assert len(feature.piece_ids) <= 40
    pieces = shown(tokenizer, feature)
    assert "old [unused1] ada [unused2] and" in pieces
    assert "and [unused3] rome [unused4] a city" in pieces
    assert pieces.count("[SEP]") == 2
    read = pieces.replace("[CLS]", "").split("[SEP]")[:2]
    words = [[word for word in part.split() if not word.startswith("[")] for part in read]
    assert feature.covered_chars == sum(len(" ".join(part)) for part in words)


def test_marks_that_leave_no_room_are_refused(plain_tokenizer, pair, settled):
    example = pair("ada likes rome", "ada", "rome", None, ("x" * 30, None))
    with pytest.raises(SettingsError, match="window_pieces"):
        PairEncoder(plain_tokenizer, settled(window_pieces=36)).features([example])


def test_a_text_is_cut_once_for_the_pairs_of_several_calls(tokenizer, pair, settled):
    class Counting(Tokenizer):
        def encode_many(self, texts):
            cut.extend(texts)
            return super().encode_many(texts)

    long, other = "ada likes rome and bob works for oslo", "bob likes oslo"
    pairs = [pair(long, "ada", "rome"), pair(long, "bob", "oslo"), pair(long, "ada", "oslo")]
    calls = [
        pairs[:1],
        pairs[1:],
        [pairs[0], pair(other, "bob", "oslo")],
        [pair(other, "oslo", "bob")],
        pairs,
    ]
    counting, task = Counting(tokenizer.backend), Relations(settled())
    cut = []
    found = [task.features(call, counting) for call in calls]
    assert cut == [long, other, long]
    for call, features in zip(calls, found, strict=True):
        alone = Relations(settled()).features(call, tokenizer)
        assert [shown(tokenizer, one) for (one,) in features] == [shown(tokenizer, one) for (one,) in alone]


def test_another_tokenizer_cuts_the_text_anew(tokenizer, plain_tokenizer, pair, settled):
    task, example = Relations(settled()), pair("ada likes rome", "ada", "rome")
    texts = [shown(one, task.features([example], one)[0][0]) for one in (tokenizer, plain_tokenizer)]
    assert texts == [
        "[CLS] [unused1] ada [unused2] likes [unused3] rome [unused4] [SEP]",
        "[CLS] @ ada @ likes # rome # [SEP]",
    ]


def test_an_entity_without_a_piece_is_still_marked_at_its_place(tokenizer, pair, settled):
    (feature,) = PairEncoder(tokenizer, settled()).features([pair("ada \u200b likes rome", "\u200b", "rome")])
    assert "ada [unused1] [unused2] likes [unused3] rome" in shown(tokenizer, feature)


def test_batches_point_at_the_marks_of_each_sequence(tokenizer, typed, pair, settled):
    found = PairEncoder(tokenizer, settled()).features([typed, pair("ada likes rome", "ada", "rome")])
    batch = collate(found)
    row = batch.pieces.piece_ids[0]
    names = [[tokenizer.piece(int(row[place])) for place in both] for both in batch.starts]
    assert names == [["[unused5]", "[unused7]"], ["[unused1]", "[unused3]"]]
    assert [tokenizer.piece(int(row[place])) for place in batch.firsts] == ["[CLS]", "[CLS]"]
    assert batch.targets is None


def test_targets_of_one_relation_are_numbers_of_labels(tokenizer, pair):
    examples = [
        pair("ada likes rome", "ada", "rome", ("likes",)),
        pair("ada likes oslo", "ada", "oslo", ("Other",)),
        pair("bob likes oslo", "bob", "oslo", ()),
        pair("bob likes rome", "bob", "rome"),
    ]
    data = RelationTrainingSet(examples, tokenizer, learned(examples, RelationSettings()))
    assert [int(feature.target) for feature in data.epoch(0, 0)] == [1, 0, 0]
    assert data.lost_gold == {"pairs without gold": 1}


def test_targets_of_several_relations_are_a_row_for_each_pair(tokenizer, pair):
    examples = [
        pair("ada likes rome", "ada", "rome", ("likes",)),
        pair("bob likes oslo", "bob", "oslo", ()),
        pair("ada likes rome", "ada", "rome", ("a",)),
    ]
    data = RelationTrainingSet(examples, tokenizer, learned(examples, RelationSettings()))
    targets = np.stack([feature.target for feature in data.epoch(0, 0)])
    assert targets.tolist() == [[1, 1], [0, 0]]
    assert collate(data.epoch(0, 0)).target_counts == {"relations": 4}


def test_gold_that_no_label_says_is_counted_and_not_taught_as_none(tokenizer, pair):
    examples = [
        pair("ada likes rome", "ada", "rome", ("new",)),
        pair("ada likes oslo", "ada", "oslo", ("a",)),
    ]
    settings = RelationSettings(kind="one", labels=("Other", "a"), negative="Other")
    settings = settings.model_copy(update={"markers": learned(examples, RelationSettings()).markers})
    data = RelationTrainingSet(examples, tokenizer, settings)
    assert len(data) == 1
    assert data.lost_gold == {"pairs with the unknown relations ['new']": 1}
    with pytest.raises(DataError, match="has none"):
        RelationTrainingSet([pair("ada likes rome", "ada", "rome")], tokenizer, settings)
