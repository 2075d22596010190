"""What the tests of coreference share: records of spans whose links are known."""

import numpy as np
import pytest

from spanbert.tasks.coreference.model import mention_record
from spanbert.tasks.coreference.pairs import PAIR_KINDS

WIDTH = 8


@pytest.fixture(scope="session")
def spans():
    """A function: for each entity number a sure mention that links to its own entity alone, one word each."""

    def made(entities, gap=1):
        found = np.zeros(len(entities), dtype=mention_record(WIDTH))
        found["start"] = found["end"] = np.arange(len(entities)) * gap
        found["first_code"] = found["last_code"] = np.arange(len(entities)) + 100
        found["speaker"] = -1
        found["score"] = 20.0
        codes = np.random.default_rng(0).choice([-1.0, 1.0], size=(max(entities) + 1, 2 * WIDTH))
        found["key"] = found["query"] = codes[list(entities)]
        # 16 for the same entity; another one agrees in a few places less.
        found["kinds"] = np.full(PAIR_KINDS, -15.0)
        return found

    return made
