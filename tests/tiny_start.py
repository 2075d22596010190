"""Model folders to start a training from: a random encoder of two layers and a tokenizer of given texts."""

from collections.abc import Iterable
from pathlib import Path

import torch

from spanbert.checkpoint.folder import write_folder
from spanbert.checkpoint.names import ENCODER_NAMES, NameTable
from spanbert.nn.config import EncoderConfig
from spanbert.nn.encoder import Encoder
from spanbert.text.tokenizer import Tokenizer


def write_start(folder: Path, texts: Iterable[str], *, max_positions: int = 128, width: int = 32) -> Path:
    """A folder with the encoder alone; its weights are large enough that faults show."""
    tokenizer = Tokenizer.train(texts, size=300, lowercase=True, min_frequency=1)
    config = EncoderConfig(
        vocabulary_size=tokenizer.vocabulary_size,
        width=width,
        layers=2,
        heads=4,
        feed_forward_width=2 * width,
        max_positions=max_positions,
        init_std=0.1,
    )
    torch.manual_seed(11)
    module = torch.nn.ModuleDict({"encoder": Encoder(config)})
    write_folder(
        folder,
        module,
        NameTable.joined({"encoder": ENCODER_NAMES}),
        config,
        tokenizer,
        architecture="BertModel",
        task=None,
    )
    return folder
