"""The network: which spans are kept, that losses are what they say, and that features do not meet."""

import numpy as np
import pytest
import torch

from spanbert.nn.encoder import Encoder
from spanbert.tasks.coreference.examples import CoreferenceExample
from spanbert.tasks.coreference.features import CoreferenceTrainingSet, collate
from spanbert.tasks.coreference.model import LEAST_SCORE, CoreferenceModel
from spanbert.tasks.coreference.segments import cut_documents
from spanbert.tasks.coreference.settings import CoreferenceSettings
from spanbert.tasks.coreference.task import Coreference
from spanbert.text.spans import Span
from tiny_encoder import tiny_config

TEXTS = [
    "The river runs through paris. It runs through the capital city.",
    "What runs there? The river. It runs, un able. " * 3,
]
GOLD = [
    ((Span(0, 9), Span(30, 32)), (Span(23, 28), Span(46, 62))),
    ((Span(17, 26), Span(28, 30)), (Span(0, 4),)),
]
SETTINGS = CoreferenceSettings(window_pieces=36, head_width=16, max_mention_words=4)


@pytest.fixture
def model(tokenizer):
    config = tiny_config(tokenizer.vocabulary_size)
    made = CoreferenceModel(Encoder(config.with_dropout(0.0)), SETTINGS)
    torch.nn.init.zeros_(made.mentions.start_score.bias)  # else random scores are too low to be kept
    return made.eval()


def examples():
    return [
        CoreferenceExample(str(number), text, gold)
        for number, (text, gold) in enumerate(zip(TEXTS, GOLD, strict=True))
    ]


def training_features(tokenizer, settings=SETTINGS):
    return CoreferenceTrainingSet(examples(), tokenizer, settings).epoch(0, 0)


def run(model, features):
    with torch.inference_mode():
        return model(collate(features))


def test_kept_spans_are_the_best_of_those_that_may_be_mentions(tokenizer, model):
    ((feature,),) = Coreference(SETTINGS).features(examples()[:1], tokenizer)
    (found,) = run(model, [feature]).per_sequence()
    words = len(feature.document.words)
    with torch.inference_mode():
        batch = collate([feature])
        hidden = model.encoder(batch.pieces)[0]
        scores = model.mentions(
            hidden[batch.words.first_pieces], hidden[batch.words.last_pieces], batch.words.sentences
        )[0]
    possible = {(start, end) for start in range(words) for end in range(start, min(start + 4, words))}
    ranked = sorted(possible, key=lambda span: -float(scores[span]))
    best = [span for span in ranked[: int(0.3 * words + 1)] if scores[span] > LEAST_SCORE]
    assert len(best) >= 3
    assert list(zip(found["start"].tolist(), found["end"].tolist(), strict=True)) == sorted(best)
    assert found["score"] == pytest.approx([float(scores[span]) for span in sorted(best)], abs=1e-4)


def test_the_losses_are_those_of_their_definitions(tokenizer, model):
    (feature, _) = training_features(tokenizer)
    batch = collate([feature])
    output = run(model, [feature])
    with torch.inference_mode():
        hidden = model.encoder(batch.pieces)[0]
        scores = model.mentions(
            hidden[batch.words.first_pieces], hidden[batch.words.last_pieces], batch.words.sentences
        )[0]
    words = len(feature.document.words)
    cluster = {(first, last): number for first, last, number in feature.gold.tolist()}
    mention_loss = 0.0
    for start in range(words):
        for end in range(start, min(start + 4, words)):
            sign = 1.0 if (start, end) in cluster else -1.0
            mention_loss += float(np.logaddexp(0, -sign * float(scores[start, end])))
    assert float(output.losses["mentions"]) == pytest.approx(mention_loss, rel=1e-4)

    fields = {name: values.numpy() for name, values in output.fields.items()}
    spans = list(zip(fields["start"].tolist(), fields["end"].tolist(), strict=True))
    assert set(cluster) <= set(spans)  # gold is always kept
    link_loss = 0.0
    for later, span in enumerate(spans):
        choices, right = [0.0], []
        for earlier in range(later):
            distance = fields["start"][later] - fields["start"][earlier]
            same_end = fields["last_code"][later] == fields["last_code"][earlier]
            same = (
                same_end
                and fields["first_code"][later] == fields["first_code"][earlier]
                and span[1] - span[0] == spans[earlier][1] - spans[earlier][0]
            )
            kind = (0 if distance == 0 else int(np.log2(distance)) + 1) * 9 + (int(same_end) + int(same)) * 3
            score = fields["query"][later] @ fields["key"][earlier] + fields["kinds"][later][kind]
            for place in (later, earlier):
                score -= np.logaddexp(0, -fields["score"][place])
            choices.append(score)
            if span in cluster and cluster.get(spans[earlier]) == cluster[span]:
                right.append(score)
        link_loss += np.logaddexp.reduce(choices) - np.logaddexp.reduce(right or [0.0])
    assert float(output.losses["links"]) == pytest.approx(link_loss, rel=1e-4)
    assert float(output.loss) == pytest.approx((mention_loss + link_loss) / len(cluster), rel=1e-4)


def test_features_of_a_batch_do_not_meet(tokenizer, model):
    features = training_features(tokenizer)
    together = run(model, features)
    alone = [run(model, [feature]) for feature in features]
    for name in ("mentions", "links"):
        parts = sum(float(one.losses[name]) for one in alone)
        assert float(together.losses[name]) == pytest.approx(parts, rel=1e-4)
    for batched, single in zip(together.per_sequence(), alone, strict=True):
        (expected,) = single.per_sequence()
        assert batched["start"].tolist() == expected["start"].tolist()
        assert batched["key"] == pytest.approx(expected["key"], abs=1e-4)


def test_segments_of_a_document_are_linked_in_training(tokenizer, model):
    settings = SETTINGS.model_copy(update={"window_pieces": 36})
    text = TEXTS[1] * 2
    first, second = text.index("The river"), text.rindex("The river")
    gold = ((Span(first, first + 9), Span(second, second + 9)),)
    (feature,) = CoreferenceTrainingSet([CoreferenceExample("d", text, gold)], tokenizer, settings).epoch(
        0, 0
    )
    assert len(feature.segments) > 1
    split = [
        type(feature)(feature.document, (segment,), feature.gold[
            (feature.gold[:, 0] >= segment.words.start) & (feature.gold[:, 1] < segment.words.end)
        ])
        for segment in feature.segments
    ]  # fmt: skip
    assert float(run(model, [feature]).losses["links"]) != pytest.approx(
        float(run(model, split).losses["links"])
    )


def test_prediction_and_training_read_alike(tokenizer, model):
    documents = cut_documents(examples(), tokenizer, SETTINGS)
    predicted = [one for found in Coreference(SETTINGS).features(examples(), tokenizer) for one in found]
    trained = [segment for feature in training_features(tokenizer) for segment in feature.segments]
    assert sum(len(document.segments) for document in documents) == len(predicted) == len(trained)
    for one, other in zip(predicted, trained, strict=True):
        assert one.segments[0].piece_ids.tolist() == other.piece_ids.tolist()


def test_a_segment_without_words_keeps_no_span(tokenizer, model):
    ((feature,),) = Coreference(SETTINGS).features([CoreferenceExample("d", " ")], tokenizer)
    (found,) = run(model, [feature]).per_sequence()
    assert len(found) == 0


def test_spans_across_sentences_and_of_other_lengths_have_scores_of_their_own(model):
    head, states = model.mentions, torch.zeros(1, 6, 32)
    with torch.inference_mode():
        head.shape.weight.zero_()
        plain = head(states, states, torch.zeros(1, 6, dtype=torch.int64))[0]
        head.shape.weight[-1], head.shape.weight[2] = -7.0, 3.0
        scores = head(states, states, torch.tensor([[0, 0, 0, 0, 1, 1]]))[0] - plain
    across = {(start, end) for start in range(4) for end in (4, 5)}
    for start in range(6):
        for end in range(start, 6):
            expected = -7.0 * ((start, end) in across) + 3.0 * (end - start in (2, 3))
            assert float(scores[start, end]) == pytest.approx(expected, abs=1e-5)
