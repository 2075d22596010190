"""PDF files: the text of their pages."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from spanbert.errors import DataError, MissingExtraError
from spanbert.text.documents.document import Document

PAGE_GAP = "\n\n"


def read(raw: bytes, path: Path) -> Document:
    """Text of all pages in order, parted by an empty line. Pages without text are counted in the notes.

    Raises:
        DataError: the file is broken, encrypted, or no page holds text.
        MissingExtraError: pypdf is not installed.
    """
    try:
        import pypdf
    except ImportError:
        raise MissingExtraError("reading PDF files", "documents") from None
    texts = []
    with _quiet():
        try:
            pdf = pypdf.PdfReader(io.BytesIO(raw))
            texts = [_page_text(page) for page in pdf.pages]
        except (pypdf.errors.FileNotDecryptedError, pypdf.errors.DependencyError):
            raise DataError("the PDF is encrypted; save it without a password", path) from None
        except Exception as error:  # the parser fails in many ways on broken files
            reason = " ".join(str(error).split()) or type(error).__name__
            raise DataError(f"cannot be read as PDF ({reason})", path) from None
    empty = sum(not text.strip() for text in texts)
    if empty == len(texts):
        raise DataError(
            f"none of the {len(texts)} pages holds text; scanned pages need text recognition first", path
        )
    pages, length = [], 0
    for text in texts:
        pages.append(length)
        length += len(text) + len(PAGE_GAP)
    notes = (f"{empty} of {len(texts)} pages hold no text (scanned?)",) if empty else ()
    return Document(path, PAGE_GAP.join(texts), pages=pages, line_marks=(), notes=notes)


def _page_text(page: Any) -> str:
    # fonts with broken tables give lone surrogates, which are no text
    text: str = page.extract_text()
    return text.encode("utf-8", "replace").decode("utf-8")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the parser's remarks on slightly wrong files off the terminal."""
    logger = logging.getLogger("pypdf")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
