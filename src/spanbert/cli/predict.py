"""`spanbert predict`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from rich.console import Console

from spanbert.cli.counted import counted
from spanbert.workflows.settings import by_field_name


def predict(
    task: str,
    *,
    model: str = "mini",
    source: Annotated[str, Parameter(name="--input", allow_leading_hyphen=True)] = "-",
    output: Annotated[str, Parameter(allow_leading_hyphen=True)] = "-",
    precision: Literal["float32", "bfloat16", "int8"] = "float32",
    task_settings: Annotated[dict[str, str] | None, Parameter(negative="")] = None,
    offline: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Run a model over a file's items; predictions are JSON, one a line, in order, with each item's id.

    Args:
        task: task of the model.
        model: a shipped name, a folder or a hub id.
        source: data file in any format of the task, or - for JSONL on standard input.
        output: file for the predictions, or - for standard output.
        precision: arithmetic of the matrix products.
        task_settings: settings of the task in place of the stored ones, as `--task-settings.NAME VALUE`; for
            question answering `--task-settings.no-answer-threshold=-inf` always gives an answer.
        offline: never go to the network.
    """
    from spanbert.workflows.predict import load
    from spanbert.workflows.predict_file import predict_file

    predictor = load(
        model, task, offline=offline, precision=precision, task_settings=by_field_name(task_settings)
    )
    console = Console(stderr=True, highlight=False)
    predictor.engine.track = lambda outputs, known: counted(outputs, "windows", known, console)
    written = predict_file(
        predictor,
        sys.stdin.buffer if source == "-" else Path(source),
        sys.stdout if output == "-" else Path(output),
    )
    if output != "-":
        console.print(f"wrote {written} predictions to {output}", markup=False, soft_wrap=True)
