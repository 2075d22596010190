import gzip
import json

import numpy as np
import pytest
from pyarrow import parquet

from spanbert.checkpoint.source import read_checkpoint
from spanbert.errors import DataError, SettingsError
from spanbert.workflows.embedding.embed import Embedder
from spanbert.workflows.embedding.file import ROWS_AT_ONCE, embed_file
from tiny_start import write_start

TEXTS = ["the river, runs", 'a "city"', "paris", "什么 é"]


@pytest.fixture(scope="module")
def embedder(tmp_path_factory):
    return Embedder(read_checkpoint(write_start(tmp_path_factory.mktemp("start"), TEXTS)))


@pytest.fixture
def lines(tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("\n".join([TEXTS[0], "", *TEXTS[1:]]) + "\n", encoding="utf-8")
    return path


def test_every_kind_of_file_gives_the_same_vectors(embedder, lines, tmp_path):
    jsonl = tmp_path / "texts.jsonl.gz"
    with gzip.open(jsonl, "wt", encoding="utf-8") as stream:
        stream.writelines(json.dumps({"id": n, "text": text}) + "\n" for n, text in enumerate(TEXTS))
    csv = tmp_path / "texts.csv"
    quoted = ('"' + text.replace('"', '""') + '"' for text in TEXTS)
    csv.write_text("label,sentence\n" + "".join(f"x,{text}\n" for text in quoted), encoding="utf-8")
    tsv = tmp_path / "texts.tsv"
    tsv.write_text("remark\n" + "".join(f"{text}\n" for text in TEXTS), encoding="utf-8")
    wanted = embedder.embed(TEXTS)
    for path in (lines, jsonl, csv, tsv):
        assert embed_file(embedder, [path], tmp_path / "out.npy") == 4
        np.testing.assert_allclose(np.load(tmp_path / "out.npy", mmap_mode="r"), wanted, atol=1e-5)
    assert embed_file(embedder, [lines, csv], tmp_path / "out.npy") == 8


def test_a_guessed_column_is_said(embedder, tmp_path, caplog):
    path = tmp_path / "reviews.csv"
    for header, guess in (("id,review,hypothesis", "review"), ("id,text,review", None)):
        caplog.clear()
        path.write_text(f"{header}\n1,paris,city\n", encoding="utf-8")
        embed_file(embedder, [path], tmp_path / "out.npy")
        assert (f"guessed --text-column = {guess}" in caplog.text) is (guess is not None)
    caplog.clear()
    embed_file(embedder, [path], tmp_path / "out.npy", text_column="review")
    assert not caplog.text


def test_every_format_of_vectors_holds_the_same(embedder, lines, tmp_path):
    for name in ("a.npy", "a.jsonl", "a.parquet"):
        embed_file(embedder, [lines], tmp_path / name)
    vectors = np.load(tmp_path / "a.npy")
    assert vectors.dtype == np.float32
    objects = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text("utf-8").splitlines()]
    rows = parquet.read_table(tmp_path / "a.parquet").to_pylist()
    for found in (objects, rows):
        assert [item["id"] for item in found] == ["1", "3", "4", "5"]
        assert [item["text"] for item in found] == TEXTS
        assert np.array_equal(np.array([item["vector"] for item in found], dtype=np.float32), vectors)


def test_more_rows_than_are_written_at_once_keep_their_order(embedder, tmp_path):
    path, count = tmp_path / "many.txt", ROWS_AT_ONCE + 700
    path.write_text("".join(f"{TEXTS[n % 4]}\n" for n in range(count)), encoding="utf-8")
    seen = []

    def track(vectors, total):
        seen.append(total)
        return vectors

    for name in ("a.npy", "a.parquet"):
        assert embed_file(embedder, [path], tmp_path / name, track=track) == count
    vectors = np.load(tmp_path / "a.npy")
    np.testing.assert_allclose(
        vectors, np.tile(embedder.embed(TEXTS), (count // 4 + 1, 1))[:count], atol=1e-4
    )
    table = parquet.ParquetFile(tmp_path / "a.parquet")
    assert table.num_row_groups == 2
    assert seen == [count, count]


def test_the_text_column_is_said_or_refused(embedder, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("name,remark\nx,paris\n", encoding="utf-8")
    assert embed_file(embedder, [path], tmp_path / "a.npy", text_column="remark") == 1
    with pytest.raises(DataError, match=r"a.csv:2: no column 'text'; found \['name', 'remark'\]: say with"):
        embed_file(embedder, [path], tmp_path / "a.npy")


@pytest.mark.parametrize(
    ("content", "message"),
    [('{"text": "a"}\n{"text": 4}\n', r"a.jsonl:2: .*must be a string"), ("", "no texts in .*a.jsonl")],
)
def test_a_wrong_file_leaves_no_vectors_behind(embedder, tmp_path, content, message):
    path = tmp_path / "a.jsonl"
    path.write_text(content, encoding="utf-8")
    (tmp_path / "out").mkdir()
    for name in ("a.npy", "a.jsonl", "a.parquet"):
        with pytest.raises(DataError, match=message):
            embed_file(embedder, [path], tmp_path / "out" / name)
    assert list((tmp_path / "out").iterdir()) == []


def test_an_earlier_file_stays_where_the_new_one_fails(embedder, lines, tmp_path):
    target = tmp_path / "a.npy"
    embed_file(embedder, [lines], target)
    before = target.read_bytes()
    with pytest.raises(DataError, match="no such file"):
        embed_file(embedder, [lines, tmp_path / "none.txt"], target)
    assert target.read_bytes() == before


def test_a_target_of_no_known_format_is_refused(embedder, lines, tmp_path):
    with pytest.raises(SettingsError, match=r"a.pt: .*must end in .npy, .parquet, .jsonl"):
        embed_file(embedder, [lines], tmp_path / "a.pt")


def test_a_column_is_chosen_once_for_a_file(embedder, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": "a1", "text": "paris"}\n{"id": "secret-7"}\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"a.jsonl:2: no column 'text'; found \['id'\]"):
        embed_file(embedder, [path], tmp_path / "a.npy")


def test_texts_are_not_overwritten_by_their_vectors(embedder, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "paris"}\n', encoding="utf-8")
    with pytest.raises(SettingsError, match="holds texts that are to be read"):
        embed_file(embedder, [path], path)
    assert path.read_text(encoding="utf-8") == '{"text": "paris"}\n'


def test_a_failure_leaves_the_unfinished_work_of_others(embedder, tmp_path):
    (tmp_path / "a.jsonl.part").write_text("kept", encoding="utf-8")
    with pytest.raises(DataError):
        embed_file(embedder, [tmp_path / "none.txt"], tmp_path / "a.jsonl")
    assert (tmp_path / "a.jsonl.part").read_text(encoding="utf-8") == "kept"
