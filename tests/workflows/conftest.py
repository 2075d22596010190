from pathlib import Path

import pytest

from qa_job import train_model, write_job


@pytest.fixture(scope="session")
def qa_job(tmp_path_factory) -> Path:
    """A folder with `train.jsonl`, `dev.jsonl` and `start/`."""
    return write_job(tmp_path_factory.mktemp("qa_job"))


@pytest.fixture(scope="session")
def qa_model(qa_job, tmp_path_factory) -> Path:
    """A model trained for a moment on that job."""
    return train_model(qa_job, tmp_path_factory.mktemp("qa_model") / "model")
