"""Users' files and folders as documents. A kind of file is one line of `KINDS` and one `read` function."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from pathlib import Path

from spanbert.errors import DataError, SpanbertError
from spanbert.text.documents.document import Document, Skipped
from spanbert.text.files import read_bytes

__all__ = ["KINDS", "Document", "Skipped", "read_document", "read_documents"]

KINDS: dict[str, str] = {
    "": "spanbert.text.documents.plain:read",
    ".txt": "spanbert.text.documents.plain:read",
    ".md": "spanbert.text.documents.plain:read_marked",
    ".rst": "spanbert.text.documents.plain:read_marked",
    ".html": "spanbert.text.documents.html:read",
    ".htm": "spanbert.text.documents.html:read",
    ".pdf": "spanbert.text.documents.pdf:read",
    ".docx": "spanbert.text.documents.docx:read",
}
"""Ending of the file name (none: plain text, as README often is) -> "module:function" of (bytes, path)."""


def read_document(path: Path) -> Document:
    """One file as a document; a name that ends in .gz is unpacked first.

    Raises:
        DataError: the file is missing, of no known kind, broken, or holds no text.
        MissingExtraError: its kind needs a package that is not installed.
    """
    kind = _kind(path)
    if kind not in KINDS and path.is_file():
        known = " ".join(filter(None, KINDS))
        raise DataError(
            f"files named {kind} are not read (known: {known}); rename plain text to .txt or convert it", path
        )
    raw = read_bytes(path)
    if not raw.strip():
        raise DataError("the file is empty", path)
    module, _, function = KINDS[kind].partition(":")
    read: Callable[[bytes, Path], Document] = getattr(import_module(module), function)
    document = read(raw, path)
    if not document.text.strip():
        raise DataError("the file holds no text", path)
    return document


def read_documents(paths: Iterable[Path]) -> Iterator[Document | Skipped]:
    """Files, and the files of folders in the order of their names, one at a time; each file once.

    Of a folder, files that cannot be read come as `Skipped`; hidden files and folders are passed over.

    Raises:
        DataError, MissingExtraError: as `read_document`, for a file that was named itself.
    """
    seen: set[Path] = set()
    for path in paths:
        for found in _files(path) if path.is_dir() else [path]:
            if isinstance(found, Skipped):
                yield found
            elif (real := found.resolve()) not in seen:
                seen.add(real)
                yield read_document(found) if found is path else _read_or_skip(found)


def _kind(path: Path) -> str:
    name = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    return name.suffix.lower()


def _read_or_skip(path: Path) -> Document | Skipped:
    if not path.is_file():
        return Skipped(path, "not a regular file")
    if _kind(path) not in KINDS:
        return Skipped(path, f"files named {_kind(path)} are not read")
    try:
        return read_document(path)
    except SpanbertError as error:
        return Skipped(path, str(error).removeprefix(f"{path}: ").replace(f"{path}:", "line ", 1))


def _files(folder: Path) -> Iterator[Path | Skipped]:
    unread: list[OSError] = []
    for place, folders, names in os.walk(folder, onerror=unread.append):
        links = [name for name in folders if Path(place, name).is_symlink()]
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in links)
        for name in sorted(names):
            if not name.startswith("."):
                yield Path(place, name)
        for name in sorted(links):
            yield Skipped(Path(place, name), "a link to a folder is not followed")
    for error in unread:
        yield Skipped(Path(error.filename), f"cannot be read ({error.strerror})")
