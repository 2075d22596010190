import pytest

from spanbert.errors import DataError
from spanbert.tasks.fill_mask.examples import parse_example
from spanbert.tasks.fill_mask.features import Ask
from spanbert.tasks.fill_mask.settings import FillMaskSettings
from spanbert.tasks.fill_mask.training_set import FillMaskTrainingSet

ITEMS = [
    {"text": "the city of paris. " * 30},
    {"text": "the [MASK] of [MASK...]", "answers": ["city", "paris city"]},
]


def training_set(tokenizer, items, **settings):
    return FillMaskTrainingSet(
        [parse_example(item, "item", line) for line, item in enumerate(items, start=1)],
        tokenizer,
        FillMaskSettings(**settings),
    )


def originals(tokenizer, feature):
    ids = feature.piece_ids.copy()
    ids[feature.places] = feature.given_ids
    return [tokenizer.piece(piece_id) for piece_id in ids]


def test_hidden_pieces_are_those_of_the_text_and_change_with_the_epoch(tokenizer):
    made = training_set(tokenizer, ITEMS)
    first, second, again = made.epoch(0, 0), made.epoch(0, 1), made.epoch(0, 0)
    whole = [tokenizer.piece(piece_id) for piece_id in tokenizer.encode(ITEMS[0]["text"]).ids]
    assert originals(tokenizer, first[0]) == ["[CLS]", *whole, "[SEP]"]
    assert first[0].places.tolist() != second[0].places.tolist()
    assert first[0].places.tolist() == again[0].places.tolist()
    assert len(first[0].places) == round(0.15 * len(whole))
    assert (first[0].piece_ids[first[0].places] == tokenizer.mask_id).all()
    assert all(one.ask is Ask.LEARN for one in first)


def test_one_piece_answers_are_hidden_together_and_longer_ones_alone(tokenizer):
    item = {"text": "[MASK] of [MASK...] [MASK]", "answers": ["city", "paris city", "river"]}
    short, long = training_set(tokenizer, [item]).epoch(0, 0)
    assert originals(tokenizer, short) == ["[CLS]", "city", "o", "##f", "[MASK]", "river", "[SEP]"]
    assert short.places.tolist() == [1, 5]
    assert originals(tokenizer, long) == ["[CLS]", "[MASK]", "o", "##f", "paris", "city", "[MASK]", "[SEP]"]
    assert long.places.tolist() == [4, 5]


def test_all_of_a_long_text_is_learned_from(tokenizer):
    made = training_set(tokenizer, ITEMS[:1], window_pieces=40, overlap_pieces=10, masked_share=0.99)
    pieces = tokenizer.encode(ITEMS[0]["text"])
    seen = set()
    for feature in made.epoch(0, 0):
        places = set((feature.places - 1 + feature.window.start).tolist())
        assert not seen & places  # what two windows read is hidden in one of them
        seen |= places
    assert len(seen) >= 0.95 * len(pieces)


def test_lost_gold_is_counted(tokenizer):
    items = [
        *ITEMS,
        {"text": "the [MASK]"},
        {"text": "the [MASK] of [MASK]", "answers": ["ж", "city"]},
        {"text": "ж"},
        {"text": "the " * 90 + "[MASK]", "answers": ["city"]},
        {"text": "the [MASK]", "answers": ["city " * 40]},
    ]
    made = training_set(tokenizer, items, window_pieces=40, on_long="truncate")
    assert made.lost_gold == {
        "texts with masks but no answers": 1,
        "answers outside the vocabulary": 1,
        "texts without a piece to hide": 1,
        "answers behind what is read of the text": 1,
        "answers too long for a window": 1,
    }
    assert len(made) == 3


def test_data_without_gold_is_refused(tokenizer):
    with pytest.raises(DataError, match="training needs"):
        training_set(tokenizer, [{"text": "the [MASK]"}])
    with pytest.raises(DataError, match=r"^item:1: text '1'"):
        training_set(tokenizer, [{"text": "the [MASK]", "answers": ["a"], "candidates": ["ж"]}])
