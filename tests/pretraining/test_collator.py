"""The masking component inside other people's loops."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader
from transformers import BertConfig, BertForMaskedLM, Trainer, TrainerCallback, TrainingArguments

from spanbert.errors import DataError, SettingsError
from spanbert.pretraining.collator import IGNORED, SpanMaskingCollator
from spanbert.pretraining.masking import GeometricSpans, GivenSpans, SinglePieces, WholeWords

TEXTS = ["the river runs through the capital city of france"] * 3 + ["paris what where"] * 2


@pytest.fixture
def features(tokenizer):
    cut = tokenizer.encode_many(TEXTS)
    return [
        {"input_ids": [tokenizer.start_id, *pieces.ids.tolist(), tokenizer.end_id], "index": number}
        for number, pieces in enumerate(cut)
    ]


@pytest.fixture
def collator(tokenizer):
    return SpanMaskingCollator(tokenizer.backend.get_vocab(), scheme=GeometricSpans(budget=0.4))


def test_labels_are_the_originals_of_masked_pieces(features, collator, tokenizer):
    batch = collator(features)
    lengths = [len(feature["input_ids"]) for feature in features]
    assert batch["attention_mask"].sum(1).tolist() == lengths
    asked = batch["labels"] != IGNORED
    assert asked.any()
    for row, feature in enumerate(features):
        original = torch.tensor(feature["input_ids"])
        real = slice(0, lengths[row])
        assert (batch["labels"][row][asked[row]] == original[asked[row][real]]).all()
        visible = ~asked[row][real]
        assert (batch["input_ids"][row][real][visible] == original[visible]).all()
        assert not asked[row][[0, lengths[row] - 1]].any()
        assert (batch["input_ids"][row][lengths[row] :] == tokenizer.pad_id).all()
        assert not asked[row][lengths[row] :].any()


def test_masks_depend_on_epoch_and_sample_alone(features, collator):
    first = collator(features)
    alone = collator(features[1:2])
    assert torch.equal(alone["labels"][0], first["labels"][1][: len(alone["labels"][0])])
    assert not torch.equal(first["labels"][0], first["labels"][1])  # same text, other number
    collator.set_epoch(1)
    assert not torch.equal(collator(features)["labels"], first["labels"])
    collator.set_epoch(0)
    assert torch.equal(collator(features)["labels"], first["labels"])


def test_without_a_number_the_text_decides(features, collator):
    bare = [{"input_ids": feature["input_ids"]} for feature in features]
    labels = collator(bare)["labels"]
    assert torch.equal(labels[0], labels[1])
    assert torch.equal(labels, collator(bare)["labels"])


def test_a_word_is_masked_whole(tokenizer):
    cut = tokenizer.encode("capitals runs")
    ids = [tokenizer.start_id, *cut.ids.tolist(), tokenizer.end_id]
    collator = SpanMaskingCollator(tokenizer.backend.get_vocab(), scheme=WholeWords(budget=0.5))
    words = cut.words
    for epoch in range(20):
        collator.set_epoch(epoch)
        asked = (collator([{"input_ids": ids}])["labels"][0] != IGNORED).numpy()[1:-1]
        for word in np.unique(words):
            assert len(set(asked[words == word].tolist())) == 1


def test_a_window_that_begins_within_a_word_is_masked_too(tokenizer):
    pieces = tokenizer.backend.get_vocab()
    inside = next(number for piece, number in pieces.items() if piece.startswith("##"))
    whole = tokenizer.encode("paris").ids.tolist()
    ids = [tokenizer.start_id, inside, *whole, tokenizer.end_id]
    collator = SpanMaskingCollator(pieces, scheme=WholeWords(budget=0.5))
    asked = []
    for epoch in range(20):
        collator.set_epoch(epoch)
        asked.append((collator([{"input_ids": ids}])["labels"][0] != IGNORED).tolist())
    assert [any(place) for place in zip(*asked, strict=True)] == [False, *[True] * (1 + len(whole)), False]


def test_in_a_pytorch_loader_with_a_worker(features, collator):
    loader = DataLoader(features, batch_size=2, collate_fn=collator, num_workers=1)
    found = [batch["labels"] for batch in loader]
    expected = [collator(features[start : start + 2])["labels"] for start in (0, 2, 4)]
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))


class NextEpoch(TrainerCallback):
    def __init__(self, collator):
        self.collator = collator
        self.epochs = []

    def on_epoch_begin(self, args, state, control, **others):
        self.collator.set_epoch(round(state.epoch))
        self.epochs.append(self.collator.epoch)


def test_in_transformers_trainer(features, collator, tokenizer, tmp_path):
    model = BertForMaskedLM(
        BertConfig(
            vocab_size=tokenizer.vocabulary_size,
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=16,
        )
    )
    callback = NextEpoch(collator)
    trainer = Trainer(
        model,
        TrainingArguments(
            str(tmp_path), num_train_epochs=3, report_to=[], use_cpu=True, remove_unused_columns=False
        ),
        data_collator=collator,
        train_dataset=features,
        callbacks=[callback],
    )
    before = model.cls.predictions.bias.detach().clone()
    assert np.isfinite(trainer.train().training_loss)
    assert callback.epochs == [0, 1, 2]
    assert not torch.equal(model.cls.predictions.bias, before)


def test_workers_that_persist_mask_anew(features, collator):
    loader = DataLoader(features, batch_size=5, collate_fn=collator, num_workers=1, persistent_workers=True)
    found = []
    for epoch in range(3):
        collator.set_epoch(epoch)
        found += [batch["labels"] for batch in loader]
        assert torch.equal(found[-1], collator(features)["labels"])
    assert not torch.equal(found[0], found[1])


def test_padding_stays_out_of_sight_and_kinds_are_kept(features, collator, tokenizer):
    plain = collator(features)
    for feature in features:
        pieces = feature["input_ids"]
        feature["token_type_ids"] = [0] * 3 + [1] * (len(pieces) - 3) + [0] * 2
        feature["attention_mask"] = [1] * len(pieces) + [0] * 2
        feature["input_ids"] = pieces + [tokenizer.pad_id] * 2
    padded = collator(features)
    kinds = padded.pop("token_type_ids")
    assert all(torch.equal(padded[name], plain[name]) for name in plain)
    assert torch.equal(kinds[:, 3:], padded["attention_mask"][:, 3:])
    assert not kinds[:, :3].any()
    for feature in features:
        del feature["attention_mask"]  # padding is told from [PAD] then
    unmarked = collator(features)
    assert torch.equal(unmarked.pop("token_type_ids"), kinds)
    assert all(torch.equal(unmarked[name], plain[name]) for name in plain)


def test_a_batch_of_nothing_is_refused(collator):
    with pytest.raises(DataError, match="no feature to make a batch of"):
        collator([])


@pytest.mark.parametrize("kind", [GeometricSpans, WholeWords, SinglePieces, GivenSpans])
@pytest.mark.parametrize("budget", [-1, 0, 1, 1.5, float("nan")])
def test_a_budget_that_is_no_share_is_refused(kind, budget):
    with pytest.raises(SettingsError, match="masking budget: a share between 0 and 1"):
        kind(budget=budget)


@pytest.mark.parametrize(
    ("feature", "message"),
    [
        ({"ids": [1]}, "feature:1: there is no input_ids; found ids"),
        ({"input_ids": []}, "feature:1: its input_ids are empty"),
        ({"input_ids": [2, 3], "attention_mask": [0, 0]}, "feature:1: its input_ids are empty"),
    ],
)
def test_a_feature_that_is_none_is_named(features, collator, feature, message):
    with pytest.raises(DataError, match=message):
        collator([features[0], feature])


def test_a_vocabulary_of_another_family_is_refused():
    with pytest.raises(DataError, match=r"\[CLS\]"):
        SpanMaskingCollator({"<s>": 0, "[PAD]": 1})
