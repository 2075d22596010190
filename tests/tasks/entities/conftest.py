import pytest

from spanbert.text.tokenizer import Tokenizer
from tiny_encoder import tiny_config

TEXT = "Ada Byron and Bob went from New Lisbon to Oslo by train with Acme ; 阿 达 住 在 巴 黎 。 é 5 mg - s"


@pytest.fixture(scope="session")
def tokenizer():
    return Tokenizer.train([TEXT] * 2, size=160, lowercase=True, min_frequency=1)


@pytest.fixture
def config(tokenizer):
    return tiny_config(tokenizer.vocabulary_size, width=16, heads=2, feed_forward_width=32)
