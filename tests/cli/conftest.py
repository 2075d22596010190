from pathlib import Path

import pytest

from qa_job import write_job


@pytest.fixture(scope="session")
def qa_job(tmp_path_factory) -> Path:
    """A folder with `train.jsonl`, `dev.jsonl` and `start/`."""
    return write_job(tmp_path_factory.mktemp("qa_job"))
