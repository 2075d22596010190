"""Errors that the user can mend. Each message is one line that names the place and the remedy.

The command line prints such a message and exits with code 2; any other exception is a fault of ours (code 1).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class SpanbertError(Exception):
    """Base of every error whose cause is the user's input, settings or machine."""


class DataError(SpanbertError):
    """A file's content is not what its format asks for."""

    def __init__(self, message: str, path: str | Path | None = None, line: int | None = None) -> None:
        place = "" if path is None else f"{path}: " if line is None else f"{path}:{line}: "
        super().__init__(place + message)
        self.path = path
        self.line = line


@contextmanager
def about(what: str) -> Iterator[None]:
    """Put what it is about before the message of a DataError that comes out of the block."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{what}: {error}") from None


class SettingsError(SpanbertError):
    """Settings contradict each other or are out of range."""


class CheckpointError(SpanbertError):
    """A model folder, archive or hub id cannot be loaded as asked."""


class MissingExtraError(SpanbertError):
    """A feature needs an optional dependency that is not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs an optional package: pip install 'spanbert[{extra}]'")
        self.extra = extra


class MainProcessError(SpanbertError):
    """The main process of a run stopped with this message, which it shows itself."""


class TrainingError(SpanbertError):
    """Training cannot go on (a loss that is not a number, no data, a full disk)."""
