"""Learn a WordPiece vocabulary from files: text in, a tokenizer folder out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from spanbert.errors import SettingsError
from spanbert.text.documents import Skipped, read_documents
from spanbert.text.files import make_folder, read_lines
from spanbert.text.tokenizer import SPECIAL_PIECES, Tokenizer

PLAIN = ("", ".txt")


def train_tokenizer(
    corpus: Iterable[str | Path], output: str | Path, *, size: int = 30000, lowercase: bool = False
) -> Tokenizer:
    """Learn a vocabulary and write it as `tokenizer.json`, `vocab.txt` and `tokenizer_config.json`.

    Plain text is read line by line, so a corpus may be larger than memory.

    Args:
        corpus: files and folders of every kind that `spanbert ask` reads.
        output: folder for the tokenizer.
        size: pieces at most, special ones included.
        lowercase: make it uncased.

    Raises:
        SettingsError: `size` leaves no room.
        DataError: a file cannot be read (the message names file and line), or there is no text.
    """
    if size <= len(SPECIAL_PIECES):
        raise SettingsError(f"size {size} leaves no room beside {len(SPECIAL_PIECES)} special pieces")
    tokenizer = Tokenizer.train(_texts(map(Path, corpus)), size=size, lowercase=lowercase)
    make_folder(Path(output))
    tokenizer.save(Path(output))
    return tokenizer


def _texts(paths: Iterable[Path]) -> Iterator[str]:
    for path in paths:
        if path.is_file() and Path(path.stem if path.suffix == ".gz" else path).suffix in PLAIN:
            yield from (line for _, line in read_lines(path))
        else:
            for document in read_documents([path]):
                if not isinstance(document, Skipped):
                    yield from document.text.splitlines()
