"""Files and folders cut into passages and indexed once, then searched with any number of questions."""

from __future__ import annotations

import zlib
from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from spanbert.errors import DataError
from spanbert.text.documents import Document, Skipped, read_document, read_documents
from spanbert.text.passages import Passage, passages
from spanbert.text.ranking import PassageIndex
from spanbert.text.spans import Span

T = TypeVar("T")
Track = Callable[[Iterable[T], str, int | None], Iterable[T]]
"""Passes items on and shows how far they are: (items, what is done, how many there are if known)."""
KEPT_CHARS = 50_000_000
"""Texts of files asked lately stay in memory up to this many characters."""


def untracked(items: Iterable[T], _what: str, _total: int | None) -> Iterable[T]:
    """Show nothing."""
    return items


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    checksum: int  # of its text, to notice when the file changes


class DocumentIndex:
    """Passages of files and folders, found by words.

    In memory are word counts and the places of the passages; a text is read again from its file when one of
    its passages is wanted, so the index of a large folder stays smaller than the folder.

    Args:
        paths: files and folders.
        track: shows progress.
        question: the only question that will be asked; takes less memory.

    Raises:
        DataError: a named file cannot be read, or nothing readable is found; the message says why.
        MissingExtraError: a named file needs a package that is not installed.
    """

    def __init__(
        self,
        paths: str | Path | Iterable[str | Path],
        track: Track[Document | Skipped] = untracked,
        question: str | None = None,
    ) -> None:
        self.skipped: list[Skipped] = []
        """Files of folders that were not read."""
        self.notes: list[Skipped] = []
        """Files that were read in part."""
        self._files: list[_File] = []
        self._file_numbers, self._starts, self._ends = array("q"), array("q"), array("q")
        self._kept: OrderedDict[int, Document] = OrderedDict()
        self._kept_chars = 0
        listed = [Path(path) for path in ([paths] if isinstance(paths, str | Path) else paths)]
        self._index = PassageIndex(self._texts(track(read_documents(listed), "reading", None)), question)
        if not self._files:
            raise DataError(self._nothing_found(listed))

    @property
    def document_count(self) -> int:
        """Files that were read."""
        return len(self._files)

    def __len__(self) -> int:
        """How many passages there are."""
        return len(self._index)

    def search(self, question: str, top: int) -> list[Passage]:
        """The `top` passages that share most with a question, best first.

        Raises:
            DataError: a file has changed since it was indexed.
        """
        return [self._passage(number) for number, _ in self._index.rank(question, top)]

    def _texts(self, documents: Iterable[Document | Skipped]) -> Iterator[str]:
        for document in documents:
            if isinstance(document, Skipped):
                self.skipped.append(document)
                continue
            number = len(self._files)
            self._files.append(_File(document.path, _checksum(document)))
            self.notes += [Skipped(document.path, note) for note in document.notes]
            self._keep(number, document)
            for passage in passages(document):
                self._file_numbers.append(number)
                self._starts.append(passage.chars.start)
                self._ends.append(passage.chars.end)
                yield passage.text

    def _passage(self, number: int) -> Passage:
        document = self._document(self._file_numbers[number])
        return Passage(document, Span(self._starts[number], self._ends[number]))

    def _document(self, number: int) -> Document:
        if number in self._kept:
            self._kept.move_to_end(number)
            return self._kept[number]
        file = self._files[number]
        document = read_document(file.path)
        if _checksum(document) != file.checksum:
            raise DataError("the file changed while it was being read; ask again", file.path)
        self._keep(number, document)
        return document

    def _keep(self, number: int, document: Document) -> None:
        self._kept[number] = document
        self._kept_chars += len(document.text)
        while self._kept_chars > KEPT_CHARS and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._kept_chars -= len(oldest.text)

    def _nothing_found(self, paths: Sequence[Path]) -> str:
        reasons = [f"{item.path}: {item.reason}" for item in self.skipped[:2]]
        more = f" and {len(self.skipped) - 2} more" if len(self.skipped) > 2 else ""
        places = ", ".join(map(str, paths[:3])) + (" ..." if len(paths) > 3 else "")
        return f"no readable document in {places}" + (f" ({'; '.join(reasons)}{more})" if reasons else "")


def _checksum(document: Document) -> int:
    return zlib.crc32(document.text.encode("utf-8", "surrogatepass"))
