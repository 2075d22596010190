"""The boundary head and the losses against a slow, literal reading of the paper's formulas."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from pretraining.drawn import MASK, VOCABULARY, framed, prose
from spanbert.nn.config import EncoderConfig
from spanbert.nn.encoder import Encoder
from spanbert.nn.heads import SpanBoundaryHead
from spanbert.pretraining.batch import Masker
from spanbert.pretraining.boundary_targets import boundary_targets
from spanbert.pretraining.corruption import Corruption, UnigramLaw
from spanbert.pretraining.masking import GeometricSpans
from spanbert.pretraining.model import PretrainingModel
from spanbert.pretraining.objectives import BOUNDARY, MASKED_LM, OBJECTIVES
from spanbert.pretraining.randomness import SampleRandom

CORRUPTION = Corruption(MASK, UnigramLaw.of(np.ones(VOCABULARY, dtype=np.int64), np.arange(5)))


def gelu(x):
    return x * 0.5 * (1 + torch.erf(x / math.sqrt(2)))


def norm(x, layer):
    centred = x - x.mean()
    return centred / torch.sqrt((centred**2).mean() + layer.eps) * layer.weight + layer.bias


def literal_scores(head, left, right, place):
    """y = f(x[s-1], x[e+1], p): one target, formula by formula (section 3.2)."""
    h0 = torch.cat([left, right, head.place.weight[place]])
    h1 = norm(gelu(head.inner.weight @ h0 + head.inner.bias), head.inner_norm)
    h2 = norm(gelu(head.outer.weight @ h1 + head.outer.bias), head.outer_norm)
    return head.decoder.weight @ h2 + head.decoder.bias


@pytest.fixture
def model(tiny_config):
    model = PretrainingModel(Encoder(tiny_config), boundary=True).eval()
    for parameter in model.parameters():  # biases and norms away from 0 and 1, so that a lost one shows
        nn.init.normal_(parameter, std=0.3)
    return model


@pytest.fixture
def sequences():
    return framed(prose(3, 40))


def test_boundary_scores_are_the_papers(tiny_config):
    head = SpanBoundaryHead(tiny_config, nn.Embedding(100, 32))
    for parameter in head.parameters():
        nn.init.normal_(parameter, std=0.3)
    left, right = torch.randn(2, 3, 32).unbind()
    spans, places = torch.tensor([0, 0, 1, 2, 2, 2]), torch.tensor([0, 1, 0, 0, 1, 14])
    expected = torch.stack(
        [
            literal_scores(head, left[span], right[span], place)
            for span, place in zip(spans.tolist(), places.tolist(), strict=True)
        ]
    )
    torch.testing.assert_close(head(left, right, spans, places), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("width", "published"), [(768, 1_959_676), (1024, 3_388_668)])
def test_the_head_has_as_many_parameters_as_the_original(width, published):
    config = EncoderConfig(
        vocabulary_size=28996, width=width, layers=1, heads=16, feed_forward_width=4 * width
    )
    with torch.device("meta"):
        head = SpanBoundaryHead(config, nn.Embedding(28996, width))
    own = sum(parameter.numel() for name, parameter in head.named_parameters() if name != "decoder.weight")
    assert own == published


def test_losses_are_those_of_a_literal_implementation(model, sequences):
    objective = OBJECTIVES["spanbert"]
    batch = Masker(objective, CORRUPTION, seed=3).batch(sequences, epoch=1)
    random = SampleRandom(3, 1, sequences.samples)
    spans = objective.schemes[MASKED_LM].choose(sequences, random)
    seen = CORRUPTION.apply(sequences, spans, random)
    assert batch.pieces.piece_ids[0].tolist() == seen.tolist()
    with torch.no_grad():
        output = model(batch)
        hidden = model.encoder(batch.pieces)[0]
        masked_lm = boundary = torch.zeros(())
        for start, end in zip(spans.starts.tolist(), spans.ends.tolist(), strict=True):
            for place, position in enumerate(range(start, end)):
                original = int(sequences.piece_ids[position])
                masked_lm = masked_lm - model.masked_lm(hidden[position]).log_softmax(-1)[original]
                scores = literal_scores(model.boundary, hidden[start - 1], hidden[end], place)
                boundary = boundary - scores.log_softmax(-1)[original]
    assert batch.target_counts == {MASKED_LM: int(spans.lengths.sum()), BOUNDARY: int(spans.lengths.sum())}
    assert batch.target_counts[BOUNDARY] > 10
    torch.testing.assert_close(output.losses[MASKED_LM], masked_lm, rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(output.losses[BOUNDARY], boundary, rtol=1e-5, atol=1e-4)


def test_gathered_positions_give_the_dense_loss(model, sequences):
    batch = Masker(OBJECTIVES["spans"], CORRUPTION, seed=0).batch(sequences, epoch=0)
    with torch.no_grad():
        found = model(batch).losses[MASKED_LM]
        scores = model.masked_lm(model.encoder(batch.pieces))[0]
    labels = torch.full((len(sequences.piece_ids),), -100)
    labels[batch.masked[MASKED_LM].positions] = batch.masked[MASKED_LM].piece_ids
    dense = nn.functional.cross_entropy(scores, labels, ignore_index=-100, reduction="sum")
    torch.testing.assert_close(found, dense, rtol=1e-5, atol=1e-4)


def test_boundary_targets_of_a_span():
    sequences = framed([[1] * 30])
    spans = GeometricSpans().choose(sequences, SampleRandom(1, 0, sequences.samples))
    found = boundary_targets(spans, farthest=3)
    for number, (start, end) in enumerate(zip(spans.starts, spans.ends, strict=True)):
        mine = found.spans == number
        assert (found.lefts[number], found.rights[number]) == (start - 1, end)
        assert found.places[mine].tolist() == list(range(min(3, end - start)))
        assert found.positions[mine].tolist() == list(range(start, min(start + 3, end)))


def test_spans_at_the_edges_have_boundary_targets():
    sequences = framed([[1] * 6] * 200)
    spans = GeometricSpans(budget=0.5).choose(sequences, SampleRandom(0, 0, sequences.samples))
    found = boundary_targets(spans, farthest=15)
    at_start = sequences.special[found.lefts]
    at_end = sequences.special[found.rights]
    assert at_start.any()
    assert at_end.any()
    assert len(found.positions) == spans.lengths.sum()


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_objective_trains_all_of_its_heads(tiny_config, sequences, name):
    objective = OBJECTIVES[name]
    model = PretrainingModel(Encoder(tiny_config), boundary=objective.boundary)
    batch = Masker(objective, CORRUPTION, seed=0).batch(sequences, epoch=0)
    output = model(batch)
    assert tuple(output.losses) == objective.losses == tuple(batch.target_counts)
    sum(loss / batch.target_counts[loss_name] for loss_name, loss in output.losses.items()).backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    assert all(len(hits) == batch.target_counts[loss_name] for loss_name, hits in output.hits.items())


def test_global_and_local_targets_do_not_meet(sequences):
    batch = Masker(OBJECTIVES["global-local"], CORRUPTION, seed=0).batch(sequences, epoch=0)
    local, single = (targets.positions for targets in batch.masked.values())
    assert len(local) > 3
    assert len(single) > 3
    # A visible piece stands between a span and a single piece.
    assert (local[:, None] - single[None, :]).abs().min() > 1


def test_tied_weights_are_one_tensor(tiny_config):
    model = PretrainingModel(Encoder(tiny_config), boundary=True)
    assert model.masked_lm.decoder.weight is model.encoder.embeddings.word.weight
    assert model.boundary.decoder.weight is model.encoder.embeddings.word.weight
