"""The small JSON files of a model folder, each one object."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from spanbert.errors import CheckpointError, DataError
from spanbert.text.files import read_json


def json_object(path: Path) -> dict[str, Any]:
    """The object that a file holds.

    Raises:
        CheckpointError: the file cannot be read, is broken JSON or holds something else.
    """
    try:
        value = read_json(path)
    except DataError as error:
        raise CheckpointError(str(error)) from error
    if not isinstance(value, dict):
        raise CheckpointError(f"{path}: a JSON object is needed, found {str(value)[:40]}")
    return value
