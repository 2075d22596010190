from dataclasses import replace

import pytest
import torch

from spanbert.errors import SettingsError
from spanbert.nn.config import PRESETS, Activation, EncoderConfig


@pytest.fixture
def shape():
    return {"vocabulary_size": 10, "width": 8, "layers": 1, "heads": 2, "feed_forward_width": 16}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("vocabulary_size", 0),
        ("width", -8),
        ("layers", 0),
        ("heads", 0),
        ("feed_forward_width", 0),
        ("max_positions", 0),
        ("segment_types", 0),
        ("hidden_dropout", 1.0),
        ("hidden_dropout", -0.1),
        ("attention_dropout", float("nan")),
    ],
)
def test_values_out_of_range_are_refused_by_name(shape, field, value):
    with pytest.raises(SettingsError, match=f"{field} must be .* got {value}"):
        EncoderConfig(**{**shape, field: value})


def test_width_must_be_a_multiple_of_heads(shape):
    with pytest.raises(SettingsError, match="width 8 must be a multiple of heads 3"):
        EncoderConfig(**{**shape, "heads": 3})
    EncoderConfig(**shape)


@pytest.mark.parametrize("size", PRESETS)
def test_presets(size):
    config = EncoderConfig.preset(size, 30_522)
    assert config.vocabulary_size == 30_522
    assert config.feed_forward_width == 4 * config.width
    assert config.max_positions == 512


def test_unknown_preset_lists_the_known_ones():
    with pytest.raises(SettingsError, match="'huge': choose one of tiny, small, base, large"):
        EncoderConfig.preset("huge", 10)


def test_with_dropout_changes_dropout_alone(shape):
    config = EncoderConfig(**shape)
    dropping = config.with_dropout(0.3)
    assert (dropping.hidden_dropout, dropping.attention_dropout) == (0.3, 0.0)
    assert replace(dropping, hidden_dropout=0.1, attention_dropout=0.1) == config


@pytest.mark.parametrize("activation", Activation)
def test_activations_equal_those_of_the_same_name_in_transformers(activation):
    activations = pytest.importorskip("transformers.activations")
    values = torch.linspace(-6, 6, 241)
    torch.testing.assert_close(
        activation.build()(values), activations.ACT2FN[activation.value](values), atol=1e-6, rtol=0
    )
