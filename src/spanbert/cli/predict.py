"""`spanbert predict`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from spanbert.workflows.predict import load
from spanbert.workflows.predict_file import predict_file


def predict(
    task: str,
    *,
    model: str = "mini",
    source: Annotated[str, Parameter(name="--input", allow_leading_hyphen=True)] = "-",
    output: Annotated[str, Parameter(allow_leading_hyphen=True)] = "-",
    precision: Literal["float32", "bfloat16", "int8"] = "float32",
    offline: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Run a model over items, one JSON object a line in and out, in order, keeping each item's id.

    Args:
        task: task of the model.
        model: a shipped name, a folder or a hub id.
        source: data file, or - for JSONL on standard input.
        output: file for the predictions, or - for standard output.
        precision: arithmetic of the matrix products.
        offline: never go to the network.
    """
    predictor = load(model, task, offline=offline, precision=precision)
    predict_file(
        predictor,
        sys.stdin.buffer if source == "-" else Path(source),
        sys.stdout if output == "-" else Path(output),
    )
