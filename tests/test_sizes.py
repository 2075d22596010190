"""A file has one subject: none is long, and none is a drawer."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MOST_LINES = 400
DRAWERS = {"utils", "util", "helpers", "helper", "common", "misc", "tools", "stuff", "shared", "base"}
FILES = sorted(path for folder in ("src", "tests") for path in (ROOT / folder).rglob("*.py"))


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_there_are_files_to_look_at():
    assert len(FILES) > 20


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_no_file_is_long(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_no_file_or_folder_is_a_drawer(path):
    names = {part.removesuffix(".py").strip("_") for part in path.relative_to(ROOT).parts}
    assert not names & DRAWERS
