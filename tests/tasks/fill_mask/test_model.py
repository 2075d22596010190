"""Chances against transformers, against brute force over all fills, and against the heads by hand."""

import itertools
import math

import numpy as np
import pytest
import torch
from transformers import pipeline

from spanbert.nn.batch import PieceBatch
from spanbert.tasks.fill_mask.examples import parse_example
from spanbert.tasks.fill_mask.features import Ask, Queries, Query, collate
from spanbert.tasks.fill_mask.layout import FillMaskEncoder
from spanbert.tasks.fill_mask.settings import FillMaskSettings
from spanbert.workflows.predict import load
from tasks.fill_mask.conftest import random_model


@pytest.fixture(scope="module")
def reference(masked_lm, cased_tokenizer):
    whole = cased_tokenizer.vocabulary_size
    return pipeline("fill-mask", model=str(masked_lm), top_k=whole, device="cpu")


@pytest.mark.parametrize("text", ["Paris is the [MASK] of France.", "run[MASK] [MASK] 的[MASK] the [MASK]!"])
def test_chances_of_one_piece_masks_are_those_of_transformers(masked_lm, reference, text):
    made = load(masked_lm, "fill-mask", task_settings={"fills": 500})({"text": text})
    theirs = reference(text)
    if len(made.masks) == 1:
        theirs = [theirs]
    for mask, rows in zip(made.masks, theirs, strict=True):
        expected = {row["token_str"]: row["score"] for row in rows}
        assert len(mask.fills) > 50
        for fill in mask.fills:
            # Where a word goes on, its rest is written with ## there.
            known = [expected[name] for name in (fill.text, f"##{fill.text}") if name in expected]
            assert any(fill.probability == pytest.approx(chance, rel=1e-4) for chance in known)


def test_candidates_of_one_piece_have_the_chances_of_transformers(masked_lm, reference):
    made = load(masked_lm, "fill-mask")(
        {"text": "the [MASK] of paris", "candidates": ["city", "river", "the"]}
    )
    theirs = {row["token_str"]: row["score"] for row in reference("the [MASK] of paris")}
    assert len(made.masks[0].fills) == 3
    for fill in made.masks[0].fills:
        assert fill.probability == pytest.approx(theirs[fill.text], rel=1e-4)


def features(tokenizer, item, **options):
    return FillMaskEncoder(tokenizer, FillMaskSettings(**options)).features(parse_example(item, "item", 1))


def chain(model, feature, pieces):
    """Log probabilities of a fill's pieces, one pass of the encoder for each, without beam or batches."""
    ids = feature.piece_ids.copy()
    found = []
    for place, piece in zip(feature.places, pieces, strict=True):
        scores = model.masked_lm(model.encoder(PieceBatch.packed([ids], [np.zeros_like(ids)]))[0])[place]
        found.append(float(scores.log_softmax(-1)[piece]))
        ids[place] = piece
    return found


@torch.inference_mode()
def test_a_wide_beam_finds_the_best_of_all_fills(tokenizer):
    model = random_model(tokenizer)
    (feature,) = [
        one
        for one in features(tokenizer, {"text": "the [MASK...] of paris"}, longest_span=2, fills=400)
        if len(one.places) == 2
    ]
    result = model(collate([feature])).per_sequence()[0]
    assert result.shape == (400, 2, 2)
    choices = feature.vocabulary.choices
    firsts, seconds = (np.flatnonzero(choices[opening]) for opening in feature.openings)
    queries, fills = [], []
    for first in firsts:
        ids = feature.piece_ids.copy()
        ids[feature.places[0]] = first
        queries.append(Query(ids, feature.places[1:]))
    start = model.log_probabilities(Queries.of([feature.query]))[0]
    then = model.log_probabilities(Queries.of(queries))
    for row, first in enumerate(firsts):
        fills += [(float(start[first] + then[row, second]), first, second) for second in seconds]
    best = sorted(fills, reverse=True)[:400]
    np.testing.assert_allclose(result[:, 1].sum(axis=1), [score for score, *_ in best], atol=1e-4)
    assert result[0, 0].tolist() == list(best[0][1:])


@torch.inference_mode()
def test_fills_of_several_masks_go_from_left_to_right(tokenizer):
    model = random_model(tokenizer)
    _, together = features(tokenizer, {"text": "the [MASK] of [MASK] and [MASK]"})
    assert together.ask is Ask.TOGETHER
    ((pieces, chances),) = model(collate([together])).per_sequence()[0]
    assert chances.tolist() == pytest.approx(chain(model, together, pieces.astype(int)), abs=1e-4)


@pytest.mark.parametrize("candidates", [["city", "the paris river", "the city", "the"]])
def test_candidates_are_scored_from_left_to_right(tokenizer, masked_lm, candidates):
    made = load(masked_lm, "fill-mask")({"text": "in [MASK] 是", "candidates": candidates})
    model = load(masked_lm, "fill-mask").engine.model
    chances = {fill.text: fill.probability for fill in made.masks[0].fills}
    assert set(chances) == set(candidates)
    for candidate in candidates:
        pieces = tokenizer.encode(candidate).ids
        spans = features(tokenizer, {"text": "in [MASK...] 是"})
        (same,) = [one for one in spans if one.ask is Ask.SPAN and len(one.places) == len(pieces)]
        with torch.inference_mode():
            expected = math.exp(sum(chain(model, same, pieces)))
        assert chances[candidate] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("text", ["walk[MASK] fast", "in [MASK] 是", "run[MASK...]", "[MASK][MASK] run"])
def test_a_fill_that_is_given_as_a_candidate_has_the_same_chance(masked_lm, text):
    predictor = load(masked_lm, "fill-mask", task_settings={"fills": 60, "longest_span": 1})
    for mask in range(text.count("[MASK")):
        fills = predictor({"text": text}).masks[mask].fills
        again = predictor({"text": text, "candidates": [fill.text for fill in fills]}).masks[mask].fills
        chances = {fill.text: fill.probability for fill in again}
        assert chances == pytest.approx({fill.text: fill.probability for fill in fills}, rel=1e-4)


@torch.inference_mode()
def test_no_pass_is_larger_for_a_wider_beam(tokenizer):
    model = random_model(tokenizer)
    pieces, places = [], []
    model.encoder.register_forward_hook(lambda _, given, __: pieces.append(given[0].piece_ids.numel()))
    model.masked_lm.register_forward_hook(lambda _, given, __: places.append(len(given[0])))
    model(collate(features(tokenizer, {"text": "the [MASK...] of paris"}, longest_span=3, fills=400)))
    assert len(pieces) > 3
    assert max(pieces) <= 2048
    assert max(places) <= 512


@torch.inference_mode()
def test_very_many_masks_share_passes_from_left_to_right(tokenizer):
    model = random_model(tokenizer)
    _, together = features(tokenizer, {"text": "[MASK] " * 40 + "city"})
    passes = []
    hook = model.encoder.register_forward_hook(lambda *_: passes.append(1))
    ((pieces, chances),) = model(collate([together])).per_sequence()[0]
    hook.remove()
    assert len(passes) == 20
    ids = together.piece_ids.copy()
    for first in range(0, 40, 2):
        both = together.places[first : first + 2]
        rows = model.log_probabilities(Queries.of([Query(ids, both)])).numpy()
        ids[both] = pieces[first : first + 2]
        assert chances[first : first + 2] == pytest.approx(rows[[0, 1], ids[both]], abs=1e-4)
        allowed = together.vocabulary.choices[0]
        assert (rows[:, allowed].max(axis=1) == rows[[0, 1], ids[both]]).all()


def test_the_chances_of_all_fills_of_a_span_sum_to_one_at_most(masked_lm):
    predictor = load(masked_lm, "fill-mask", task_settings={"fills": 1000, "longest_span": 2})
    total = sum(fill.probability for fill in predictor({"text": "the [MASK...] of"}).masks[0].fills)
    assert 0.2 < total <= 1


@torch.inference_mode()
def test_the_boundary_head_is_heard_for_spans_alone(tokenizer):
    model = random_model(tokenizer, (15, 20))
    span, single = (
        features(tokenizer, {"text": f"the {mask} of paris"}, longest_span=1)[0]
        for mask in ("[MASK...]", "[MASK]")
    )
    hidden = model.encoder(PieceBatch.packed([span.piece_ids], [np.zeros_like(span.piece_ids)]))[0]
    alone = model.masked_lm(hidden[2]).log_softmax(-1)
    zero = torch.zeros(1, dtype=torch.long)
    between = model.boundary(hidden[1:2], hidden[3:4], zero, zero)[0].log_softmax(-1)
    for weight in (0.0, 0.3, 1.0):
        model.boundary_weight = weight
        both = ((1 - weight) * alone + weight * between).log_softmax(-1)
        torch.testing.assert_close(model.log_probabilities(Queries.of([span.query]))[0], both)
        torch.testing.assert_close(model.log_probabilities(Queries.of([single.query]))[0], alone)


@torch.inference_mode()
def test_inside_a_span_the_boundary_head_sees_what_is_filled(tokenizer):
    model = random_model(tokenizer, (15, 20))
    model.boundary_weight = 1.0
    (feature,) = [
        one
        for one in features(tokenizer, {"text": "the [MASK...] of paris"}, longest_span=3, fills=1)
        if len(one.places) == 3
    ]
    ((pieces, chances),) = model(collate([feature])).per_sequence()[0]
    ids, zero = feature.piece_ids.copy(), torch.zeros(1, dtype=torch.long)
    for place, piece, chance in zip(feature.places, pieces.astype(int), chances, strict=True):
        hidden = model.encoder(PieceBatch.packed([ids], [np.zeros_like(ids)]))[0]
        scores = model.boundary(hidden[place - 1][None], hidden[5][None], zero, zero)[0]
        assert chance == pytest.approx(float(scores.log_softmax(-1)[piece]), abs=1e-4)
        ids[place] = piece


@torch.inference_mode()
def test_results_do_not_depend_on_the_batch(tokenizer):
    model = random_model(tokenizer, (15, 20))
    items = [
        {"text": "the [MASK] of [MASK...]"},
        {"text": "[MASK] [MASK]", "candidates": ["the city", "river"]},
        {"text": "the city of paris 的 river"},
        {"text": "ж"},
    ]
    found = list(itertools.chain.from_iterable(features(tokenizer, item) for item in items))
    together = model(collate(found)).per_sequence()
    for feature, result in zip(found, together, strict=True):
        alone = model(collate([feature])).per_sequence()[0]
        np.testing.assert_allclose(alone, result, atol=1e-4)


@torch.inference_mode()
def test_hidden_pieces_have_their_chance_and_rank(tokenizer):
    model = random_model(tokenizer)
    (feature,) = features(tokenizer, {"text": "the city of paris and the river of france"})
    log_probabilities, ranks = model(collate([feature])).per_sequence()[0]
    hidden = model.encoder(PieceBatch.packed([feature.piece_ids], [np.zeros_like(feature.piece_ids)]))[0]
    for place, piece, chance, rank in zip(
        feature.places, feature.given_ids, log_probabilities, ranks, strict=True
    ):
        row = model.masked_lm(hidden[place]).log_softmax(-1)
        assert chance == pytest.approx(float(row[piece]), abs=1e-4)
        assert row.argsort(descending=True)[int(rank)] == piece


def test_pieces_are_proposed_where_they_may_stand_and_special_ones_never(masked_lm):
    predictor = load(masked_lm, "fill-mask", task_settings={"fills": 1000})
    for text, there, absent in (("the [MASK]", "city", "able"), ("run[MASK]", "able", "city")):
        fills = {fill.text for fill in predictor({"text": text}).masks[0].fills}
        assert {there, "."} <= fills
        assert fills.isdisjoint({absent, "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"})
