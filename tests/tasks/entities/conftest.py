import pytest

from spanbert.nn.config import EncoderConfig
from spanbert.text.tokenizer import Tokenizer

TEXT = "Ada Byron and Bob went from New Lisbon to Oslo by train with Acme ; 阿 达 住 在 巴 黎 。 é 5 mg - s"


@pytest.fixture(scope="session")
def tokenizer():
    return Tokenizer.train([TEXT] * 2, size=160, lowercase=True, min_frequency=1)


@pytest.fixture
def config(tokenizer):
    return EncoderConfig(
        vocabulary_size=tokenizer.vocabulary_size,
        width=16,
        layers=2,
        heads=2,
        feed_forward_width=32,
        max_positions=64,
        init_std=0.2,
    )
