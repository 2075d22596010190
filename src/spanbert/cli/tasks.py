"""`spanbert tasks`."""

from __future__ import annotations

import shlex

from rich.console import Console
from rich.markup import escape

from spanbert.errors import SettingsError
from spanbert.tasks import example_file, task_class, task_names


def tasks() -> None:
    """List tasks, their data formats, commands to try them and their settings."""
    console = Console(soft_wrap=True)
    for name in task_names():
        task = task_class(name)
        console.print(f"[bold]{name}[/bold]")
        console.print("  " + escape(task.data_formats).replace("\n", "\n  "))
        console.print("  try it:")
        for line in _trial(name):
            console.print(f"    {escape(line)}")
        console.print("  settings:")
        for field, info in task.Settings.model_fields.items():
            default = info.get_default(call_default_factory=True)
            console.print(f"    {field} = {default}  [dim]{escape(info.description or '')}[/dim]")


def _trial(name: str) -> list[str]:
    """Commands that run as they stand, on the five lines of the task's own example."""
    try:
        data = shlex.quote(str(example_file(name)))
    except SettingsError:  # of a plug-in
        data = "FILE"
    model = f"my-{name}"
    return [
        f"spanbert finetune {name} --train {data} --dev {data} --model mini --output {model} --steps 10",
        f"spanbert predict {name} --model {model} --input {data}",
    ]
