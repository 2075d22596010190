"""What a user names as a corpus, as the list of files to read."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from spanbert.errors import DataError
from spanbert.pretraining.corpus.hub import hub_files, is_hub_id
from spanbert.pretraining.corpus.reading import Stretch
from spanbert.pretraining.corpus.settings import CorpusSettings
from spanbert.pretraining.corpus.unpacking import PACKED

KINDS: dict[str, str] = {
    "": "spanbert.pretraining.corpus.reading:read_text",
    ".txt": "spanbert.pretraining.corpus.reading:read_text",
    ".md": "spanbert.pretraining.corpus.reading:read_text",
    ".jsonl": "spanbert.pretraining.corpus.reading:read_jsonl",
    ".ndjson": "spanbert.pretraining.corpus.reading:read_jsonl",
    ".parquet": "spanbert.pretraining.corpus.parquet:read_parquet",
}
"""Ending of a file's name, after .gz or .zst -> "module:function" of (path, settings)."""
TOKENIZER = "tokenizer.json"
"""A folder with this file is that of a tokenizer or of a model."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file of a corpus.

    Args:
        path: where it is.
        name: as it is shown.
        bytes: size on disk.
    """

    path: Path
    name: str
    bytes: int

    def stretches(self, settings: CorpusSettings) -> Iterator[Stretch]:
        """Its text, as a stream.

        Raises:
            DataError: it cannot be read as what its name says.
            MissingExtraError: that takes an optional package.
        """
        module, _, function = KINDS[kind(self.path)].partition(":")
        read: Callable[[Path, CorpusSettings], Iterator[Stretch]] = getattr(import_module(module), function)
        return read(self.path, settings)

    def sha256(self) -> str:
        """Hash of the file as it lies on disk.

        Raises:
            DataError: it cannot be read.
        """
        try:
            with self.path.open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise DataError(f"cannot be read ({error.strerror})", self.path) from None


def kind(path: Path) -> str:
    """The ending of a file's name that says how to read it."""
    return (path.with_suffix("") if path.suffix in PACKED else path).suffix.lower()


def find_sources(
    names: Sequence[str | Path], settings: CorpusSettings, *, leave_out: Sequence[Path], offline: bool
) -> tuple[list[Source], list[str]]:
    """Files, the files of folders in the order of their names, and those of data sets on the hub; each once.

    Args:
        names: files, folders and hub ids (`owner/name`, also `owner/name@revision:folder`). What exists on
            disk is never taken for a hub id, nor is a path object.
        settings: for the split of a hub data set.
        leave_out: folders that are not looked into.
        offline: take hub ids from the cache only.

    Returns:
        The files, and what was passed over in the folders: files of other kinds, folders of models and
        tokenizers, links to folders. Hidden files and folders are left out unnamed.

    Raises:
        DataError: a name is neither file nor folder nor hub id, a file that was named itself is of no known
            kind, a folder is unreadable, or there is no file at all.
    """
    found: dict[Path, Source] = {}
    passed_over: list[str] = []
    for name in names:
        for path, shown, is_named in _files(name, settings, {one.resolve() for one in leave_out}, offline):
            if kind(path) not in KINDS or not path.is_file():
                if is_named:
                    raise DataError(_no_corpus(path), shown)
                passed_over.append(shown)
            else:  # links are not followed: the hub cache has one file for equal files of a data set
                found.setdefault(path.absolute(), Source(path, shown, path.stat().st_size))
    if not found:
        raise DataError(
            f"no file of a corpus in {', '.join(map(str, names)) or 'no sources at all'}; "
            f"files are read that are named {_known()}"
        )
    return list(found.values()), passed_over


def _files(
    name: str | Path, settings: CorpusSettings, leave_out: set[Path], offline: bool
) -> Iterator[tuple[Path, str, bool]]:
    path = Path(name).expanduser()
    if path.is_dir():
        yield from ((file, str(file), False) for file in files_of_folder(path, leave_out))
    elif not path.exists() and isinstance(name, str) and is_hub_id(name):
        hub_id = name.partition(":")[0].partition("@")[0]
        for file, shown in hub_files(name, lambda file: kind(Path(file)) in KINDS, settings.split, offline):
            yield file, f"{hub_id}/{shown}", False
    else:
        yield path, str(name), True


def files_of_folder(folder: Path, leave_out: set[Path]) -> Iterator[Path]:
    """Files of a folder and those below it, in the order of their names, hidden ones left out.

    Folders that are not looked into (of a model or tokenizer, and links to folders, which may lead in a
    circle) come themselves, so that they can be told of.

    Args:
        folder: where to look.
        leave_out: folders that are passed over without a word, as real paths.

    Raises:
        DataError: a folder is unreadable.
    """

    def refuse(error: OSError) -> None:
        raise DataError(f"this folder cannot be read ({error.strerror})", error.filename)

    for place, folders, names in os.walk(folder, onerror=refuse, followlinks=False):
        if TOKENIZER in names and Path(place) != folder:  # its vocabulary and card are no text to learn from
            folders.clear()
            yield Path(place)
            continue
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and Path(place, name).resolve() not in leave_out
        )
        yield from (Path(place, name) for name in sorted(names) if not name.startswith("."))
        yield from (Path(place, name) for name in folders if Path(place, name).is_symlink())


def _no_corpus(path: Path) -> str:
    if not path.exists():
        return "no such file or folder"
    if not path.is_file():
        return "this is no regular file; unpack or copy it to one"
    return (
        f"files named {kind(path)} are not read (known: {_known()}); rename plain text to .txt or convert it"
    )


def _known() -> str:
    return f"{' '.join(filter(None, KINDS))}, also with {' '.join(PACKED)} behind"
