"""The heads that BERT-shaped checkpoints are known to carry, told by the names of their tensors."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from spanbert.checkpoint.weights import StoredTensors


@dataclass(frozen=True, slots=True)
class HeadKind:
    """One kind of head.

    Args:
        name: what people call it.
        tensors: canonical Hugging Face names of all its tensors (tied ones are the encoder's).
    """

    name: str
    tensors: tuple[str, ...]


def _both(*stems: str) -> tuple[str, ...]:
    return tuple(f"{stem}.{part}" for stem in stems for part in ("weight", "bias"))


POOLER = HeadKind("pooler", _both("bert.pooler.dense"))
MASKED_LM = HeadKind(
    "masked language model",
    (
        *_both("cls.predictions.transform.dense", "cls.predictions.transform.LayerNorm"),
        "cls.predictions.bias",
    ),
)
SPAN_BOUNDARY = HeadKind(
    "span boundary",
    (
        "cls.pair_target_predictions.position_embeddings.weight",
        *_both(
            *(
                f"cls.pair_target_predictions.mlp_layer_norm.{part}"
                for part in ("linear1", "layer_norm1", "linear2", "layer_norm2")
            )
        ),
        "cls.pair_target_predictions.bias",
    ),
)
NEXT_SENTENCE = HeadKind("next sentence", _both("cls.seq_relationship"))
QUESTION_ANSWERING = HeadKind("question answering", _both("qa_outputs"))
CLASSIFIER = HeadKind("classifier", _both("classifier"))
HEAD_KINDS = (POOLER, MASKED_LM, SPAN_BOUNDARY, NEXT_SENTENCE, QUESTION_ANSWERING, CLASSIFIER)

ARCHITECTURE_HEADS: dict[str, HeadKind] = {
    "BertForQuestionAnswering": QUESTION_ANSWERING,
    "BertForTokenClassification": CLASSIFIER,
    "BertForSequenceClassification": CLASSIFIER,
    "BertForMaskedLM": MASKED_LM,
    "BertForPreTraining": MASKED_LM,
}


def heads_in(stored: StoredTensors) -> tuple[HeadKind, ...]:
    """The kinds of head of which at least one tensor is there."""
    return tuple(kind for kind in HEAD_KINDS if any(name in stored.tensors for name in kind.tensors))


def boundary_shape(stored: StoredTensors) -> tuple[int, int] | None:
    """Places and width of the place vectors of a span boundary head; None where there is none."""
    found = stored.tensors.get(SPAN_BOUNDARY.tensors[0])
    return None if found is None else (found.shape[0], found.shape[1])


def classifier_architecture(stored: StoredTensors, stated: Iterable[str]) -> str:
    """The class of a checkpoint with a classifier: what its config states, else told by the pooler.

    Hugging Face's token classifier has no pooler, its sequence classifier must have one.
    """
    known = [name for name in stated if ARCHITECTURE_HEADS.get(name) is CLASSIFIER]
    if known:
        return known[0]
    pooled = POOLER in heads_in(stored)
    return "BertForSequenceClassification" if pooled else "BertForTokenClassification"


def architecture_for(stored: StoredTensors, stated: Iterable[str]) -> str:
    """The Hugging Face class that reads most of a checkpoint.

    Args:
        stored: its tensors.
        stated: class names in its config, believed only where the tensors do not tell.
    """
    heads = heads_in(stored)
    if QUESTION_ANSWERING in heads:
        return "BertForQuestionAnswering"
    if CLASSIFIER in heads:
        return classifier_architecture(stored, stated)
    if MASKED_LM in heads:
        return "BertForPreTraining" if NEXT_SENTENCE in heads and POOLER in heads else "BertForMaskedLM"
    return "BertModel"


def layers_beyond(stored: StoredTensors, layers: int) -> list[str]:
    """Encoder tensors of layers that a config with this many layers does not have."""
    found = ((re.match(r"bert\.encoder\.layer\.(\d+)\.", name), name) for name in stored.tensors)
    return [name for number, name in found if number and int(number[1]) >= layers]
