"""Bulk prediction: data in any format of the task in, JSONL out, as a stream in order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TextIO

from spanbert.errors import DataError, SettingsError, SpanbertError
from spanbert.tasks.contract import ReadsDocuments
from spanbert.text.files import count_lines, decoded_lines, gradual_write, json_objects
from spanbert.workflows.predict import Predictor

ONE_A_LINE = {".jsonl", ".jsonlines", ".csv", ".tsv", ".txt"}
"""Kinds of file in which an example is a line, where a .txt is not one document."""
OTHER_FORMATS = {".csv", ".tsv", ".parquet", ".xlsx", ".npy"}
"""Endings that would be wrong for what is written."""


def predict_file(predictor: Predictor, source: Path | IO[bytes], target: Path | TextIO) -> int:
    """Predict every item of a file or stream; memory stays bounded however long it is.

    A target file is written under the name `TARGET.part` and renamed when it is complete, so that a failure
    midway keeps what was done and never looks finished.

    Returns:
        How many predictions were written.

    Raises:
        SpanbertError: the target cannot be written, or its name says another format; or an item is wrong
            (file, line and remedy are named) and the predictions of all items before it are kept.
    """
    predictions = predictor.predict(_Examples(predictor, source))
    if not isinstance(target, Path):
        return _write(predictions, target)
    if target.is_dir():
        raise SettingsError(f"{target}: is a folder; name a file for the predictions")
    if target.suffix.lower() in OTHER_FORMATS:
        raise SettingsError(f"{target}: predictions are JSON lines; let the name end in .jsonl")
    if isinstance(source, Path) and source.exists() and target.exists() and source.samefile(target):
        raise SettingsError(f"{target}: is the file to be read; name another one for the predictions")
    written = 0
    with gradual_write(target) as stream:
        try:
            for prediction in predictions:
                stream.write(_line(prediction))
                written += 1
        except SpanbertError as error:
            kept = f" ({written} earlier predictions are in {target}.part)" if written else ""
            raise DataError(f"{error}{kept}") from error
    return written


@dataclass(frozen=True)
class _Examples:
    """Examples of a source, read once; about how many there are is known of files with one a line."""

    predictor: Predictor
    source: Path | IO[bytes]

    def __iter__(self) -> Iterator[Any]:
        task = self.predictor.task
        if isinstance(self.source, Path):
            yield from task.read(self.source)
            return
        for line, item in json_objects(decoded_lines(self.source, "standard input"), "standard input"):
            yield task.parse(item, "standard input", line)

    def __length_hint__(self) -> int:
        if not isinstance(self.source, Path) or not self.source.is_file():  # a pipe can be read only once
            return 0
        ending = Path(self.source.name.removesuffix(".gz")).suffix
        whole = ending == ".txt" and isinstance(self.predictor.task, ReadsDocuments)
        return (count_lines([self.source]) or 0) if ending in ONE_A_LINE and not whole else 0


def _write(predictions: Iterator[Any], stream: TextIO) -> int:
    written = 0
    for prediction in predictions:
        stream.write(_line(prediction))
        written += 1
    stream.flush()
    return written


def _line(prediction: Any) -> str:
    return json.dumps(prediction.to_json(), ensure_ascii=False) + "\n"
