"""The loss is what its definition says, and its gradient is finite whatever is padded or hidden."""

import math

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForQuestionAnswering

from spanbert.nn.encoder import Encoder
from spanbert.tasks.question_answering.features import QaFeature, collate
from spanbert.tasks.question_answering.model import QaModel, answer_loss
from spanbert.text.spans import Span
from spanbert.text.tokenizer import Pieces
from spanbert.text.windows import Window


def feature(length, targets, seed, question=3):
    """[CLS] question [SEP] passage [SEP] of `length` random pieces in all."""
    count = length - question - 3
    places = np.arange(count, dtype=np.int32)
    whole = Span(0, count)
    ids = np.random.default_rng(seed).integers(5, 100, size=length).astype(np.int32)
    return QaFeature(
        ids, question + 2, Window(whole, whole), Pieces(ids[:count], places, places + 1, places), targets
    )


FEATURES = [
    feature(20, (Span(6, 8),), 0),
    feature(33, (Span(7, 8), Span(10, 14), Span(31, 32)), 1),
    feature(9, (), 2),
    feature(6, (), 3),  # an empty passage
]


def literal_loss(scores, answerable, targets):
    """-log sum over right answers of P(start) P(end), piece by piece, with plain numbers."""
    total = 0.0
    for row, spans in enumerate(targets):
        open_pieces = [piece for piece in range(scores.shape[1]) if answerable[row, piece]]
        norms = [sum(math.exp(scores[row, piece, side]) for piece in open_pieces) for side in (0, 1)]
        chance = 0.0
        for start, last in spans or [(0, 0)]:
            chance += math.exp(scores[row, start, 0]) / norms[0] * math.exp(scores[row, last, 1]) / norms[1]
        total -= math.log(chance)
    return total / len(targets)


def test_the_loss_is_its_definition():
    batch = collate(FEATURES)
    scores = torch.randn(4, 33, 2, dtype=torch.float64)
    hidden = scores.masked_fill(~batch.answerable[..., None], -torch.inf)
    spans = [[(span.start, span.end - 1) for span in one.targets] for one in FEATURES]
    expected = literal_loss(scores.numpy(), batch.answerable.numpy(), spans)
    assert answer_loss(hidden, batch.targets).item() == pytest.approx(expected, rel=1e-12)


def test_one_gold_answer_costs_twice_the_mean_of_two_cross_entropies():
    """transformers averages start and end; a product of chances adds them."""
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=100, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8
    )
    peer = BertForQuestionAnswering(config).eval()
    ids = torch.randint(5, 100, (3, 12))
    starts, lasts = torch.tensor([2, 0, 11]), torch.tensor([5, 0, 11])
    with torch.no_grad():
        found = peer(ids, start_positions=starts, end_positions=lasts)
    ours = answer_loss(
        torch.stack([found.start_logits, found.end_logits], dim=-1),
        torch.stack([starts, lasts], dim=-1)[:, None],
    )
    assert ours.item() == pytest.approx(2 * found.loss.item(), rel=1e-6)


def test_gradients_are_finite_and_those_of_finite_differences():
    batch = collate(FEATURES)
    scores = torch.randn(4, 33, 2, dtype=torch.float64, requires_grad=True)

    def loss(values):
        return answer_loss(values.masked_fill(~batch.answerable[..., None], -torch.inf), batch.targets)

    assert torch.autograd.gradcheck(loss, (scores,))
    (gradient,) = torch.autograd.grad(loss(scores), scores)
    assert (gradient[~batch.answerable] == 0).all()
    assert gradient[batch.answerable].abs().sum() > 0


@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_every_parameter_learns_in_train_mode(tiny_config, scale):
    """Padded targets and hidden pieces are minus infinity on the way; none of it may reach a gradient."""
    model = QaModel(Encoder(tiny_config)).train()
    with torch.no_grad():
        model.ends.scores.weight *= scale
    loss = model(collate(FEATURES)).loss
    loss.backward()
    assert torch.isfinite(loss)
    for name, parameter in model.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name
        assert scale > 1 or parameter.grad.abs().sum() > 0, name


def test_a_batch_is_its_features_one_by_one(tiny_config):
    model = QaModel(Encoder(tiny_config)).eval()
    with torch.no_grad():
        together = model(collate(FEATURES))
        alone = [model(collate([one])) for one in FEATURES]
    assert together.loss.item() == pytest.approx(np.mean([one.loss.item() for one in alone]), abs=1e-5)
    for found, one, made in zip(together.per_sequence(), alone, FEATURES, strict=True):
        (expected,) = one.per_sequence()
        np.testing.assert_allclose(found[:, : made.piece_count], expected, atol=1e-5)
        assert np.isneginf(found[:, made.piece_count :]).all()
        assert np.isneginf(found[:, 1 : made.passage_piece_start]).all()
        assert np.isfinite(found[:, made.passage_piece_start : made.piece_count - 1]).all()
        assert np.isfinite(found[:, 0]).all()


def test_without_targets_there_is_no_loss(tiny_config):
    one = FEATURES[0]
    bare = QaFeature(one.piece_ids, one.passage_piece_start, one.window, one.passage)
    assert QaModel(Encoder(tiny_config))(collate([bare, FEATURES[1]])).loss is None


def test_a_few_steps_teach_the_answers(tiny_config):
    model = QaModel(Encoder(tiny_config)).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    batch = collate(FEATURES)
    for _ in range(60):
        optimizer.zero_grad()
        loss = model(batch).loss
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1
    scores = model.eval()(batch)
    assert scores.start_scores[0].argmax() == 6
    assert scores.end_scores[0].argmax() == 7
    assert scores.start_scores[2].argmax() == 0
