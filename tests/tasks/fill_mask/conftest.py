"""A tiny masked-LM with random weights."""

import pytest
import torch
from torch import nn

from spanbert.checkpoint.folder import write_folder
from spanbert.nn.encoder import Encoder
from spanbert.tasks.fill_mask.model import FillMaskModel
from spanbert.tasks.fill_mask.settings import FillMaskSettings
from spanbert.tasks.fill_mask.task import FillMask
from spanbert.workflows.model_source import name_table
from tiny_encoder import tiny_config


def random_model(tokenizer, boundary_shape=None):
    config = tiny_config(tokenizer.vocabulary_size, init_std=0.3)
    torch.manual_seed(5)
    model = FillMaskModel(Encoder(config), FillMaskSettings(boundary_shape=boundary_shape)).eval()
    for parameter in model.parameters():  # biases and norms away from 0 and 1, so that a lost one shows
        nn.init.normal_(parameter, std=0.4)
    return model


def write(folder, model, tokenizer):
    """As `spanbert pretrain` leaves it: without task.json."""
    write_folder(
        folder,
        model,
        name_table(FillMask()),
        model.encoder.config,
        tokenizer,
        architecture="BertForMaskedLM",
        task=None,
    )
    return folder


@pytest.fixture(scope="session")
def masked_lm(cased_tokenizer, tmp_path_factory):
    return write(tmp_path_factory.mktemp("masked_lm"), random_model(cased_tokenizer), cased_tokenizer)
