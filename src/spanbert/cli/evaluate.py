"""`spanbert evaluate`."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from rich.console import Console

from spanbert.cli.counted import counted
from spanbert.cli.report_table import report_table
from spanbert.workflows.settings import by_field_name


def evaluate(
    task: str,
    /,
    *,
    model: str = "mini",
    data: Path,
    output: Path | None = None,
    precision: Literal["float32", "bfloat16", "int8"] = "float32",
    task_settings: Annotated[dict[str, str] | None, Parameter(negative="")] = None,
    training_data: Path | None = None,
    offline: Annotated[bool, Parameter(negative="")] = False,
    json_output: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> None:
    """Score a model on labelled data.

    Args:
        task: what the model was trained for.
        model: a shipped name, a folder or a hub id.
        data: file with gold.
        output: folder for report.json, predictions.jsonl, for question answering predictions.json in the form
            of the official scripts, for tasks that confuse labels confusion.png, and for tasks of spans
            report.html, the error analysis.
        precision: arithmetic of the matrix products.
        task_settings: settings of the task in place of the stored ones, as `--task-settings.NAME VALUE`; for
            question answering `--task-settings.no-answer-threshold=-inf` always gives an answer.
        training_data: what the model was trained on; the error analysis then tells how often training saw the
            gold.
        offline: never go to the network.
        json_output: print one JSON object on standard output and nothing else.
    """
    from spanbert.workflows.evaluate import evaluate as workflow

    evaluation = workflow(
        task,
        model=model,
        data=data,
        output=output,
        offline=offline,
        precision=precision,
        task_settings=by_field_name(task_settings),
        training_data=training_data,
        command=shlex.join(["spanbert", *sys.argv[1:]]),
        track=lambda outputs, total: counted(outputs, "windows", total),
    )
    if json_output:
        print(json.dumps(evaluation.to_json(), ensure_ascii=False))  # noqa: T201
        return
    console = Console()
    console.print(report_table(evaluation.report))
    console.print(
        f"{evaluation.seconds:.1f} s, {evaluation.pieces:,} pieces, "
        f"{evaluation.pieces / max(evaluation.seconds, 1e-9):,.0f} pieces/s"
    )
