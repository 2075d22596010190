"""Arithmetic of inference: what each precision changes and what it may cost."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from spanbert.errors import SettingsError
from spanbert.inference.precision import (
    Int8Linear,
    Int8SelfAttention,
    Precision,
    has_int8,
    parse_precision,
    with_precision,
)
from spanbert.nn.batch import PieceBatch
from spanbert.nn.encoder import Encoder

needs_int8 = pytest.mark.skipif(not has_int8(), reason="this torch has no int8 products here")


@pytest.fixture
def batch():
    ids = [np.arange(length, dtype=np.int32) % 90 + 5 for length in (12, 30, 7)]
    return PieceBatch.packed(ids, [np.zeros_like(row) for row in ids])


def test_names():
    assert parse_precision("int8") is Precision.INT8
    with pytest.raises(SettingsError, match="float32, bfloat16, int8"):
        parse_precision("float8")


def test_float32_is_the_model_itself(tiny_config):
    encoder = Encoder(tiny_config)
    assert with_precision(encoder, Precision.FLOAT32) is encoder


@needs_int8
def test_int8_products_are_within_a_step_of_exact_ones():
    linear = nn.Linear(64, 48)
    values = torch.randn(100, 64)
    with torch.inference_mode():
        exact, made = linear(values), Int8Linear(linear)(values)
    # Each of 64 summands is off by at most half a step of its weight and half a step of its value. Two
    # neighbouring weights share the range, so that a step is up to twice that of the greatest weight alone.
    weight_step = 2 * linear.weight.abs().amax(dim=1) / 127
    value_step = (values.max() - values.min()) / 255
    bound = 0.5 * (values.abs().sum(1)[:, None] * weight_step + value_step * linear.weight.abs().sum(1)) * 1.2
    assert ((made - exact).abs() <= bound).all()
    assert (made - exact).abs().max() > 0


def in_steps(values):
    """The given values as int8 products see them: 255 steps between the least and the greatest."""
    least, greatest = min(values.min().item(), 0.0), max(values.max().item(), 0.0)
    step = (greatest - least) / 255
    zero = round(-least / step)
    return ((values / step).round() + zero).clamp(0, 255).sub(zero) * step


@needs_int8
@pytest.mark.parametrize("inputs", [64, 384, 1535])
@pytest.mark.parametrize("sign", ["random", "positive", "negative"])
def test_int8_products_are_never_cut(inputs, sign):
    """Processors without VNNI keep sums of two products in 16 bits: the greatest ones have to fit."""
    linear = nn.Linear(inputs, 48, bias=False)
    values = torch.randn(100, inputs)
    if sign != "random":
        nn.init.constant_(linear.weight, 0.5 if sign == "positive" else -0.5)
        values = values.abs() + 1
    made = Int8Linear(linear)
    weight = torch.ops.quantized.linear_unpack(made.packed)[0].dequantize()
    with torch.inference_mode():
        exact = in_steps(values) @ weight.T
        assert (made(values) - exact).norm() <= 1e-3 * exact.norm()


@needs_int8
def test_int8_keeps_the_given_model_and_changes_layers_only(tiny_config, batch):
    encoder = Encoder(tiny_config).eval()
    changed = with_precision(encoder, Precision.INT8)
    assert not any(isinstance(part, Int8Linear) for part in encoder.modules())
    assert not any(isinstance(part, nn.Linear) for part in changed.modules())
    assert all(parameter.dtype is torch.float32 for parameter in changed.parameters())
    with torch.inference_mode():
        exact, made = encoder(batch), changed(batch)
    assert made.dtype is torch.float32
    assert 0 < (made - exact).norm() / exact.norm() < 0.1


@needs_int8
def test_one_product_for_queries_keys_and_values_gives_what_three_give(tiny_config, batch):
    attention = Encoder(tiny_config).eval().layers[0].attention
    joined, apart = Int8SelfAttention(attention), copy.deepcopy(attention)
    for name in ("query", "key", "value", "output"):
        setattr(apart, name, Int8Linear(getattr(attention, name)))
    hidden = torch.randn(1, 49, tiny_config.width)
    with torch.inference_mode():
        assert torch.equal(joined(hidden, batch.mask), apart(hidden, batch.mask))


def test_bfloat16_is_near(tiny_config, batch):
    encoder = Encoder(tiny_config).eval()
    with torch.inference_mode():
        exact, made = encoder(batch), with_precision(encoder, Precision.BFLOAT16)(batch)
    assert made.dtype is torch.bfloat16
    assert 0 < (made.float() - exact).norm() / exact.norm() < 0.1
    assert next(encoder.parameters()).dtype is torch.float32
