import gzip
import sys

import pytest

from spanbert.errors import DataError, MissingExtraError
from spanbert.pretraining.corpus.parquet import read_parquet
from spanbert.pretraining.corpus.settings import CorpusSettings

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")


def table(path, **columns):
    parquet.write_table(pyarrow.table(columns), path, row_group_size=50)
    return path


def texts(path, **settings) -> list[tuple[int, str]]:
    return [(stretch.row, stretch.text) for stretch in read_parquet(path, CorpusSettings(**settings))]


def test_each_row_is_a_document(tmp_path):
    path = table(
        tmp_path / "a.parquet", text=[f"text {number}\nmore" for number in range(130)], id=range(130)
    )
    found = list(read_parquet(path, CorpusSettings()))
    assert [stretch.text for stretch in found[::2]] == [f"text {number}" for number in range(130)]
    assert [stretch.opens_document for stretch in found] == [True, False] * 130
    assert found[-1].row == 130
    assert found[-1].bytes_read == path.stat().st_size


def test_another_column_a_missing_text_and_given_spans(tmp_path):
    path = table(tmp_path / "a.parquet", body=["one two", None], spans=[[[4, 7]], None])
    first, second = read_parquet(path, CorpusSettings(text_field="body"))
    assert (first.char_spans, second.text) == (((4, 7),), "")


def test_a_packed_file_is_unpacked_first(tmp_path):
    plain = table(tmp_path / "a.parquet", text=["one", "two"])
    packed = tmp_path / "b.parquet.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert texts(packed) == [(1, "one"), (2, "two")]


def test_a_missing_column_is_an_error_that_names_the_columns(tmp_path):
    path = table(tmp_path / "a.parquet", body=["one"], id=[1])
    with pytest.raises(DataError, match=r"a\.parquet: no column 'text' \(there are: body, id\)"):
        texts(path)


@pytest.mark.parametrize("column", [[1, 2], [["a"], ["b"]]])
def test_a_column_that_is_no_text_is_an_error_with_its_row(tmp_path, column):
    with pytest.raises(DataError, match=r"a\.parquet:1: the text is (int|list)"):
        texts(table(tmp_path / "a.parquet", text=column))


@pytest.mark.parametrize("damage", ["cut", "garbage", "middle"])
def test_a_damaged_file_is_an_error(tmp_path, damage):
    path = table(tmp_path / "a.parquet", text=[f"text {number}" * 20 for number in range(130)])
    whole = path.read_bytes()
    bad = {"cut": whole[:-40], "garbage": b"no parquet", "middle": whole[:4] + b"\xff" * 400 + whole[404:]}
    path.write_bytes(bad[damage])
    with pytest.raises(DataError, match=r"a\.parquet"):
        texts(path)


def test_text_that_is_not_utf8_is_an_error_with_its_row(tmp_path):
    raw = pyarrow.array([b"fine", b"caf\xe9"], type=pyarrow.binary())
    path = tmp_path / "a.parquet"
    parquet.write_table(pyarrow.table({"text": raw.view(pyarrow.string())}), path)
    with pytest.raises(DataError, match=r"a\.parquet:2: the text is not UTF-8"):
        texts(path)


def test_it_names_the_extra_it_lacks(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"spanbert\[corpora\]"):
        texts(tmp_path / "a.parquet")
