import warnings

import pytest

from spanbert.errors import SpanbertError
from spanbert.workflows.confusion_picture import draw_confusion


@pytest.mark.parametrize("count", [2, 30])
def test_a_picture_is_written_and_replaced_whole(tmp_path, count):
    labels = ["科技", *(f"a long name of a label, number {number}" for number in range(1, count))]
    path = tmp_path / "confusion.png"
    path.write_bytes(b"old")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw_confusion(labels, [[row * column for column in range(count)] for row in range(count)], path)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert [file.name for file in tmp_path.iterdir()] == ["confusion.png"]


def test_a_label_is_no_formula(tmp_path):
    draw_confusion(["$^$", "cost $_x$ a$"], [[1, 0], [0, 1]], tmp_path / "confusion.png")


def test_a_place_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(SpanbertError, match="cannot be written"):
        draw_confusion(["a"], [[1]], tmp_path / "taken" / "confusion.png")
