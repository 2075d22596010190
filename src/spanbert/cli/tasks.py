"""`spanbert tasks`."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from spanbert.tasks import task_class, task_names


def tasks() -> None:
    """List tasks, their data formats and an example line of each."""
    console = Console(soft_wrap=True)
    for name in task_names():
        task = task_class(name)
        console.print(f"[bold]{name}[/bold]")
        console.print("  " + escape(task.data_formats).replace("\n", "\n  "))
        console.print("  settings:")
        for field, info in task.Settings.model_fields.items():
            console.print(f"    {field} = {info.default}  [dim]{escape(info.description or '')}[/dim]")
