import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanbert.errors import DataError
from spanbert.tasks.classification.examples import ClassificationExample
from spanbert.tasks.classification.features import (
    ClassificationTrainingSet,
    collate,
    features,
    target_of,
)
from spanbert.tasks.classification.settings import ClassificationSettings


def chosen(**values):
    return ClassificationSettings(**{"window_pieces": 36, "overlap_pieces": 8, **values})


def words(count, word="one"):
    return " ".join([word] * count)


def numbered(count):
    """The numbers from 0 as two words each: every stretch of three words stands in one place."""
    names = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    return " ".join(names[number // 10**power % 10] for number in range(count) for power in (1, 0))


def test_a_pair_has_segments_zero_and_one(tokenizer):
    example = ClassificationExample("a", "one two", "three")
    (feature,) = features([example], tokenizer, chosen())[0]
    batch = collate([feature])
    one, two, three = (tokenizer.encode(word).ids[0] for word in ("one", "two", "three"))
    cls, sep = tokenizer.start_id, tokenizer.end_id
    assert batch.pieces.piece_ids.tolist() == [[cls, one, two, sep, three, sep]]
    assert batch.pieces.segment_ids.tolist() == [[0, 0, 0, 0, 1, 1]]
    assert batch.targets is None


def test_a_batch_knows_the_text_of_each_window(tokenizer):
    examples = [
        ClassificationExample(n, words(count), None, "ab"[n % 2]) for n, count in enumerate((80, 2, 50))
    ]
    data = ClassificationTrainingSet(examples, tokenizer, chosen(kind="one", labels=("a", "b")))
    batch = collate(data.epoch(0, 0))
    assert batch.owners.tolist() == [0, 0, 0, 1, 2, 2]
    assert batch.targets.tolist() == [0, 1, 0]
    assert batch.target_counts == {"labels": 3}


@settings(max_examples=40, deadline=None)
@given(first=st.integers(1, 80), second=st.integers(0, 80))
def test_all_pieces_of_both_texts_of_a_pair_are_read(tokenizer, first, second):
    texts = numbered(first), numbered(second) or "one"
    found = features([ClassificationExample("a", *texts)], tokenizer, chosen())[0]
    assert found[0].covered_chars == sum(map(len, texts))
    for number, text in enumerate(texts):
        pieces = tokenizer.encode(text).ids
        read = np.zeros(len(pieces), dtype=bool)
        for feature in found:
            (window,) = feature.windows
            assert len(window) <= 36
            start, end = (
                (1, window.second_start - 1) if number == 0 else (window.second_start, len(window) - 1)
            )
            part = window.piece_ids[start:end]
            for place in range(len(pieces) - len(part) + 1):
                if np.array_equal(pieces[place : place + len(part)], part):
                    read[place : place + len(part)] = True
        assert read.all()


def test_the_shorter_text_of_a_pair_stands_whole_beside_each_window_of_the_longer(tokenizer):
    short, long = words(5, "two"), words(100)
    for pair in ((short, long), (long, short)):
        found = features([ClassificationExample("a", *pair)], tokenizer, chosen())[0]
        assert len(found) > 3
        two = tokenizer.encode("two").ids[0]
        assert all((feature.windows[0].piece_ids == two).sum() == 5 for feature in found)
        assert all(feature.piece_count == 36 for feature in found)


def test_a_long_text_is_windowed_truncated_or_refused_as_settings_say(tokenizer):
    example = ClassificationExample("x", words(100))
    assert len(features([example], tokenizer, chosen())[0]) > 2
    (only,) = features([example], tokenizer, chosen(on_long="truncate"))[0]
    assert only.covered_chars == len(words(34))
    with pytest.raises(DataError, match="text 'x': the text has 100 pieces, a window holds 34"):
        features([example], tokenizer, chosen(on_long="error"))


def test_training_draws_windows_of_very_long_texts_anew(tokenizer):
    example = ClassificationExample("x", numbered(100), None, "a")
    data = ClassificationTrainingSet(
        [example], tokenizer, chosen(kind="one", labels=("a", "b"), training_windows=3)
    )
    drawn = [[window.piece_ids.tolist() for window in data.epoch(0, epoch)[0].windows] for epoch in range(6)]
    assert {len(windows) for windows in drawn} == {3}
    assert len({str(windows) for windows in drawn}) > 1
    assert [window.piece_ids.tolist() for window in data.epoch(0, 2)[0].windows] == drawn[2]


def test_texts_without_a_label_are_counted(tokenizer):
    examples = [ClassificationExample("x", "one", None, "a"), ClassificationExample("y", "two")]
    data = ClassificationTrainingSet(examples, tokenizer, chosen(kind="one", labels=("a", "b")))
    assert data.lost_gold == {"texts without a label": 1}
    assert len(data.epoch(0, 0)) == 1


@pytest.mark.parametrize(
    ("values", "gold", "target"),
    [
        ({"kind": "one", "labels": ("a", "b")}, "b", 1),
        ({"kind": "one", "labels": ("a", "b")}, ("b",), 1),
        ({"kind": "several", "labels": ("a", "b", "c")}, ("c", "a"), [1, 0, 1]),
        ({"kind": "several", "labels": ("a", "b", "c")}, (), [0, 0, 0]),
        ({"kind": "number", "labels": ("score",), "mean": 2.0, "deviation": 0.5}, "3", 2.0),
    ],
)
def test_targets(values, gold, target):
    found = target_of(chosen(**values))(ClassificationExample("x", "one", None, gold))
    assert np.asarray(found).tolist() == target
