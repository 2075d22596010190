import gzip
import json
import os
import subprocess
import sys

import pytest

from spanbert.errors import DataError, SpanbertError
from spanbert.text.files import (
    atomic_write,
    decoded_lines,
    gradual_write,
    read_bytes,
    read_json,
    read_jsonl,
    read_lines,
    read_text,
    write_json,
)

READERS = {
    "read_bytes": read_bytes,
    "read_text": read_text,
    "read_json": read_json,
    "read_lines": lambda path: list(read_lines(path)),
    "read_jsonl": lambda path: list(read_jsonl(path)),
}


@pytest.fixture(params=["plain", "gz"])
def write(request, tmp_path):
    """Write bytes to a file, packed or not, and give its path."""

    def written(content: bytes):
        path = tmp_path / ("file.txt" if request.param == "plain" else "file.txt.gz")
        path.write_bytes(content if request.param == "plain" else gzip.compress(content, mtime=0))
        return path

    return written


def test_text_and_lines(write):
    path = write("één\r\ntwo\n\nfour 的".encode())
    assert read_text(path) == "één\r\ntwo\n\nfour 的"
    assert list(read_lines(path)) == [(1, "één"), (2, "two"), (3, ""), (4, "four 的")]


def test_only_line_feeds_end_a_line(write):
    path = write("a\u2028b\x85c\x0bd\re\n".encode())
    assert list(read_lines(path)) == [(1, "a\u2028b\x85c\x0bd\re")]


def test_byte_order_mark_is_dropped_at_the_start_alone(write):
    path = write(b"\xef\xbb\xbf[1]\n" + "\ufeff2".encode())
    assert list(read_lines(path)) == [(1, "[1]"), (2, "\ufeff2")]
    assert read_text(path) == "[1]\n\ufeff2"
    assert read_json(write(b'\xef\xbb\xbf{"a": 1}')) == {"a": 1}
    assert list(read_jsonl(write(b'\xef\xbb\xbf{"a": 1}'))) == [(1, {"a": 1})]


def test_empty_file(write):
    path = write(b"")
    assert read_text(path) == ""
    assert list(read_lines(path)) == list(read_jsonl(path)) == []
    with pytest.raises(DataError, match="the file is empty"):
        read_json(path)
    with pytest.raises(DataError, match="the file is empty"):
        read_json(write(b" \n\n"))


@pytest.mark.parametrize("reader", ["read_text", "read_json", "read_lines", "read_jsonl"])
def test_bytes_that_are_not_utf8_are_named_with_their_line(write, reader):
    path = write(b"{}\n{}\ncaf\xe9\n{}\n")
    with pytest.raises(DataError, match=r"file\.txt(\.gz)?:3: not UTF-8 text \(byte 0xe9\)") as caught:
        READERS[reader](path)
    assert caught.value.line == 3


def test_utf16_is_not_taken_for_text(write):
    with pytest.raises(DataError, match=":1: not UTF-8 text"):
        read_text(write('{"a": 1}'.encode("utf-16")))


def test_lines_before_a_fault_are_given(write):
    lines = read_lines(write(b"one\ntwo\n\xff\n"))
    assert [next(lines), next(lines)] == [(1, "one"), (2, "two")]
    with pytest.raises(DataError):
        next(lines)


@pytest.mark.parametrize("name", ["absent.txt", "absent.txt.gz"])
@pytest.mark.parametrize("reader", READERS)
def test_missing_file(tmp_path, reader, name):
    with pytest.raises(DataError, match="no such file"):
        READERS[reader](tmp_path / name)


@pytest.mark.parametrize("name", ["folder", "folder.gz"])
@pytest.mark.parametrize("reader", READERS)
def test_folder(tmp_path, reader, name):
    (tmp_path / name).mkdir()
    with pytest.raises(DataError, match="this is a folder, a file is needed"):
        READERS[reader](tmp_path / name)


PACKED = gzip.compress(b'{"a": 1}\n' * 50_000 + os.urandom(1000).hex().encode())
BROKEN_ARCHIVES = {
    "no archive": b'{"a": 1}\n',
    "cut in the header": PACKED[:7],
    "cut in the middle": PACKED[: len(PACKED) // 2],
    "cut in the checksum": PACKED[:-6],
    "wrong checksum": PACKED[:-8] + b"\0\0\0\0" + PACKED[-4:],
    "garbled": PACKED[:40] + bytes(200) + PACKED[240:],
}


@pytest.mark.parametrize("fault", BROKEN_ARCHIVES)
@pytest.mark.parametrize("reader", READERS)
def test_broken_archive(tmp_path, reader, fault):
    path = tmp_path / "data.jsonl.gz"
    path.write_bytes(BROKEN_ARCHIVES[fault])
    with pytest.raises(DataError, match=r"data\.jsonl\.gz.*: cannot be read"):
        READERS[reader](path)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"a": 1', r":3: broken JSON: .* \(column 8\)"),
        ('{"a": 1\n{"b": 2}', r":3: broken JSON: .* \(column 8\)"),
        ("nonsense", r":3: JSON is needed, found 'nonsense'"),
        ("[1, 2]", r":3: a JSON object is needed, found list"),
        ('"text"', r":3: a JSON object is needed, found str"),
        ("null", r":3: a JSON object is needed, found NoneType"),
        ("[" * 100_000, r":3: JSON is nested too deeply"),
        ('{"a": ' + "9" * 5000 + "}", r":3: JSON that cannot be read"),
        ('{"a": "\\ud83d"}', r":3: \\ud83d is half a surrogate pair"),
        ('{"a": "x\\\\\\uDE00y"}', r":3: \\uDE00 is half a surrogate pair"),
        ('{"a": "\\ud83d\\ud83d\\ude00"}', r":3: \\ud83d is half a surrogate pair"),
        ('{"a": "\x00"}', r":3: broken JSON: Invalid control character"),
    ],
)
def test_faulty_json_lines_are_named(write, line, message):
    objects = read_jsonl(write(f'{{"a": 1}}\n\n{line}\n{{"b": 2}}\n'.encode()))
    assert next(objects) == (1, {"a": 1})
    with pytest.raises(DataError, match=message) as caught:
        next(objects)
    assert "\n" not in str(caught.value)


def test_escapes_that_are_characters_are_read(write):
    text = r'{"a": "\ud83d\ude00 \u00e9 \\ud800 \"\n"}'
    assert list(read_jsonl(write(text.encode()))) == [(1, {"a": '😀 é \\ud800 "\n'})]
    assert read_json(write(text.encode())) == {"a": '😀 é \\ud800 "\n'}


@pytest.mark.parametrize(
    ("text", "line"), [('{"a": 1,\n"b": 2,\n}', 3), ('{\n"a": "\\udfff"}', 2), ('{"a": 1}\n{"b": 2}', 2)]
)
def test_faulty_json_file_is_named_with_its_line(write, text, line):
    with pytest.raises(DataError) as caught:
        read_json(write(text.encode()))
    assert caught.value.line == line


def test_nul_characters_are_characters(write):
    assert list(read_lines(write(b"a\x00b\nc"))) == [(1, "a\x00b"), (2, "c")]


def test_a_line_of_five_megabytes(write):
    text = "x" * 5_000_000
    path = write(json.dumps({"text": text}).encode() + b"\n{}")
    assert [(number, value.get("text")) for number, value in read_jsonl(path)] == [(1, text), (2, None)]


def test_a_stream_is_named_in_errors():
    with pytest.raises(DataError, match=r"^standard input:2: not UTF-8"):
        list(decoded_lines([b"fine\n", b"\xc3("], "standard input"))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_atomic_write_replaces_a_file_whole(tmp_path):
    path = tmp_path / "new" / "out.txt"
    for content in ("first", "second\nline é"):
        with atomic_write(path) as stream:
            stream.write(content)
    assert path.read_bytes() == "second\nline é".encode()
    assert names(path.parent) == ["out.txt"]


@pytest.mark.parametrize("fault", [RuntimeError, KeyboardInterrupt, GeneratorExit])
def test_a_failed_write_leaves_the_old_file(tmp_path, fault):
    path = tmp_path / "out.txt"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(fault), atomic_write(path) as stream:
        stream.write("new" * 100_000)
        raise fault
    assert path.read_text(encoding="utf-8") == "old"
    assert names(tmp_path) == ["out.txt"]


def test_nothing_stands_under_the_name_before_the_end(tmp_path):
    path = tmp_path / "out.txt"
    with atomic_write(path) as stream:
        stream.write("x" * 100_000)
        stream.flush()
        assert not path.exists()
    assert path.exists()


def test_written_files_follow_the_users_umask(tmp_path):
    before = os.umask(0o077)
    try:
        write_json(tmp_path / "private.json", {})
    finally:
        os.umask(before)
    assert (tmp_path / "private.json").stat().st_mode & 0o777 == 0o600


FILL_THE_DISK = """
import resource, signal, sys
from pathlib import Path
from spanbert.errors import SpanbertError
from spanbert.text.files import write_json
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, 4_000))
try:
    write_json(Path(sys.argv[1]), ["x" * 100] * int(sys.argv[2]))
except SpanbertError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
@pytest.mark.parametrize("items", [60, 10_000], ids=["at the last flush", "while writing"])
def test_no_space_left_is_one_line_and_leaves_the_old_file(tmp_path, items):
    path = tmp_path / "report.json"
    path.write_text("old", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", FILL_THE_DISK, str(path), str(items)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(f"{path}: cannot be written (")
    assert done.stdout.count("\n") == 1
    assert path.read_text(encoding="utf-8") == "old"
    assert names(tmp_path) == ["report.json"]


def test_a_place_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("kept", encoding="utf-8")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "file" / "out.json", tmp_path / "folder", tmp_path / ("n" * 300)):
        with pytest.raises(SpanbertError, match="cannot be written"):
            write_json(path, {})
    assert names(tmp_path) == ["file", "folder"]


def test_json_is_written_readable(tmp_path):
    write_json(tmp_path / "out.json", {"name": "é的"})
    assert (tmp_path / "out.json").read_text(encoding="utf-8") == '{\n  "name": "é的"\n}\n'
    assert read_json(tmp_path / "out.json") == {"name": "é的"}


@pytest.mark.parametrize("name", ["out.txt", "out.txt.gz"])
def test_a_gradual_write_has_its_name_when_it_is_complete(tmp_path, name):
    path = tmp_path / "deep" / name
    with gradual_write(path) as stream:
        stream.write("é\n")
        assert [file.name for file in path.parent.iterdir()] == [f"{name}.part"]
    assert list(read_lines(path)) == [(1, "é")]
    assert [file.name for file in path.parent.iterdir()] == [name]


@pytest.mark.parametrize("name", ["out.txt", "out.txt.gz"])
def test_a_gradual_write_that_fails_keeps_what_was_written(tmp_path, name):
    def write():
        with gradual_write(tmp_path / name) as stream:
            stream.write("é\n")
            raise ValueError("midway")

    with pytest.raises(ValueError, match="midway"):
        write()
    assert [file.name for file in tmp_path.iterdir()] == [f"{name}.part"]
    kept = (tmp_path / f"{name}.part").read_bytes()
    assert (gzip.decompress(kept) if name.endswith(".gz") else kept).decode() == "é\n"


def test_a_gradual_write_to_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(SpanbertError, match="cannot be written"), gradual_write(tmp_path / "file" / "a"):
        pass
