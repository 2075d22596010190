"""`spanbert convert`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from rich.console import Console
from rich.markup import escape


def convert(
    source: str,
    /,
    *,
    output: Path,
    task: str | None = None,
    vocab: Path | None = None,
    lowercase: Annotated[bool | None, Parameter(negative="--no-lowercase")] = None,
    dtype: Literal["float32", "float16", "bfloat16"] = "float32",
    force: bool = False,
    offline: bool = False,
) -> None:
    """Write a checkpoint of any known form as a plain Hugging Face folder.

    Args:
        source: a shipped name, a folder, an archive, a weights file or a hub id.
        output: the new folder.
        task: keep the head of this task alone.
        vocab: vocab.txt or tokenizer.json, where the source has none.
        lowercase: whether text is lower-cased (an uncased model); what the files say when left out.
        dtype: number type of the written weights.
        force: replace a model folder that stands there.
        offline: never go to the network.
    """
    from spanbert.workflows.convert import convert as workflow

    made = workflow(
        source,
        output,
        task=task,
        vocabulary=vocab,
        lowercase=lowercase,
        dtype=dtype,
        force=force,
        offline=offline,
    )
    messages = Console(stderr=True, soft_wrap=True, highlight=False)
    for note in made.notes:
        messages.print(f"[cyan]note[/cyan] {escape(note)}")
    heads = f", heads: {', '.join(made.heads)}" if made.heads else ", no heads"
    Console(soft_wrap=True, highlight=False).print(f"{escape(str(made.path))}: {made.architecture}{heads}")
