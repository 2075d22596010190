"""Keeping the lower part of an encoder as it is, so that several tasks can share it."""

from __future__ import annotations

from torch import nn

from spanbert.errors import SettingsError
from spanbert.nn.encoder import Encoder


def freeze(model: nn.Module, layers: int) -> None:
    """Let the embeddings and the first `layers` layers keep their values; they cost no gradient either.

    Args:
        model: its part `encoder` is an `Encoder`.
        layers: how many.

    Raises:
        SettingsError: the encoder has fewer layers.
    """
    encoder = model.get_submodule("encoder")
    assert isinstance(encoder, Encoder)
    if layers > len(encoder.layers):
        raise SettingsError(f"frozen_layers is {layers}, the encoder has only {len(encoder.layers)} layers")
    for part in (encoder.embeddings, *encoder.layers[:layers]):
        part.requires_grad_(False)
