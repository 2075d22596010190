"""Tiny checkpoints in the layouts that exist in the wild, with values of Hugging Face's own BERT classes."""

import io
import json
import re
import tarfile
from argparse import Namespace
from pathlib import Path

import torch
from torch import Tensor
from transformers import BertConfig, BertForPreTraining, BertForQuestionAnswering

SPECIAL = ["[PAD]", "[unused1]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
CASED = [
    *SPECIAL,
    *"abcdefghijklmnopqrstuvwxyzABCDEFGHIJ?.",
    *(f"##{c}" for c in "abcdefghijklmnopqrstuvwxyz"),
]
CASED += ["Paris", "the", "capital", "##ital"]
UNCASED = [piece for piece in CASED if piece in SPECIAL or piece == piece.lower()]
WIDTH, LAYERS = 16, 2


def hf_shape(vocabulary: list[str] = CASED) -> BertConfig:
    return BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=40,
        initializer_range=0.3,
    )


def released_config(vocabulary: list[str] = CASED) -> dict:
    """As in the released archives: sizes alone, with no `model_type`."""
    return {
        "vocab_size": len(vocabulary),
        "hidden_size": WIDTH,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": 40,
        "type_vocab_size": 2,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "initializer_range": 0.02,
    }


def _spread(state: dict[str, Tensor]) -> dict[str, Tensor]:
    # Norms of exactly 1 and biases of exactly 0 would hide a mix-up.
    generator = torch.Generator().manual_seed(3)
    state = {
        name: value + 0.1 * torch.randn(value.shape, generator=generator)
        if value.is_floating_point() and value.dim() == 1
        else value
        for name, value in state.items()
    }
    if "cls.predictions.bias" in state:
        state["cls.predictions.decoder.bias"] = state["cls.predictions.bias"]
    return state


def pretrained_state(vocabulary: list[str] = CASED) -> dict[str, Tensor]:
    """Encoder, pooler, masked-LM and next-sentence heads under Hugging Face's names."""
    torch.manual_seed(5)
    return _spread(BertForPreTraining(hf_shape(vocabulary)).state_dict())


def answering_state(vocabulary: list[str] = CASED) -> dict[str, Tensor]:
    torch.manual_seed(6)
    return _spread(BertForQuestionAnswering(hf_shape(vocabulary)).state_dict())


def encoder_alone(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {
        name: value for name, value in state.items() if name.startswith(("bert.embeddings", "bert.encoder"))
    }


def boundary_head(state: dict[str, Tensor], positions: int = 15) -> dict[str, Tensor]:
    """The span boundary head, its decoder tied to the word embeddings."""
    torch.manual_seed(7)
    prefix = "cls.pair_target_predictions"
    words = state["bert.embeddings.word_embeddings.weight"]
    head = {
        f"{prefix}.position_embeddings.weight": torch.randn(positions, 8),
        f"{prefix}.mlp_layer_norm.linear1.weight": torch.randn(WIDTH, 2 * WIDTH + 8),
        f"{prefix}.mlp_layer_norm.linear2.weight": torch.randn(WIDTH, WIDTH),
        f"{prefix}.bias": torch.randn(len(words)),
        f"{prefix}.decoder.weight": words,
    }
    for part in ("linear1", "linear2", "layer_norm1", "layer_norm2"):
        head[f"{prefix}.mlp_layer_norm.{part}.bias"] = torch.randn(WIDTH)
        head.setdefault(f"{prefix}.mlp_layer_norm.{part}.weight", torch.randn(WIDTH))
    return head


def halved(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.half() if value.is_floating_point() else value for name, value in state.items()}


def old_norm_names(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """LayerNorm parameters called gamma and beta."""

    def old(name: str) -> str:
        name = re.sub(r"((?:LayerNorm|layer_norm\d))\.weight$", r"\1.gamma", name)
        return re.sub(r"((?:LayerNorm|layer_norm\d))\.bias$", r"\1.beta", name)

    return {old(name): value for name, value in state.items()}


def fairseq_file(state: dict[str, Tensor], path: Path) -> Path:
    """`model.pt` as the training code wrote it: names behind `decoder.`, nested, arguments beside."""
    wrapped = {f"decoder.{name}": value for name, value in old_norm_names(state).items()}
    torch.save(
        {
            "args": Namespace(arch="cased_bert_pair_large", lr=[1e-4]),
            "model": wrapped,
            "extra_state": {"epoch": 3},
            "optimizer_history": [{"num_updates": 5}],
        },
        path,
    )
    return path


def pickled(state: object) -> bytes:
    stream = io.BytesIO()
    torch.save(state, stream)
    return stream.getvalue()


def vocabulary_bytes(vocabulary: list[str]) -> bytes:
    return "".join(f"{piece}\n" for piece in vocabulary).encode()


def write_archive(path: Path, files: dict[str, bytes], folder: str = "") -> Path:
    with tarfile.open(path, "w:gz") as stream:
        for name, content in files.items():
            member = tarfile.TarInfo(f"{folder}/{name}" if folder else name)
            member.size = len(content)
            stream.addfile(member, io.BytesIO(content))
    return path


def write_files(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def released_files(state: dict[str, Tensor], **more: bytes) -> dict[str, bytes]:
    """What a released archive holds: config and half-precision pickle, no vocabulary."""
    return {
        "config.json": json.dumps(released_config()).encode(),
        "pytorch_model.bin": pickled(old_norm_names(halved(state))),
        **more,
    }
