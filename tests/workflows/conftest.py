from pathlib import Path

import pytest

import pretrain_run
import run_results
from qa_job import train_model, write_job
from small_pretraining import SETTINGS, sentences
from spanbert.scoring.report import Report
from spanbert.workflows.pretrain import pretrain
from tiny_start import write_start


@pytest.fixture(scope="session")
def qa_job(tmp_path_factory) -> Path:
    """A folder with `train.jsonl`, `dev.jsonl` and `start/`."""
    return write_job(tmp_path_factory.mktemp("qa_job"))


@pytest.fixture(scope="session")
def qa_model(qa_job, tmp_path_factory) -> Path:
    """A model trained for a moment on that job."""
    return train_model(qa_job, tmp_path_factory.mktemp("qa_model") / "model")


@pytest.fixture(scope="session")
def pretrain_job(tmp_path_factory) -> Path:
    """A folder with `text.txt` and `start/`."""
    return pretrain_run.write_job(tmp_path_factory.mktemp("pretrain_job"))


@pytest.fixture(scope="session")
def uninterrupted(pretrain_job, tmp_path_factory) -> tuple[pretrain_run.Ended, dict[str, object]]:
    """How the uninterrupted run on that job ended, and what it left."""
    output = tmp_path_factory.mktemp("uninterrupted") / "model"
    ended = pretrain_run.start(pretrain_job, output)
    assert ended.returncode == 0, ended.message
    return ended, run_results.results(output)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory) -> Path:
    """Four hundred sentences in fifty documents."""
    path = tmp_path_factory.mktemp("corpus") / "text.txt"
    listed = sentences(400)
    path.write_text("\n".join("\n" if number % 8 == 0 else line for number, line in enumerate(listed)))
    return path


@pytest.fixture(scope="session")
def start(corpus, tmp_path_factory) -> Path:
    """An encoder to continue on them."""
    return write_start(tmp_path_factory.mktemp("start") / "model", corpus.read_text().splitlines())


@pytest.fixture(scope="session")
def trained(corpus, start, tmp_path_factory) -> tuple[Path, Report]:
    """The uninterrupted run, and what it reported."""
    output = tmp_path_factory.mktemp("pretrained") / "model"
    report = pretrain([corpus], output, model=start, **SETTINGS)
    return output, report
