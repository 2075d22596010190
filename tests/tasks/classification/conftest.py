import pytest

from spanbert.text.tokenizer import Tokenizer

WORDS = "one two three four five six seven eight nine ten film phone good bad"


@pytest.fixture(scope="session")
def tokenizer():
    """A piece for each of the words."""
    return Tokenizer.train([WORDS] * 3, size=300, lowercase=True, min_frequency=1)
