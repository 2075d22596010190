import numpy as np
import pytest
import torch

from spanbert.nn.encoder import Encoder
from spanbert.tasks.classification.decode import decode
from spanbert.tasks.classification.examples import ClassificationExample
from spanbert.tasks.classification.features import (
    ClassificationFeature,
    ClassificationTrainingSet,
    collate,
    features,
)
from spanbert.tasks.classification.model import ClassificationModel, pool_windows
from spanbert.tasks.classification.settings import ClassificationSettings
from spanbert.workflows.predict import load
from tiny_encoder import tiny_config

LABELS = ("a", "b", "c")


def build(tokenizer, **values):
    chosen = ClassificationSettings(
        **{"window_pieces": 36, "overlap_pieces": 8, "kind": "one", "labels": LABELS, **values}
    )
    config = tiny_config(tokenizer.vocabulary_size, init_std=0.3)
    torch.manual_seed(3)
    return ClassificationModel(Encoder(config.with_dropout(0.0)), chosen).eval(), chosen


def trained_on(tokenizer, chosen, *golds, text="one two three"):
    examples = [ClassificationExample(number, text, None, gold) for number, gold in enumerate(golds)]
    return collate(ClassificationTrainingSet(examples, tokenizer, chosen).epoch(0, 0))


@pytest.mark.parametrize("pooling", ["first", "mean"])
@pytest.mark.parametrize("window_pooling", ["mean", "learned"])
def test_training_on_all_windows_and_prediction_window_by_window_give_the_same_scores(
    tokenizer, pooling, window_pooling
):
    model, chosen = build(tokenizer, pooling=pooling, window_pooling=window_pooling)
    long = "one two three four five six seven eight nine ten film phone good bad " * 8
    examples = [ClassificationExample(0, long, None, "a"), ClassificationExample(1, "one two", None, "b")]
    with torch.inference_mode():
        together = model(collate(ClassificationTrainingSet(examples, tokenizer, chosen).epoch(0, 0))).scores
        for example, scores in zip(examples, together, strict=True):
            (found,) = features([example], tokenizer, chosen)
            outputs = [model(collate([feature])).per_sequence()[0] for feature in found]
            made = decode(example, found, outputs, chosen)
            assert made.windows == len(found)
            np.testing.assert_allclose(made.scores, scores.numpy(), atol=2e-5)
        assert made.windows == 1


def test_learned_weights_favour_a_window(tokenizer):
    vectors = torch.tensor([[1.0], [3.0], [9.0]])
    owners = torch.tensor([0, 0, 1])
    means, totals = pool_windows(vectors, torch.zeros(3), owners, 2)
    assert means.squeeze(1).tolist() == [2.0, 9.0]
    assert totals.exp().tolist() == pytest.approx([2.0, 1.0])
    means, _ = pool_windows(vectors, torch.tensor([200.0, -200.0, 0.0]), owners, 2)
    assert means.squeeze(1).tolist() == [1.0, 9.0]


def test_one_label_has_cross_entropy(tokenizer):
    model, chosen = build(tokenizer)
    output = model(trained_on(tokenizer, chosen, "a", "c"))
    chances = output.scores[0].softmax(-1)
    assert output.losses["labels"].item() == pytest.approx(
        -(chances[0].log() + chances[2].log()).item(), rel=1e-5
    )
    assert output.loss.item() == pytest.approx(output.losses["labels"].item() / 2)
    assert output.hits["labels"].tolist() == [chances.argmax() == 0, chances.argmax() == 2]


def test_label_weights_scale_the_loss_of_their_label(tokenizer):
    plain, chosen = build(tokenizer)
    weighted, _ = build(tokenizer, label_weights=(1.0, 5.0, 1.0))
    weighted.load_state_dict(plain.state_dict())
    for gold, factor in (("a", 1), ("b", 5)):
        batch = trained_on(tokenizer, chosen, gold)
        assert weighted(batch).loss.item() == pytest.approx(factor * plain(batch).loss.item(), rel=1e-5)


def test_several_labels_have_binary_cross_entropy_over_labels(tokenizer):
    model, chosen = build(tokenizer, kind="several")
    batch = trained_on(tokenizer, chosen, ("a", "b"))
    output = model(batch)
    chances = output.scores[0].sigmoid()
    expected = -(chances[0].log() + chances[1].log() + (1 - chances[2]).log())
    assert output.losses["labels"].item() == pytest.approx(expected.item(), rel=1e-5)
    assert batch.target_counts == {"labels": 3}


def test_a_number_has_squared_error_in_standard_deviations(tokenizer):
    model, chosen = build(tokenizer, kind="number", labels=("score",), mean=10.0, deviation=2.0)
    output = model(trained_on(tokenizer, chosen, "13"))
    assert output.losses["labels"].item() == pytest.approx((output.scores.item() - 1.5) ** 2, rel=1e-5)
    assert output.hits == {}


def test_dropout_falls_on_the_pooled_vector_in_training(tokenizer):
    model, chosen = build(tokenizer)
    model.dropout.p = 0.5
    batch = collate(
        [
            ClassificationFeature(
                features([ClassificationExample(0, "one")], tokenizer, chosen)[0][0].windows, 3
            )
        ]
    )
    assert torch.equal(model(batch).scores, model(batch).scores)
    model.train()
    assert not torch.equal(model(batch).scores, model(batch).scores)


def test_scores_equal_transformers_sequence_classifier_on_texts_and_pairs(tokenizer, tmp_path):
    transformers = pytest.importorskip("transformers")
    config = transformers.BertConfig(
        vocab_size=tokenizer.vocabulary_size,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=0.3,
        id2label={0: "bad", 1: "good", 2: "mixed"},
        label2id={"bad": 0, "good": 1, "mixed": 2},
    )
    torch.manual_seed(5)
    theirs = transformers.BertForSequenceClassification(config).eval()
    torch.nn.init.normal_(theirs.classifier.bias)
    torch.nn.init.normal_(theirs.bert.pooler.dense.bias)
    theirs.save_pretrained(tmp_path)
    tokenizer.save(tmp_path, max_pieces=64)
    ours = load(tmp_path, "classification")
    cut = transformers.AutoTokenizer.from_pretrained(tmp_path)
    for pair in (("one two film", None), ("good film", "bad phone seven")):
        with torch.inference_mode():
            expected = theirs(**cut(*pair, return_tensors="pt")).logits[0]
        made = ours({"text": pair[0], "text2": pair[1]} if pair[1] else {"text": pair[0]})
        np.testing.assert_allclose(made.scores, expected.numpy(), atol=1e-5)
        assert made.label == config.id2label[int(expected.argmax())]
        assert made.probability == pytest.approx(expected.softmax(-1).max().item(), abs=1e-5)
