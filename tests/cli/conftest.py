from pathlib import Path

import pytest

from qa_job import train_model, write_job


@pytest.fixture(scope="session")
def qa_job(tmp_path_factory) -> Path:
    """A folder with `train.jsonl`, `dev.jsonl` and `start/`."""
    return write_job(tmp_path_factory.mktemp("qa_job"))


@pytest.fixture(scope="session")
def qa_trained(qa_job, tmp_path_factory) -> tuple[Path, Path]:
    """A model trained for a moment, and data to score it on."""
    return train_model(qa_job, tmp_path_factory.mktemp("qa_trained") / "model"), qa_job / "dev.jsonl"
