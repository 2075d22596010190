import json
import shutil

import numpy as np
import pytest

from spanbert.errors import DataError
from spanbert.pretraining.corpus import shards
from spanbert.pretraining.corpus.shard_file import Shard, ShardSize, ShardWriter
from spanbert.pretraining.corpus.shards import Corpus


def single(corpus: Corpus, number: int):
    return corpus.gather(np.asarray([number]))


def test_gathered_blocks_are_the_single_ones_in_the_order_asked_for(prepared):
    corpus = prepared()
    assert len(corpus.manifest.shards) > 3
    order = np.random.default_rng(1).permutation(corpus.blocks).repeat(2)
    found = corpus.gather(order)
    parts = [single(corpus, number) for number in order]
    assert (
        found.lengths.tolist() == [int(part.lengths[0]) for part in parts] == corpus.lengths[order].tolist()
    )
    for name in ("piece_ids", "starts_word"):
        assert np.array_equal(getattr(found, name), np.concatenate([getattr(part, name) for part in parts]))
    expected = [
        (row, int(start), int(end))
        for row, part in enumerate(parts)
        for start, end in zip(part.given.starts, part.given.ends, strict=True)
    ]
    spans = zip(found.given.rows, found.given.starts, found.given.ends, strict=True)
    assert [tuple(map(int, span)) for span in spans] == expected
    assert expected


def test_the_types_are_those_of_the_contract(prepared):
    found = prepared().gather(np.asarray([3, 1]))
    types = [found.piece_ids, found.lengths, found.given.rows, found.given.starts, found.given.ends]
    assert {array.dtype for array in types} == {np.dtype(np.int32)}
    assert found.starts_word.dtype == np.bool_
    assert not any(isinstance(array, np.memmap) for array in types)


def test_no_blocks_can_be_gathered(prepared):
    found = prepared().gather(np.zeros(0, dtype=np.int64))
    assert (len(found.piece_ids), len(found.lengths), len(found.given.rows)) == (0, 0, 0)


@pytest.mark.parametrize("number", [-1, 10**6])
def test_a_number_out_of_range_is_refused(prepared, number):
    with pytest.raises(IndexError, match="block numbers"):
        single(prepared(), number)


def test_more_shards_than_may_be_open_are_read(prepared, monkeypatch):
    monkeypatch.setattr(shards, "OPEN_SHARDS", 2)
    corpus = prepared()
    everything = corpus.gather(np.arange(corpus.blocks))
    assert len(everything.piece_ids) == corpus.pieces == corpus.piece_counts.sum()
    assert np.array_equal(
        np.bincount(everything.piece_ids, minlength=len(corpus.piece_counts)), corpus.piece_counts
    )


def test_a_block_begins_with_a_word_even_where_a_word_was_cut(prepared):
    corpus = prepared(block_pieces=3)
    assert corpus.manifest.counts.split_words
    found = corpus.gather(np.arange(corpus.blocks))
    assert found.starts_word[np.cumsum(found.lengths) - found.lengths].all()


@pytest.mark.parametrize("vocabulary", [1 << 16, (1 << 16) + 1])
def test_a_shard_holds_the_highest_piece_number(tmp_path, vocabulary):
    writer = ShardWriter(tmp_path / "shard", vocabulary)
    for ids in ([0, vocabulary - 1, 7], [5] * 9, []):
        writer.add(np.asarray(ids, dtype=np.int32), np.asarray(ids, dtype=np.int32) > 5)
    documents = np.asarray([False, True])
    size, _ = writer.finish(np.asarray([4, 12]), np.asarray([[1, 0, 2]]), documents)
    shard = Shard(tmp_path / "shard", size)
    assert size == ShardSize(12, 2, 1, vocabulary)
    assert size.offsets[-1] == (tmp_path / "shard").stat().st_size
    assert shard.piece_ids.dtype.itemsize == (2 if vocabulary == 1 << 16 else 4)
    assert shard.piece_ids.tolist() == [0, vocabulary - 1, 7, *[5] * 9]
    assert np.unpackbits(shard.word_starts, bitorder="little")[:12].tolist() == [0, 1, 1, *[0] * 9]
    assert (shard.block_ends.tolist(), shard.given.tolist()) == ([4, 12], [[1, 0, 2]])
    assert shard.document_starts.tolist() == [2]
    assert shard.piece_counts[[0, 5, 7, vocabulary - 1]].tolist() == [1, 9, 1, 1]


def changed(path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("name", ["shard-000001.bin", "lengths.bin", "piece_counts.bin"])
@pytest.mark.parametrize("place", [0, -1])
def test_a_changed_file_is_found_by_check(prepared, tmp_path, name, place):
    corpus = prepared()
    corpus.check()
    changed(tmp_path / "corpus" / name, place)
    with pytest.raises(DataError, match=f"{name}: changed since it was written"):
        Corpus(tmp_path / "corpus").check()


def test_a_shortened_or_missing_shard_is_found_when_the_corpus_is_opened(prepared, tmp_path):
    prepared()
    path = tmp_path / "corpus/shard-000002.bin"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"shard-000002\.bin: \d+ bytes long instead of"):
        Corpus(tmp_path / "corpus")
    path.unlink()
    with pytest.raises(DataError, match=r"shard-000002\.bin: missing"):
        Corpus(tmp_path / "corpus")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no prepared corpus"),
        ("{", "broken JSON"),
        ("{}", "damaged, or of another version"),
    ],
)
def test_a_folder_without_a_sound_manifest_is_an_error_of_one_line(tmp_path, content, message):
    if content is not None:
        (tmp_path / "manifest.json").write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=message) as caught:
        Corpus(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_corpus_of_another_format_is_refused(prepared, tmp_path):
    prepared()
    path = tmp_path / "corpus/manifest.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    told["origin"]["format"] += 1
    path.write_text(json.dumps(told), encoding="utf-8")
    with pytest.raises(DataError, match="this version reads 2"):
        Corpus(tmp_path / "corpus")


def test_the_fingerprint_tells_corpora_apart_and_not_their_places(prepared, sources, tmp_path):
    first = prepared().fingerprint
    assert prepared("again").fingerprint == first
    assert prepared("other", block_pieces=31).fingerprint != first
    shutil.copytree(tmp_path / "corpus", tmp_path / "moved")
    assert Corpus(tmp_path / "moved").fingerprint == first
    (sources / "a.txt").write_text("other text", encoding="utf-8")
    assert prepared("changed").fingerprint != first
