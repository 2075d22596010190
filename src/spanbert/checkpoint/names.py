"""The one table between our tensor names and Hugging Face's; `{n}` is a layer number. Read in both directions."""

from __future__ import annotations

import re
from collections.abc import Iterable

# our name -> Hugging Face name
ENCODER_NAMES: dict[str, str] = {
    "embeddings.word.weight": "bert.embeddings.word_embeddings.weight",
    "embeddings.position.weight": "bert.embeddings.position_embeddings.weight",
    "embeddings.segment.weight": "bert.embeddings.token_type_embeddings.weight",
    "embeddings.norm.*": "bert.embeddings.LayerNorm.*",
    "layers.{n}.attention.query.*": "bert.encoder.layer.{n}.attention.self.query.*",
    "layers.{n}.attention.key.*": "bert.encoder.layer.{n}.attention.self.key.*",
    "layers.{n}.attention.value.*": "bert.encoder.layer.{n}.attention.self.value.*",
    "layers.{n}.attention.output.*": "bert.encoder.layer.{n}.attention.output.dense.*",
    "layers.{n}.attention_norm.*": "bert.encoder.layer.{n}.attention.output.LayerNorm.*",
    "layers.{n}.feed_forward.inner.*": "bert.encoder.layer.{n}.intermediate.dense.*",
    "layers.{n}.feed_forward.outer.*": "bert.encoder.layer.{n}.output.dense.*",
    "layers.{n}.feed_forward_norm.*": "bert.encoder.layer.{n}.output.LayerNorm.*",
}
