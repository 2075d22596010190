import gzip
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbert.errors import DataError
from spanbert.pretraining.corpus import reading
from spanbert.pretraining.corpus.reading import Stretch, read_jsonl, read_text
from spanbert.pretraining.corpus.settings import CorpusSettings


@pytest.fixture
def short_stretches(monkeypatch):
    """Lines are too long from 20 characters on."""
    monkeypatch.setattr(reading, "LONGEST_STRETCH", 20)


def text_file(path, content: str | bytes):
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def documents(stretches) -> list[list[str]]:
    found: list[list[str]] = []
    for stretch in stretches:
        if stretch.opens_document:
            found.append([])
        if stretch.continues:
            found[-1][-1] += stretch.text
        else:
            found[-1].append(stretch.text)
    return found


@pytest.mark.parametrize(
    ("document_end", "expected"),
    [
        ("empty-line", [["one", "two"], ["three", "last"]]),
        ("line", [["one"], ["two"], ["three"], ["last"]]),
        ("file", [["one", "two", "three", "last"]]),
    ],
)
def test_documents_of_a_text_file_end_as_the_setting_says(tmp_path, document_end, expected):
    path = text_file(tmp_path / "a.txt", "\n\none\ntwo\n\n \t\nthree\nlast")
    assert documents(read_text(path, CorpusSettings(document_end=document_end))) == expected


def test_windows_line_ends_and_the_byte_order_mark_are_no_text(tmp_path):
    path = text_file(tmp_path / "a.txt", "\ufeffone\r\ntwo\r\n\r\nthree\r\n".encode())
    assert documents(read_text(path, CorpusSettings())) == [["one", "two"], ["three"]]


def test_rows_are_the_lines_of_the_file(tmp_path):
    path = text_file(tmp_path / "a.txt", "one\n\nthree\n")
    assert [stretch.row for stretch in read_text(path, CorpusSettings())] == [1, 3]


@given(words=st.lists(st.text(alphabet="aé的😀", min_size=1, max_size=9), min_size=1, max_size=40))
def test_long_lines_come_in_parts_that_end_at_spaces(tmp_path_factory, words):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "LONGEST_STRETCH", 20)
        line = " ".join(words)
        path = text_file(tmp_path_factory.mktemp("long") / "a.txt", f"{line}\nnext\n")
        *parts, last = read_text(path, CorpusSettings())
    assert "".join(part.text for part in parts) == line
    assert (last.text, last.is_part, last.row) == ("next", False, 2)
    assert [part.continues for part in parts] == [False, *([True] * (len(parts) - 1))]
    assert all(part.is_part == (len(line) > 20) and len(part.text) <= 20 for part in parts)
    assert all(part.text.endswith(" ") for part in parts[:-1])


@pytest.mark.usefixtures("short_stretches")
def test_a_long_line_without_spaces_is_divided_behind_punctuation_or_anywhere(tmp_path):
    line = "的" * 15 + "。" + "的" * 30
    parts = [stretch.text for stretch in read_text(text_file(tmp_path / "a", line), CorpusSettings())]
    assert parts == ["的" * 15 + "。", "的" * 20, "的" * 10]


@pytest.mark.usefixtures("short_stretches")
def test_each_long_line_is_one_document_where_a_line_is_a_document(tmp_path):
    path = text_file(tmp_path / "a", "a bc " * 10 + "\n" + "d ef " * 10 + "\n")
    assert len(documents(read_text(path, CorpusSettings(document_end="line")))) == 2


def test_a_line_of_64_mebibytes_is_read_in_little_memory(tmp_path):
    path = tmp_path / "a.txt.gz"
    with gzip.open(path, "wb", compresslevel=1) as stream:
        for _ in range(64):
            stream.write(b"some words " * ((1 << 20) // 11))
    tracemalloc.start()
    chars = sum(len(stretch.text) for stretch in read_text(path, CorpusSettings()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert chars == 64 * ((1 << 20) // 11) * 11
    assert peak < 8 << 20


@pytest.mark.parametrize("reader", [read_text, read_jsonl])
def test_bytes_that_are_not_utf8_are_an_error_with_file_and_line(tmp_path, reader):
    path = text_file(tmp_path / "a.txt", b'{"text": "fine"}\n{"text": "caf\xe9"}\n')
    with pytest.raises(DataError, match=r"a\.txt:2: not UTF-8 text \(byte 0xe9\)"):
        list(reader(path, CorpusSettings()))


@pytest.mark.usefixtures("short_stretches")
def test_a_character_cut_by_the_end_of_a_long_line_is_an_error(tmp_path):
    path = text_file(tmp_path / "a.txt", b"fine\n" + b"a" * 40 + b"\xe7\x9a")
    with pytest.raises(DataError, match=r"a\.txt:2: not UTF-8"):
        list(read_text(path, CorpusSettings()))


def jsonl(path, *objects):
    return text_file(path, "".join(json.dumps(one) + "\n" for one in objects))


def test_a_json_line_is_a_document_of_its_lines(tmp_path):
    path = jsonl(tmp_path / "a.jsonl", {"text": "one\n\ntwo\n"}, {"text": "three"}, {"text": None})
    assert documents(read_jsonl(path, CorpusSettings())) == [["one", "two"], ["three"], [""]]


def test_another_field_can_hold_the_text(tmp_path):
    path = jsonl(tmp_path / "a.jsonl", {"body": "one", "text": "no"})
    assert documents(read_jsonl(path, CorpusSettings(text_field="body"))) == [["one"]]


def test_given_spans_go_with_the_line_that_holds_them(tmp_path):
    spans = [[8, 11], [0, 3], [4, 6], [2, 8]]  # the last one spans the line end
    path = jsonl(tmp_path / "a.jsonl", {"text": "one or\ntwo six", "spans": spans})
    first, second = read_jsonl(path, CorpusSettings())
    assert first == Stretch(
        "one or", 1, True, char_spans=((0, 3), (4, 6)), named_spans=4, bytes_read=first.bytes_read
    )
    assert second.char_spans == ((1, 4),)
    assert second.named_spans == 0


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({"body": "x", "id": 1}, r"no field 'text' \(there are: body, id\)"),
        ({"text": 3}, "the text is int"),
        ({"text": "abc", "spans": [[0, 4]]}, r"\[0, 4\] is no \[char_start, char_end\] within a text of 3"),
        ({"text": "abc", "spans": [[1, 1]]}, r"\[1, 1\] is no"),
        ({"text": "abc", "spans": [[0, True]]}, r"\[0, True\] is no"),
        ({"text": "abc", "spans": "none"}, "spans must be a list"),
        ([1], "a JSON object is needed"),
    ],
)
def test_a_bad_json_line_is_an_error_with_file_and_line(tmp_path, found, message):
    path = jsonl(tmp_path / "a.jsonl", {"text": "fine"}, found)
    with pytest.raises(DataError, match=rf"a\.jsonl:2: {message}"):
        list(read_jsonl(path, CorpusSettings()))


def test_a_json_line_that_is_too_long_is_refused_with_a_remedy(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "LONGEST_OBJECT", 30)
    path = jsonl(tmp_path / "a.jsonl", {"text": "fine"}, {"text": "x" * 40})
    with pytest.raises(DataError, match=r"a\.jsonl:2: .*divide the document"):
        list(read_jsonl(path, CorpusSettings()))
