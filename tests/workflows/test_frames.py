import pytest

from spanbert.workflows.frames import frame_rows, is_frame

ROWS = [
    {"text": "a", "labels": ["x", "y"], "count": 1, "score": 2.5},
    {"text": "b", "labels": [], "count": 2, "score": None},
]


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_rows_are_plain_python_and_missing_values_are_none(library):
    frame = pytest.importorskip(library).DataFrame(ROWS)
    assert is_frame(frame)
    found = list(frame_rows(frame))
    assert found == ROWS
    assert [[type(value) for value in row.values()] for row in found] == [
        [str, list, int, float],
        [str, list, int, type(None)],
    ]


def test_pandas_missing_values_arrays_and_numbered_columns():
    pandas, numpy = pytest.importorskip("pandas"), pytest.importorskip("numpy")
    frame = pandas.DataFrame({"a": [pandas.NA, "x"], "b": [numpy.array(["p"]), None], 3: [numpy.int64(1), 2]})
    assert list(frame_rows(frame)) == [{"a": None, "b": ["p"], "3": 1}, {"a": "x", "b": None, "3": 2}]


def test_long_pandas_frames_come_in_order(monkeypatch):
    monkeypatch.setattr("spanbert.workflows.frames.ROWS_AT_ONCE", 2)
    frame = pytest.importorskip("pandas").DataFrame({"a": range(5)})
    assert [row["a"] for row in frame_rows(frame)] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("other", [[{"text": "a"}], {"text": ["a"]}, "a.csv", iter([])])
def test_other_things_are_no_frames(other):
    assert not is_frame(other)
