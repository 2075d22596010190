import json
import re
import shutil
import threading
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spanbert.errors import DataError, SettingsError
from spanbert.pretraining.corpus import reading
from spanbert.pretraining.corpus.prepare import prepare
from spanbert.pretraining.corpus.reading import read_jsonl, read_text
from spanbert.pretraining.corpus.settings import CorpusSettings
from spanbert.pretraining.corpus.unfinished import alone_in
from spanbert.text.tokenizer import Tokenizer


def contents(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def pieces_of_documents(tokenizer: Tokenizer, folder) -> list[list[int]]:
    """Documents tokenized one line at a time: what must come out, in this order."""
    found: list[list[int]] = []
    for path in sorted(folder.iterdir()):
        reader = read_jsonl if path.suffix == ".jsonl" else read_text
        for stretch in reader(path, CorpusSettings()):
            found += [[]] if stretch.opens_document else []
            found[-1] += tokenizer.encode(stretch.text).ids.tolist()
    return found


def test_every_piece_comes_out_once_and_in_order(prepared, tokenizer, sources):
    corpus = prepared()
    expected = [piece for document in pieces_of_documents(tokenizer, sources) for piece in document]
    assert corpus.gather(np.arange(corpus.blocks)).piece_ids.tolist() == expected
    assert corpus.pieces == len(expected)
    assert corpus.lengths.max() <= 30


def test_no_block_crosses_a_document(prepared, tokenizer, sources):
    corpus = prepared()
    ends = set(np.cumsum(corpus.lengths).tolist())
    assert set(np.cumsum([len(one) for one in pieces_of_documents(tokenizer, sources)]).tolist()) <= ends


def test_blocks_know_their_document(prepared, tokenizer, sources):
    corpus = prepared()
    assert len(corpus.manifest.shards) > 3
    pieces = [len(one) for one in pieces_of_documents(tokenizer, sources)]
    assert np.bincount(corpus.documents, corpus.lengths).tolist() == pieces


def test_the_manifest_counts_what_was_read(prepared, sources):
    counts = prepared().manifest.counts
    assert (counts.documents, counts.empty_documents, counts.lines) == (17, 0, 57)
    assert (counts.given + counts.lost_given, counts.given) == (15, 10), "spans across lines are lost"


def test_given_spans_are_the_pieces_of_their_text(prepared, tokenizer, sources):
    corpus = prepared(block_pieces=510)
    blocks = corpus.gather(np.arange(corpus.blocks))
    starts = np.cumsum(blocks.lengths) - blocks.lengths
    found = [
        blocks.piece_ids[starts[row] + start : starts[row] + end].tolist()
        for row, start, end in zip(blocks.given.rows, blocks.given.starts, blocks.given.ends, strict=True)
    ]
    lines = (sources / "c.jsonl").read_text(encoding="utf-8").splitlines()
    words = [json.loads(line)["text"].split() for line in lines]
    expected = [word for text in words for word in (text[0], text[-1])]
    assert found == [tokenizer.encode(word).ids.tolist() for word in expected]


TEXT_LINES = st.lists(st.text(alphabet="ab  é的.\x00😀", max_size=60), max_size=12)


@given(lines=TEXT_LINES, block_pieces=st.integers(1, 12), shard_chars=st.integers(1, 80))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_is_dropped(tokenizer, tmp_path_factory, lines, block_pieces, shard_chars):
    folder = tmp_path_factory.mktemp("any")
    (folder / "a").mkdir()
    (folder / "a/a.txt").write_text("\n".join([*lines, "ab a"]), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "LONGEST_STRETCH", 40)
        told = CorpusSettings(block_pieces=block_pieces, shard_chars=shard_chars, workers=1)
        corpus = prepare([folder / "a"], tokenizer, folder / "out", told)
        expected = [piece for one in pieces_of_documents(tokenizer, folder / "a") for piece in one]
    assert corpus.gather(np.arange(corpus.blocks)).piece_ids.tolist() == expected
    assert 0 < corpus.lengths.min() <= corpus.lengths.max() <= block_pieces
    assert corpus.lengths.sum() == corpus.pieces == corpus.piece_counts.sum()
    counts = corpus.manifest.counts
    assert corpus.documents[-1] + 1 == counts.documents - counts.empty_documents


def test_several_processes_make_the_same_bytes(prepared, tmp_path, monkeypatch):
    prepared("one")
    monkeypatch.setattr("spanbert.pretraining.corpus.chunks.LONGEST_STRETCH", 300)
    prepared("two", workers=2)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_a_finished_corpus_is_opened_and_not_made_again(prepared, tmp_path):
    prepared()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "corpus").iterdir()}
    prepared(workers=2)
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "corpus").iterdir()}


def test_moved_sources_are_the_same_sources(prepared, sources, tokenizer, tmp_path):
    first = prepared()
    moved = sources.rename(tmp_path / "moved")
    again = prepare([moved], tokenizer, tmp_path / "corpus", CorpusSettings(block_pieces=30, shard_chars=900))
    assert again.fingerprint == first.fingerprint


def test_a_folder_of_another_tokenizer_settings_or_sources_is_refused(
    prepared, sources, cased_tokenizer, tmp_path
):
    prepared()
    before = contents(tmp_path / "corpus")
    told = CorpusSettings(block_pieces=30, shard_chars=900)
    with pytest.raises(SettingsError, match="prepared with another tokenizer; choose another folder"):
        prepare([sources], cased_tokenizer, tmp_path / "corpus", told)
    with pytest.raises(SettingsError, match=r"other settings \(block_pieces 30, now 31\)"):
        prepared(block_pieces=31)
    (sources / "d.txt").write_text("more", encoding="utf-8")
    with pytest.raises(DataError, match=r"a prepared corpus of other sources \(.*d.txt was not among them\)"):
        prepared()
    assert contents(tmp_path / "corpus") == before


@pytest.mark.parametrize("content", ["", "\n \n\n", "\x00\x00"])
def test_an_empty_corpus_is_an_error_that_leaves_nothing_behind(tokenizer, tmp_path, content):
    (tmp_path / "a.txt").write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=r"no text in .*a\.txt: there is nothing to train on"):
        prepare([tmp_path / "a.txt"], tokenizer, tmp_path / "out", CorpusSettings())
    assert list((tmp_path / "out").iterdir()) == []


def test_documents_without_pieces_are_counted(tokenizer, tmp_path):
    (tmp_path / "a.jsonl").write_text(
        "".join(json.dumps({"text": text}) + "\n" for text in ("", "paris", "\x00")), encoding="utf-8"
    )
    counts = prepare([tmp_path / "a.jsonl"], tokenizer, tmp_path / "out", CorpusSettings()).manifest.counts
    assert (counts.documents, counts.empty_documents, counts.blocks) == (3, 2, 1)


def test_progress_grows_to_the_whole(sources, tokenizer, tmp_path):
    told = []
    corpus = prepare(
        [sources], tokenizer, tmp_path / "out", CorpusSettings(shard_chars=900), progress=told.append
    )
    assert [one.stage for one in told[:3]] == ["hashing"] * 3
    cut = [one for one in told if one.stage == "tokenizing"]
    assert (cut[-1].done_bytes, cut[-1].pieces) == (cut[-1].total_bytes, corpus.pieces)
    assert cut[-1].shards == len(corpus.manifest.shards) == len(cut)
    assert all(one.done_bytes <= two.done_bytes for one, two in pairwise(cut))


def test_what_is_no_corpus_file_is_named_in_the_manifest(prepared, sources):
    (sources / "picture.png").write_bytes(b"")
    assert [re.sub(".*/", "", name) for name in prepared().manifest.passed_over] == ["picture.png"]


def test_a_run_waits_for_another_in_the_same_folder(prepared, sources, tokenizer, tmp_path, caplog):
    expected = prepared()
    folder, told, made = tmp_path / "shared", [], []

    def run():
        settings = CorpusSettings(block_pieces=30, shard_chars=900, workers=1)
        made.append(prepare([sources], tokenizer, folder, settings, progress=told.append))

    waiting = threading.Thread(target=run)
    with alone_in(folder):
        waiting.start()
        while "waiting for another run that prepares it" not in caplog.text:
            assert waiting.is_alive()
            waiting.join(0.05)
        shutil.copytree(expected.folder, folder, dirs_exist_ok=True)
    waiting.join()
    assert {one.stage for one in told} == {"hashing"}, "it takes what the other has written"
    assert contents(folder) == contents(expected.folder)
    assert made[0].pieces == expected.pieces


def test_memory_is_bounded_whatever_the_size_of_the_corpus(tokenizer, tmp_path):
    peaks = []
    settings = CorpusSettings(shard_chars=100_000, block_pieces=60, workers=1)
    for lines in (1_500, 4_500):
        path = tmp_path / f"{lines}.txt"
        path.write_text(("the river runs through the capital city of france, " * 12 + "\n") * lines)
        tracemalloc.start()
        prepare([path], tokenizer, tmp_path / f"corpus-{lines}", settings)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]
