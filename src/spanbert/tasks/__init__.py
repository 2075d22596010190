"""The tasks by name. Values are import paths, so nothing loads until a task is asked for."""

from __future__ import annotations

import inspect
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from spanbert.errors import SettingsError

TASKS: dict[str, str] = {
    "entities": "spanbert.tasks.entities.task:Entities",
    "coreference": "spanbert.tasks.coreference.task:Coreference",
    "classification": "spanbert.tasks.classification.task:Classification",
    "fill-mask": "spanbert.tasks.fill_mask.task:FillMask",
    "question-answering": "spanbert.tasks.question_answering.task:QuestionAnswering",
    "relations": "spanbert.tasks.relations.task:Relations",
    "similarity": "spanbert.tasks.similarity.task:Similarity",
}


def task_names() -> list[str]:
    """Names of all tasks, those of installed plug-ins (entry-point group `spanbert.tasks`) included."""
    return sorted({*TASKS, *(point.name for point in entry_points(group="spanbert.tasks"))})


def task_class(name: str) -> Any:
    """The class of a task.

    Raises:
        SettingsError: no task has this name.
    """
    if name in TASKS:
        module, _, attribute = TASKS[name].partition(":")
        return getattr(import_module(module), attribute)
    for point in entry_points(group="spanbert.tasks", name=name):
        return point.load()
    raise SettingsError(f"unknown task {name!r}: choose one of {', '.join(task_names())}")


def example_file(name: str) -> Path:
    """A small data file of a task: five lines in its JSONL form, with gold.

    Raises:
        SettingsError: no task has this name, or a plug-in brings no such file.
    """
    path = Path(inspect.getfile(task_class(name))).with_name("example.jsonl")
    if not path.is_file():
        raise SettingsError(f"the task {name} brings no example.jsonl")
    return path
