import csv
import gzip
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanbert.errors import DataError
from spanbert.text.tables import read_rows


def written(tmp_path, name, text):
    path = tmp_path / name
    data = text.encode("utf-8")
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def rows(tmp_path, name, text):
    return list(read_rows(written(tmp_path, name, text)))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_csv_cells_may_hold_commas_quotes_and_line_breaks_and_rows_know_their_lines(tmp_path, end, suffix):
    text = end.join(["text,label", '"a, ""b""', 'second line",x', "", "plain,y", ""])
    assert rows(tmp_path, f"t.csv{suffix}", text) == [
        (2, {"text": f'a, "b"{end}second line', "label": "x"}),
        (5, {"text": "plain", "label": "y"}),
    ]


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path):
    assert rows(tmp_path, "t.csv", "\ufefftext\na\n") == [(2, {"text": "a"})]


def test_a_tsv_without_quoting_keeps_every_quote(tmp_path):
    cells = ['" nicholas " is a film', '"几点了?""10点半了。"', '"all of it"', 'say "so"', '"']
    text = "text\tlabel\n" + "".join(f"{cell}\tx\n" for cell in cells)
    assert [row["text"] for _, row in rows(tmp_path, "t.tsv", text)] == cells


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_a_tsv_of_a_csv_writer_is_unquoted(tmp_path, quoting):
    cells = ['" nicholas " is a film', '"all of it"', "a\ttab", "two\nlines", "plain"]
    stream = io.StringIO()
    csv.writer(stream, delimiter="\t", quoting=quoting, lineterminator="\n").writerows(
        [["text", "label"], *([cell, "x"] for cell in cells)]
    )
    found = rows(tmp_path, "t.tsv", stream.getvalue())
    assert [row["text"] for _, row in found] == cells
    assert [line for line, _ in found] == [2, 3, 4, 5, 7]


@settings(max_examples=60, deadline=None)
@given(
    table=st.lists(
        st.tuples(*[st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"))] * 2),
        max_size=5,
    ),
    ending=st.sampled_from([".csv", ".tsv"]),
)
def test_what_a_csv_writer_writes_is_read_back(tmp_path_factory, table, ending):
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter="," if ending == ".csv" else "\t", lineterminator="\n")
    writer.writerows([("a", "b"), *table])
    path = written(tmp_path_factory.mktemp("t"), f"t{ending}", stream.getvalue())
    assert [(row["a"], row["b"]) for _, row in read_rows(path)] == list(table)


def test_jsonl_and_text_are_tables_too(tmp_path):
    assert rows(tmp_path, "t.jsonl", '{"text": "a"}\n\n{"text": "b"}\n') == [
        (1, {"text": "a"}),
        (3, {"text": "b"}),
    ]
    assert rows(tmp_path, "t.txt", "a, b\n\nc\n") == [(1, {"text": "a, b"}), (3, {"text": "c"})]


def test_a_cell_may_be_longer_than_the_csv_module_allows_by_itself(tmp_path):
    long = "word " * 40_000
    assert rows(tmp_path, "t.csv", f'text\n"{long}"\n') == [(2, {"text": long})]


def test_rows_come_as_a_stream(tmp_path):
    found = read_rows(written(tmp_path, "t.csv", "text\ngood\n" + 'a "broken, row\n' * 2))
    assert next(found) == (2, {"text": "good"})
    with pytest.raises(DataError, match=r"t\.csv:3: "):
        next(found)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t.csv", "", "the file is empty; its first line must name the columns"),
        ("t.csv", "text,text\na,b\n", "t.csv:1: two columns are named 'text'"),
        ("t.csv", "text,label\na,b\nc\n", "t.csv:3: 1 cells, but 2 columns are named"),
        ("t.csv", 'text\na\n"b\n\nc\n', "t.csv:3: broken CSV: a quote is never closed"),
        ("t.csv", 'text\n"b" c\n', "t.csv:2: broken CSV"),
        ("t.tsv", 'text\tlabel\na\tb\nsay "so"\n', "t.tsv:3: 1 cells, but 2 columns are named"),
        ("t.jsonl", '{"text": "a"}\n[1]\n', "t.jsonl:2: a JSON object is needed"),
        ("t.data", "text\n", "cannot tell its format; the name must end in .csv"),
    ],
)
def test_bad_tables_are_one_line_with_their_place(tmp_path, name, text, message):
    with pytest.raises(DataError) as caught:
        rows(tmp_path, name, text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["absent.csv", "absent.tsv.gz", "absent.jsonl", "absent.txt", "absent.data"])
def test_an_absent_file_is_said_to_be_absent(tmp_path, name):
    with pytest.raises(DataError, match="no such file"):
        list(read_rows(tmp_path / name))


def test_line_ends_within_a_cell_are_kept_and_those_between_rows_are_not(tmp_path):
    (tmp_path / "t.csv").write_bytes(b'text,label\r\n"a\r\nb",x\r\nc,y\r\n')
    assert list(read_rows(tmp_path / "t.csv")) == [
        (2, {"text": "a\r\nb", "label": "x"}),
        (4, {"text": "c", "label": "y"}),
    ]


def test_semicolons_part_cells_where_the_header_says_so(tmp_path):
    (tmp_path / "t.csv").write_text('text;score\n"a; b, c";1,5\n', encoding="utf-8")
    assert list(read_rows(tmp_path / "t.csv")) == [(2, {"text": "a; b, c", "score": "1,5"})]
    (tmp_path / "u.csv").write_text("text,label;x\na,b\n", encoding="utf-8")
    assert list(read_rows(tmp_path / "u.csv")) == [(2, {"text": "a", "label;x": "b"})]
