import gzip

import pytest
import zstandard

from spanbert.errors import DataError
from spanbert.pretraining.corpus.reading import read_text
from spanbert.pretraining.corpus.settings import CorpusSettings
from spanbert.pretraining.corpus.unpacking import unpacked

TEXT = b"".join(b"line %d of the text\n" % number for number in range(5000))


def content(path) -> bytes:
    with unpacked(path) as (stream, _):
        return stream.read()


def pack(path, data: bytes = TEXT):
    path.write_bytes(
        {
            ".gz": gzip.compress,
            ".zst": zstandard.ZstdCompressor().compress,
        }.get(path.suffix, bytes)(data)
    )
    return path


@pytest.mark.parametrize("name", ["text.txt", "text.txt.gz", "text.txt.zst"])
def test_the_content_is_that_of_the_plain_file(tmp_path, name):
    assert content(pack(tmp_path / name)) == TEXT


@pytest.mark.parametrize("name", ["text.gz", "text.zst"])
def test_several_archives_one_behind_another_are_one_text(tmp_path, name):
    one, two, both = (
        pack(tmp_path / f"1{name}"),
        pack(tmp_path / f"2{name}", b"more\n"),
        tmp_path / f"3{name}",
    )
    both.write_bytes(one.read_bytes() + two.read_bytes())
    assert content(both) == TEXT + b"more\n"


def test_a_zstd_file_written_as_a_stream_without_its_size_is_read(tmp_path):
    path = tmp_path / "text.zst"
    compressor = zstandard.ZstdCompressor().compressobj()
    path.write_bytes(compressor.compress(TEXT[:1000]) + compressor.compress(TEXT[1000:]) + compressor.flush())
    assert content(path) == TEXT


@pytest.mark.parametrize("name", ["text.txt.gz", "text.txt.zst"])
@pytest.mark.parametrize("damage", ["cut", "garbage"])
def test_a_damaged_archive_is_an_error_with_its_line(tmp_path, name, damage):
    path = pack(tmp_path / name)
    packed = path.read_bytes()
    path.write_bytes(packed[: len(packed) * 9 // 10] if damage == "cut" else b"no archive at all")
    with pytest.raises(DataError, match=r"text\.txt\.\w+:\d+: cannot be read") as caught:
        list(read_text(path, CorpusSettings()))
    assert caught.value.line == 1 or damage == "cut"


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(DataError, match="no such file"), unpacked(tmp_path / "none.gz"):
        pass
