"""Learn a WordPiece vocabulary from files: text in, a tokenizer folder out."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

from spanbert.errors import SettingsError, SpanbertError
from spanbert.pretraining.corpus.hub import is_hub_id
from spanbert.pretraining.corpus.settings import CorpusSettings
from spanbert.pretraining.corpus.sources import (
    KINDS,
    TOKENIZER,
    Source,
    files_of_folder,
    find_sources,
    kind,
)
from spanbert.text.documents import KINDS as DOCUMENTS
from spanbert.text.documents import read_document
from spanbert.text.files import make_folder
from spanbert.text.tokenizer import SPECIAL_PIECES, Tokenizer

STREAMED = KINDS.keys() - {".md"}
"""Endings that are read as a corpus is, line by line; others as documents."""
READ = STREAMED | DOCUMENTS.keys()


def train_tokenizer(
    corpus: str | Path | Iterable[str | Path],
    output: str | Path,
    *,
    size: int = 30000,
    lowercase: bool = False,
    text_field: str = "text",
    split: str = "train",
    offline: bool = False,
) -> Tokenizer:
    """Learn a vocabulary and write it as `tokenizer.json`, `vocab.txt` and `tokenizer_config.json`.

    Text, JSONL and Parquet are streamed, so a corpus may be larger than memory.

    Args:
        corpus: files and folders of every kind that `spanbert pretrain` or `spanbert ask` reads, and hub ids;
            one or several.
        output: folder for the tokenizer.
        size: pieces at most, special ones included.
        lowercase: make it uncased.
        text_field: of JSONL objects, or column of Parquet tables, that holds the text.
        split: part of a data set on the hub.
        offline: take hub ids from the cache only.

    Raises:
        SettingsError: `size` leaves no room, or the folder holds a model or a tokenizer.
        DataError: a file cannot be read (the message names file and line), or there is no text.
    """
    if size <= len(SPECIAL_PIECES):
        raise SettingsError(f"size {size} leaves no room beside {len(SPECIAL_PIECES)} special pieces")
    if any((Path(output) / name).exists() for name in ("config.json", TOKENIZER)):
        raise SettingsError(f"{output}: holds a model or a tokenizer already; choose another --output")
    reading = CorpusSettings(text_field=text_field, split=split)
    sources = [corpus] if isinstance(corpus, str | Path) else corpus
    texts = _texts(sources, Path(output), reading, offline=offline)
    tokenizer = Tokenizer.train(texts, size=size, lowercase=lowercase)
    make_folder(Path(output))
    tokenizer.save(Path(output))
    return tokenizer


def _texts(
    corpus: Iterable[str | Path], output: Path, reading: CorpusSettings, *, offline: bool
) -> Iterator[str]:
    for name in corpus:
        path = Path(name)
        if path.is_dir():
            for file in files_of_folder(path, {output.resolve()}):
                if not file.is_file() or kind(file) not in READ:
                    logging.getLogger(__name__).warning("passed over, no file of a corpus: %s", file)
                    continue
                try:
                    yield from _text(file, reading)
                except SpanbertError as error:
                    if kind(file) in STREAMED:
                        raise
                    logging.getLogger(__name__).warning("passed over: %s", error)
        elif not path.exists() and isinstance(name, str) and is_hub_id(name):
            found, _ = find_sources([name], reading, leave_out=(output,), offline=offline)
            for source in found:
                yield from (stretch.text for stretch in source.stretches(reading))
        else:
            yield from _text(path, reading)


def _text(file: Path, reading: CorpusSettings) -> Iterator[str]:
    if kind(file) in STREAMED and file.is_file():
        source = Source(file, str(file), file.stat().st_size)
        yield from (stretch.text for stretch in source.stretches(reading))
    else:
        yield from read_document(file).text.splitlines()
