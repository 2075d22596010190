"""A vocabulary learnt from files."""

import gzip
import subprocess
import sys

import pytest

from spanbert.checkpoint.vocabulary import read_tokenizer
from spanbert.errors import DataError, SettingsError
from spanbert.workflows.train_tokenizer import train_tokenizer

TEXT = "The lease ends in May.\nThe landlord lives in Paris.\n" * 20


@pytest.fixture
def corpus(tmp_path):
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "a.txt").write_text(TEXT, encoding="utf-8")
    with gzip.open(folder / "b.txt.gz", "wt", encoding="utf-8") as stream:
        stream.write("Grandmother knits woollen socks.\n" * 20)
    (folder / "c.md").write_text("# Elephants\n\nElephants remember.\n" * 20, encoding="utf-8")
    return folder


@pytest.mark.parametrize("lowercase", [True, False])
def test_every_file_counts(corpus, tmp_path, lowercase):
    made = train_tokenizer([corpus], tmp_path / "out", size=200, lowercase=lowercase)
    assert made.vocabulary_size <= 200
    again, _ = read_tokenizer(tmp_path / "out")
    assert again.lowercase == lowercase
    for word in ("Paris", "Grandmother", "Elephants"):
        assert again.unknown_id not in again.encode(word).ids
        assert (again.encode(word).ids == again.encode(word.lower()).ids).all() == lowercase


def test_bad_bytes_are_named_with_their_line(tmp_path):
    path = tmp_path / "bad.txt"
    path.write_bytes(b"fine\n\xff\xfe\xfd\n")
    with pytest.raises(DataError, match=r"bad\.txt:2"):
        train_tokenizer([path], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_nothing_to_learn_from(tmp_path):
    (tmp_path / "empty.txt").write_text("\n\n", encoding="utf-8")
    with pytest.raises(DataError, match="empty"):
        train_tokenizer([tmp_path / "empty.txt"], tmp_path / "out")
    with pytest.raises(SettingsError, match="size 3"):
        train_tokenizer([tmp_path / "empty.txt"], tmp_path / "out", size=3)


def test_one_file_need_not_stand_in_a_list(corpus, tmp_path):
    train_tokenizer(str(corpus), tmp_path / "one", size=120)
    train_tokenizer([corpus], tmp_path / "list", size=120)
    assert (tmp_path / "one/vocab.txt").read_bytes() == (tmp_path / "list/vocab.txt").read_bytes()


def test_the_command(corpus, tmp_path):
    command = [sys.executable, "-m", "spanbert", "tokenizer", str(corpus), "--output", str(tmp_path / "out")]
    done = subprocess.run(
        [*command, "--size", "150", "--uncased"], capture_output=True, text=True, check=True
    )
    assert "pieces" in done.stdout
    assert (tmp_path / "out" / "vocab.txt").exists()


def test_the_files_of_a_corpus_are_learnt_from_as_pretraining_reads_them(tmp_path, caplog):
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "a.jsonl").write_text('{"text": "Zebras graze.\\nZebras run."}\n' * 9, encoding="utf-8")
    (folder / "b.html").write_text("<p>Lions sleep.</p>" * 9, encoding="utf-8")
    (folder / "c.bin").write_bytes(b"\x00\x01")
    made = train_tokenizer([str(folder)], tmp_path / "out", size=120)
    for word in ("Zebras", "graze", "Lions", "sleep"):
        assert made.unknown_id not in made.encode(word).ids
    assert "text" not in made.backend.get_vocab()  # the field's name is no text
    assert f"passed over, no file of a corpus: {folder / 'c.bin'}" in caplog.text
    (folder / "d.jsonl").write_text('{"text": "fine"}\n{"txt": "lost"}\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"d\.jsonl:2"):
        train_tokenizer([str(folder)], tmp_path / "other")


def test_another_field_holds_the_text(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "wrong", "body": "Zebras graze."}\n' * 9, encoding="utf-8")
    made = train_tokenizer([path], tmp_path / "out", size=120, text_field="body")
    assert made.unknown_id not in made.encode("Zebras").ids
    with pytest.raises(DataError, match=r"no field 'boddy' .*--text-field"):
        train_tokenizer([path], tmp_path / "other", text_field="boddy")


def test_a_folder_of_a_model_or_tokenizer_is_not_written_over(corpus, tmp_path):
    train_tokenizer([corpus], tmp_path / "out", size=150)
    before = (tmp_path / "out" / "vocab.txt").read_bytes()
    with pytest.raises(SettingsError, match="holds a model or a tokenizer already"):
        train_tokenizer([corpus], tmp_path / "out", size=120)
    assert (tmp_path / "out" / "vocab.txt").read_bytes() == before


def test_folders_of_models_are_passed_over_and_named(corpus, tmp_path, caplog):
    train_tokenizer([corpus], tmp_path / "alone", size=200)
    (corpus / "model" / "run").mkdir(parents=True)
    for name in ("tokenizer.json", "vocab.txt", "run/metrics.jsonl"):
        (corpus / "model" / name).write_text('{"step": "qqqq"}\n' * 99, encoding="utf-8")
    train_tokenizer([corpus], tmp_path / "out", size=200)
    assert (tmp_path / "out/vocab.txt").read_bytes() == (tmp_path / "alone/vocab.txt").read_bytes()
    assert "passed over, no file of a corpus: " in caplog.text
