import numpy as np
import pytest
from rich.console import Console

from spanbert.cli import counted as progress
from spanbert.cli.main import run
from tiny_start import write_start


@pytest.fixture
def start(tmp_path):
    (tmp_path / "texts.txt").write_text("a river\nparis and the city\n", encoding="utf-8")
    return write_start(tmp_path / "start", ["a river", "paris and the city"])


def test_vectors_are_written_and_said(start, tmp_path, capsys):
    output = tmp_path / "made" / "vectors.npy"
    code = run(
        ["embed", str(tmp_path / "texts.txt"), "--model", str(start), "--output", str(output), "--normalize"]
    )
    shown = capsys.readouterr()
    assert (code, shown.out) == (0, "")
    assert f"2 texts, 32 numbers each: {output}" in shown.err
    np.testing.assert_allclose(np.linalg.norm(np.load(output), axis=1), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("output", "message"), [("vectors.txt", "the name must end in"), ("none.npy", "no such file")]
)
def test_a_mistake_is_one_line_and_code_2(start, tmp_path, capsys, output, message):
    source = tmp_path / ("texts.txt" if output == "vectors.txt" else "none.txt")
    assert run(["embed", str(source), "--model", str(start), "--output", str(tmp_path / output)]) == 2
    assert message in capsys.readouterr().err


def test_lines_say_how_far_it_is_and_what_is_left(monkeypatch, capsys):
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", -1.0)
    console = Console(stderr=True, highlight=False, force_terminal=False)
    assert list(progress.counted("ab", "embedding", 2, console)) == ["a", "b"]
    assert capsys.readouterr().err == "embedding: 1/2\nembedding: 2/2, 0:00 left\n"


def test_a_terminal_gets_a_bar(capsys):
    console = Console(stderr=True, force_terminal=True)
    assert list(progress.counted("ab", "embedding", None, console)) == ["a", "b"]
    assert "embedding" in capsys.readouterr().err


def test_a_total_that_grows_is_asked_for_anew(monkeypatch, capsys):
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", -1.0)
    console = Console(stderr=True, highlight=False, force_terminal=False)
    known = iter([2, 5])
    assert list(progress.counted("ab", "windows", lambda: next(known), console)) == ["a", "b"]
    told = capsys.readouterr().err.splitlines()
    assert [line.partition(",")[0] for line in told] == ["windows: 1/2", "windows: 2/5"]
