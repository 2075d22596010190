"""Both heads: the loss is its definition, transformers computes the same tags, toy patterns are learned."""

import math

import numpy as np
import pytest
import torch
from transformers import AutoModelForTokenClassification, AutoTokenizer, pipeline

from spanbert.checkpoint.folder import write_folder
from spanbert.nn.encoder import Encoder
from spanbert.tasks.entities.examples import Place, example_of_words
from spanbert.tasks.entities.model import EntityModel, SpanHead, span_loss
from spanbert.tasks.entities.settings import EntitySettings
from spanbert.tasks.entities.task import Entities
from spanbert.workflows.model_source import describe, name_table
from spanbert.workflows.predict import load

FLAT = [
    ("Ada Byron went to Oslo", [(0, 2, "PER"), (4, 5, "LOC")]),
    ("Bob went from New Lisbon to Oslo", [(0, 1, "PER"), (3, 5, "LOC"), (6, 7, "LOC")]),
    ("by train with Bob", [(3, 4, "PER")]),
    ("", []),
]
NESTED = [
    ("Bob and Ada Byron", [(0, 4, "ORG"), (0, 1, "PER"), (2, 4, "PER"), (3, 4, "ORG"), (3, 4, "PER")]),
    ("the train from New Lisbon", [(0, 5, "FAC"), (3, 5, "LOC")]),
    ("Acme went", [(0, 1, "ORG")]),
    ("", []),
]


def made(sentences, config, **settings):
    """A task that knows the sentences' types, its model and the sentences."""
    examples = [
        example_of_words(text.split(), spans, str(number), Place("test"))
        for number, (text, spans) in enumerate(sentences)
    ]
    task = Entities(EntitySettings(window_pieces=64, **settings)).learn(examples)
    torch.manual_seed(0)
    return task, task.build(Encoder(config)), examples


@pytest.mark.parametrize(("sentences", "decoder"), [(FLAT, "flat"), (NESTED, "nested")])
def test_the_decoder_is_chosen_by_the_data(sentences, decoder, config):
    task, _, _ = made(sentences, config)
    assert task.settings.decoder == decoder
    assert task.architecture == ("BertModel" if decoder == "nested" else "BertForTokenClassification")
    if decoder == "flat":
        assert task.labels == ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
    else:
        assert task.labels == ("FAC", "LOC", "ORG", "PER")


@pytest.mark.parametrize("sentences", [FLAT, NESTED])
def test_a_batch_scores_as_its_sequences_one_by_one(sentences, config, tokenizer):
    task, model, examples = made(sentences, config, longest_entity=6)
    model.eval()
    features = task.training_set(examples, tokenizer).epoch(0, 0)
    with torch.no_grad():
        together = model(task.collate(features))
        alone = [model(task.collate([one])) for one in features]
    total = sum(float(one.losses["entities"]) for one in alone)
    assert float(together.losses["entities"]) == pytest.approx(total, rel=1e-4)
    for found, one in zip(together.per_sequence(), alone, strict=True):
        np.testing.assert_allclose(found, one.per_sequence()[0], atol=1e-5)


def test_the_loss_of_tags_is_the_mean_of_minus_log_probability(config, tokenizer):
    task, model, examples = made(FLAT, config)
    model.eval()
    batch = task.collate(task.training_set(examples, tokenizer).epoch(0, 0))
    output = model(batch)
    told = "B-PER I-PER O O B-LOC, B-PER O O B-LOC I-LOC O B-LOC, O O O B-PER"
    names = [name for text in told.split(", ") for name in text.split()]
    assert [task.labels[tag] for tag in batch.targets] == names
    chances = output.scores.detach().softmax(dim=-1)
    expected = [-math.log(chances[word, task.labels.index(name)]) for word, name in enumerate(names)]
    assert output.loss.item() == pytest.approx(sum(expected) / 16, rel=1e-5)
    assert batch.target_counts == {"entities": 16}


def test_the_loss_of_spans_is_that_of_each_span_and_type(config, tokenizer):
    task, model, examples = made(NESTED, config, longest_entity=3)
    model.eval()
    batch = task.collate(task.training_set(examples, tokenizer).epoch(0, 0))
    scores = model(batch).scores.detach().double().numpy()
    gold = {(0, 1, 3), (2, 2, 3), (3, 1, 2), (3, 1, 3), (7, 2, 1), (9, 1, 2)}  # word, words, type
    gold = {(word, words - 1, kind) for word, words, kind in gold}
    ends = [4, 4, 4, 4, 9, 9, 9, 9, 9, 11, 11]
    total = 0.0
    for word, end in enumerate(ends):
        for further in range(min(3, end - word)):
            for kind in range(4):
                score = scores[word, further, kind]
                total += math.log1p(math.exp(-score if (word, further, kind) in gold else score))
    assert math.isfinite(total)
    assert span_loss(torch.from_numpy(scores), batch.targets).item() == pytest.approx(total, rel=1e-9)
    assert np.isneginf(scores[3, 1:]).all()


def test_a_span_is_scored_by_its_ends_and_width(config):
    torch.manual_seed(3)
    head = SpanHead(config, labels=2, longest=3).eval()
    torch.nn.init.normal_(head.width_scores.weight)
    words = torch.randn(5, config.width)
    scores = head(words, torch.tensor([2, 3, 3, 2, 0]))
    first, last = head.activation(head.first(words)), head.activation(head.last(words))
    forms = head.pairs.weight.view(2, 128, 128)
    for word, further, kind in [(0, 0, 0), (1, 2, 1), (2, 1, 0), (3, 1, 1)]:
        end = last[word + further]
        expected = end @ forms[kind] @ first[word]
        expected = expected + head.first_scores(first[word])[kind] + head.last_scores(end)[kind]
        expected = expected + head.width_scores.weight[further, kind]
        assert scores[word, further, kind].item() == pytest.approx(expected.item(), abs=1e-4)
    assert torch.isneginf(scores[4]).all()
    assert torch.isneginf(scores[0, 2]).all()


@pytest.mark.parametrize("sentences", [FLAT, NESTED])
def test_a_toy_pattern_is_learned(sentences, config, tokenizer):
    task, model, examples = made(sentences, config.with_dropout(0.0), longest_entity=6)
    batch = task.collate(task.training_set(examples, tokenizer).epoch(0, 0))
    optimizer = torch.optim.Adam(model.train().parameters(), lr=1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        loss = model(batch).loss
        loss.backward()
        optimizer.step()
    features = task.features(examples, tokenizer)
    with torch.no_grad():
        outputs = model.eval()(task.collate([one for (one,) in features])).per_sequence()
    predictions = [
        task.decode(example, found, [output])
        for example, found, output in zip(examples, features, outputs, strict=True)
    ]
    report = task.score(examples, predictions)
    assert report.values["f1"] == 100
    assert min(entity.probability for made in predictions for entity in made.entities) > 0.6


def test_transformers_finds_the_same_entities_with_the_same_folder(config, tokenizer, tmp_path):
    """Legal tags only: the pipeline of transformers knows no illegal ones."""
    task, model, _ = made(FLAT, config)
    with torch.no_grad():
        model.tags.scores.weight *= 20
        model.tags.scores.weight[2::2] = model.tags.scores.weight[1::2] * 0.9
    write_folder(
        tmp_path,
        model.eval(),
        name_table(task),
        config,
        tokenizer,
        architecture=task.architecture,
        labels=task.labels,
        task=describe(task),
    )
    text = "Ada Byron and Bob went from New Lisbon to Oslo by train with Acme"
    peer = AutoModelForTokenClassification.from_pretrained(tmp_path)
    ids = AutoTokenizer.from_pretrained(tmp_path)(text, return_tensors="pt")
    (features,) = task.features([task.parse({"text": text}, "test", 1)], tokenizer)
    with torch.no_grad():
        theirs = peer.eval()(**ids).logits[0].numpy()
        ours = model(task.collate(features)).per_sequence()[0]
    np.testing.assert_allclose(ours, theirs[features[0].word_places], atol=1e-4)
    assert ids["input_ids"][0].tolist() == features[0].piece_ids.tolist()

    found = pipeline("token-classification", model=str(tmp_path), aggregation_strategy="first")(text)
    legal = load(tmp_path)(text).entities
    assert legal
    assert [(entity.type, entity.chars.start, entity.chars.end) for entity in legal] == [
        (entity["entity_group"], entity["start"], entity["end"]) for entity in found
    ]


def test_every_parameter_learns(config, tokenizer):
    for sentences in (FLAT, NESTED):
        task, model, examples = made(sentences, config, longest_entity=6)
        model.train()(task.collate(task.training_set(examples, tokenizer).epoch(0, 0))).loss.backward()
        assert all(one.grad is not None and one.grad.isfinite().all() for one in model.parameters())


def test_a_batch_of_empty_texts_has_no_words(config, tokenizer):
    for sentences in (FLAT, NESTED):
        task, model, examples = made(sentences, config)
        feature = task.training_set(examples, tokenizer).epoch(0, 0)[-1]
        output = model.train()(task.collate([feature, feature]))
        assert output.loss.item() == 0
        assert [len(scores) for scores in output.per_sequence()] == [0, 0]


def test_labels_decide_the_size_of_the_head(config):
    assert EntityModel(Encoder(config), 5, None).tags.scores.out_features == 5
