"""The one table between our tensor names and Hugging Face's, read in both directions.

`{n}` stands for a layer number, `*` for `weight` or `bias`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from spanbert.errors import CheckpointError

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
POOLER_NAMES: dict[str, str] = {"dense.*": "bert.pooler.dense.*"}
MASKED_LM_NAMES: dict[str, str] = {
    "dense.*": "cls.predictions.transform.dense.*",
    "norm.*": "cls.predictions.transform.LayerNorm.*",
    "decoder.bias": "cls.predictions.bias",
    "decoder.weight": "cls.predictions.decoder.weight",
}
NEXT_SENTENCE_NAMES: dict[str, str] = {
    "pooler.dense.*": "bert.pooler.dense.*",
    "scores.*": "cls.seq_relationship.*",
}
BOUNDARY_NAMES: dict[str, str] = {
    "place.weight": "cls.pair_target_predictions.position_embeddings.weight",
    "inner.*": "cls.pair_target_predictions.mlp_layer_norm.linear1.*",
    "inner_norm.*": "cls.pair_target_predictions.mlp_layer_norm.layer_norm1.*",
    "outer.*": "cls.pair_target_predictions.mlp_layer_norm.linear2.*",
    "outer_norm.*": "cls.pair_target_predictions.mlp_layer_norm.layer_norm2.*",
    "decoder.bias": "cls.pair_target_predictions.bias",
    "decoder.weight": "cls.pair_target_predictions.decoder.weight",
}


class NameTable:
    """Templates made into a translation that is strict in both directions.

    Args:
        templates: our template -> Hugging Face template.
    """

    def __init__(self, templates: Mapping[str, str]) -> None:
        self._to_theirs = [(_pattern(ours), theirs) for ours, theirs in templates.items()]
        self._to_ours = [(_pattern(theirs), ours) for ours, theirs in templates.items()]

    @classmethod
    def joined(cls, parts: Mapping[str, Mapping[str, str]]) -> NameTable:
        """A table over several modules: each of our templates gets its module's prefix and a dot."""
        return cls(
            {
                f"{prefix}.{ours}" if prefix else ours: theirs
                for prefix, templates in parts.items()
                for ours, theirs in templates.items()
            }
        )

    def theirs(self, name: str) -> str:
        """Our name as Hugging Face's. Raises CheckpointError for a name the table lacks."""
        return _translate(name, self._to_theirs)

    def ours(self, name: str) -> str:
        """Hugging Face's name as ours. Raises CheckpointError for a name the table lacks."""
        return _translate(name, self._to_ours)


def _pattern(template: str) -> re.Pattern[str]:
    escaped = re.escape(template).replace(r"\{n\}", r"(?P<n>\d+)").replace(r"\*", r"(?P<tail>weight|bias)")
    return re.compile(escaped)


def _translate(name: str, rules: list[tuple[re.Pattern[str], str]]) -> str:
    for pattern, template in rules:
        if found := pattern.fullmatch(name):
            groups = found.groupdict()
            return template.replace("{n}", groups.get("n", "")).replace("*", groups.get("tail", ""))
    raise CheckpointError(f"no translation for the tensor name {name!r}")
