"""`config.json` in Hugging Face's words to and from an `EncoderConfig`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from spanbert.errors import CheckpointError, SettingsError
from spanbert.nn.config import PRESETS, Activation, EncoderConfig

# our field -> (Hugging Face key, value when the key is absent; None = must be there)
FIELDS: dict[str, tuple[str, Any]] = {
    "vocabulary_size": ("vocab_size", None),
    "width": ("hidden_size", None),
    "layers": ("num_hidden_layers", None),
    "heads": ("num_attention_heads", None),
    "feed_forward_width": ("intermediate_size", None),
    "max_positions": ("max_position_embeddings", 512),
    "segment_types": ("type_vocab_size", 2),
    "hidden_dropout": ("hidden_dropout_prob", 0.1),
    "attention_dropout": ("attention_probs_dropout_prob", 0.1),
    "norm_epsilon": ("layer_norm_eps", 1e-12),
    "init_std": ("initializer_range", 0.02),
    "pad_piece_id": ("pad_token_id", 0),
}


PROBLEM_TYPES = {
    "one": "single_label_classification",
    "several": "multi_label_classification",
    "number": "regression",
}
"""What tasks call the kind of a label -> what transformers' sequence classifier calls it."""

ACTIVATION_ALIASES: dict[str, Activation] = {
    "gelu_python": Activation.GELU,
    "gelu_fast": Activation.GELU_TANH,
    "gelu_pytorch_tanh": Activation.GELU_TANH,
    "swish": Activation.SILU,
}


def encoder_config(values: Mapping[str, Any], place: str) -> EncoderConfig:
    """A Hugging Face BERT config as ours; `place` names the file in errors.

    Raises:
        CheckpointError: a size is missing or no number, or the model is of a kind we do not run.
    """
    kind = values.get("model_type", "bert")
    if kind != "bert":
        raise CheckpointError(f"{place}: model_type {kind!r} is not BERT; only BERT-shaped encoders are read")
    if values.get("position_embedding_type", "absolute") != "absolute":
        raise CheckpointError(f"{place}: only absolute position embeddings are read")
    if values.get("is_decoder") or values.get("add_cross_attention"):
        raise CheckpointError(f"{place}: the model is a decoder; only encoders are read")
    found: dict[str, Any] = {}
    for ours, (theirs, default) in FIELDS.items():
        value = values.get(theirs)
        if value is None:
            value = default
        if value is None:
            raise CheckpointError(f"{place}: {theirs!r} is missing")
        whole = default is None or isinstance(default, int)
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            raise CheckpointError(
                f"{place}: {theirs!r} must be a {'whole ' if whole else ''}number, got {value!r}"
            )
        found[ours] = value
    try:
        return EncoderConfig(**found, activation=_activation(values.get("hidden_act", "gelu"), place))
    except SettingsError as error:
        raise CheckpointError(f"{place}: {error}") from error


def config_from_shapes(shapes: Mapping[str, Sequence[int]]) -> dict[str, Any] | None:
    """What `config.json` would say of a BERT of standard width, told by shapes of tensors; None for another.

    The training code saved `model.pt` without a config. Attention heads leave no trace in the shapes, but
    BERT base and large are known by their widths.

    Args:
        shapes: Hugging Face name -> shape.
    """
    words = shapes.get("bert.embeddings.word_embeddings.weight", ())
    positions = shapes.get("bert.embeddings.position_embeddings.weight", ())
    segments = shapes.get("bert.embeddings.token_type_embeddings.weight", ())
    inner = shapes.get("bert.encoder.layer.0.intermediate.dense.weight", ())
    heads = {PRESETS[size][1]: PRESETS[size][2] for size in ("base", "large")}
    if not (words and positions and segments and inner) or words[-1] not in heads:
        return None
    layers = {name.split(".")[3] for name in shapes if name.startswith("bert.encoder.layer.")}
    return {
        "vocab_size": words[0],
        "hidden_size": words[-1],
        "num_hidden_layers": len(layers),
        "num_attention_heads": heads[words[-1]],
        "intermediate_size": inner[0],
        "max_position_embeddings": positions[0],
        "type_vocab_size": segments[0],
        "hidden_act": Activation.GELU.value,
    }


def hf_config(
    config: EncoderConfig,
    architecture: str,
    labels: Sequence[str] | None = None,
    *,
    kind: str | None = None,
    dtype: str = "float32",
    other: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Our config as the content of a Hugging Face `config.json`.

    Args:
        config: shape of the encoder.
        architecture: Hugging Face class that can load the weights.
        labels: label names of a classification head, in order.
        kind: of its labels, `one`, `several` or `number`; by it transformers' pipelines make probabilities.
        dtype: number type of the weights.
        other: further entries of an earlier `config.json`, kept as they are.
    """
    replaced = {"torch_dtype", "transformers_version", "_name_or_path"}
    values: dict[str, Any] = {key: value for key, value in (other or {}).items() if key not in replaced}
    values |= {"architectures": [architecture], "model_type": "bert"}
    values |= {theirs: getattr(config, ours) for ours, (theirs, _) in FIELDS.items()}
    values |= {"hidden_act": config.activation.value, "dtype": dtype}
    if labels is not None:
        values["id2label"] = {str(number): label for number, label in enumerate(labels)}
        values["label2id"] = {label: number for number, label in enumerate(labels)}
    if kind in PROBLEM_TYPES:
        values["problem_type"] = PROBLEM_TYPES[kind]
    return values


def label_kind(values: Mapping[str, Any]) -> str | None:
    """The kind of labels that a `config.json` says, in our word; None where it says none."""
    return next(
        (ours for ours, theirs in PROBLEM_TYPES.items() if theirs == values.get("problem_type")), None
    )


def label_names(values: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The label names of a `config.json` in order; None where it has none of its own."""
    names = values.get("id2label")
    if not isinstance(names, Mapping):
        return None
    ordered = tuple(str(names.get(str(number))) for number in range(len(names)))
    unnamed = all(label == f"LABEL_{number}" for number, label in enumerate(ordered))
    return None if unnamed or "None" in ordered else ordered


def _activation(name: object, place: str) -> Activation:
    try:
        return ACTIVATION_ALIASES.get(str(name)) or Activation(name)
    except ValueError:
        known = ", ".join(member.value for member in Activation)
        raise CheckpointError(f"{place}: hidden_act {name!r} is not one of {known}") from None
