"""Bulk prediction: JSONL in, JSONL out, as a stream in order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, TextIO

from spanbert.errors import DataError, SettingsError, SpanbertError
from spanbert.text.files import decoded_lines, gradual_write, json_objects
from spanbert.workflows.predict import Predictor


def predict_file(predictor: Predictor, source: Path | IO[bytes], target: Path | TextIO) -> int:
    """Predict every item of a file or stream; memory stays bounded however long it is.

    A target file is written under the name `TARGET.part` and renamed when it is complete, so that a failure
    midway keeps what was done and never looks finished.

    Returns:
        How many predictions were written.

    Raises:
        SpanbertError: the target cannot be written; or an item is wrong (file, line and remedy are named) and
            the predictions of all items before it are kept.
    """
    predictions = predictor.predict(_examples(predictor, source))
    if not isinstance(target, Path):
        return _write(predictions, target)
    if target.is_dir():
        raise SettingsError(f"{target}: is a folder; name a file for the predictions")
    written = 0
    with gradual_write(target) as stream:
        try:
            for prediction in predictions:
                stream.write(_line(prediction))
                written += 1
        except SpanbertError as error:
            raise DataError(f"{error} ({written} earlier predictions are in {target}.part)") from error
    return written


def _examples(predictor: Predictor, source: Path | IO[bytes]) -> Iterator[Any]:
    if isinstance(source, Path):
        yield from predictor.task.read(source)
        return
    for line, item in json_objects(decoded_lines(source, "standard input"), "standard input"):
        yield predictor.task.parse(item, "standard input", line)


def _write(predictions: Iterator[Any], stream: TextIO) -> int:
    written = 0
    for prediction in predictions:
        stream.write(_line(prediction))
        written += 1
    stream.flush()
    return written


def _line(prediction: Any) -> str:
    return json.dumps(prediction.to_json(), ensure_ascii=False) + "\n"
