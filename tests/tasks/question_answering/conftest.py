"""What the tests of question answering share: texts of every kind."""

import pytest
from hypothesis import strategies as st

WORDS = ["paris", "the river", "runs", "don't", "xyzzy" * 30, "...", " ", "\n"]
NASTY = [*"éİßאב的是𠀀한국😀", "क्ष", "e\u0301", "\u200b", "\u200d", "\u00ad", "\x00", "\ufffd"]


@pytest.fixture(scope="session")
def texts():
    """A strategy: text of any characters, with many that tokenizers drop, split or join."""
    parts = st.one_of(
        st.sampled_from(WORDS + NASTY), st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
    )
    return st.lists(parts, max_size=60).map("".join)
