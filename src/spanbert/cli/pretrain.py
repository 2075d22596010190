"""`spanbert pretrain`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from spanbert.cli.config_file import merged, read_config
from spanbert.cli.launched import is_main_process, leave_processes
from spanbert.cli.progress import duration, training_progress
from spanbert.cli.report_table import report_table
from spanbert.errors import SettingsError
from spanbert.workflows.settings import PretrainSettings, by_field_name

if TYPE_CHECKING:
    from spanbert.pretraining.corpus.prepare import PreparationProgress
    from spanbert.workflows.pretraining_plan import Plan


class ConfigFile(PretrainSettings):
    """Keys of a `--config` file; paths in it start from the working directory."""

    batch_tokens: int | None = None
    corpus: str | list[str] = ""
    output: str = ""
    model: str = ""
    preset: str = ""
    tokenizer: str = ""


def pretrain(
    *corpus: str,
    output: Path | None = None,
    model: str | None = None,
    preset: str | None = None,
    tokenizer: Path | None = None,
    batch_tokens: int | None = None,
    config: Path | None = None,
    resume: Annotated[bool, Parameter(negative="")] = False,
    plan: Annotated[bool, Parameter(negative="")] = False,
    offline: Annotated[bool, Parameter(negative="")] = False,
    settings: Annotated[PretrainSettings | None, Parameter(name="*")] = None,
) -> None:
    """Pretrain an encoder on unlabelled text by masking spans.

    Args:
        corpus: text files, folders, JSONL, Parquet (plain, .gz or .zst), or ids of hub data sets.
        output: folder of the model.
        model: what to continue: a shipped name, a folder, an archive or a hub id.
        preset: size of a new encoder instead (tiny, small, base, large), with --tokenizer.
        tokenizer: folder of the tokenizer; beside --model it may have another vocabulary than the model.
        batch_tokens: pieces in a batch, at least one sequence; the same as --batch-pieces.
        config: TOML file with these options as keys (corpus = ["FILE"]); flags win over it.
        resume: go on with the unfinished run in the output folder.
        plan: say what the run would take (parameters, memory, hours), and do not train.
        offline: never go to the network.
        settings: all further options.
    """
    from spanbert.workflows.pretrain import pretrain as workflow

    given: dict[str, Any] = {"corpus": list(corpus) or None, "output": output, "model": model}
    given |= {"preset": preset, "tokenizer": tokenizer, "batch_tokens": batch_tokens}
    flags: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if settings is not None:
        flags |= settings.model_dump(include=settings.model_fields_set)
    if "corpus_settings" in flags:
        flags["corpus_settings"] = by_field_name(flags["corpus_settings"])
    options = merged(read_config(config, ConfigFile) if config is not None else {}, flags)
    options = with_batch_pieces(options, flags)
    if not options.get("corpus") or "output" not in options:
        raise SettingsError(
            "say what to read and where to write: spanbert pretrain CORPUS... --output DIR "
            "(or the keys corpus and output in a --config file)"
        )
    named = options.pop("corpus")
    read = [named] if isinstance(named, str) else named
    target = options.pop("output")
    options |= {"offline": offline, "preparation": PreparationLine(Console(stderr=True, highlight=False))}
    if plan:
        if not is_main_process():
            return
        from spanbert.workflows.pretraining_plan import plan_pretraining

        Console().print(plan_table(plan_pretraining(read, target, **options)))
        return
    try:
        with training_progress() as listener:
            report = workflow(read, target, resume=resume, listeners=[listener], **options)
    except KeyboardInterrupt:
        if is_main_process():
            print("the same command with --resume goes on from the last resume point", file=sys.stderr)  # noqa: T201
        raise
    leave_processes()
    console = Console(quiet=not is_main_process())
    console.print(report_table(report))
    console.print(f"model: {target}", soft_wrap=True, markup=False)


def with_batch_pieces(options: dict[str, Any], flags: dict[str, Any]) -> dict[str, Any]:
    """The options with `batch_tokens` under its other name. Raises SettingsError where flags say both."""
    if flags.keys() >= {"batch_pieces", "batch_tokens"}:
        raise SettingsError("--batch-tokens and --batch-pieces mean the same; say one")
    batch = options.pop("batch_tokens", None)
    return options if batch is None or "batch_pieces" in flags else {**options, "batch_pieces": batch}


def plan_table(plan: Plan) -> Table:
    """Figures of a plan in words and units."""
    table = Table("plan", "value", title="pretraining")
    rows = {
        "corpus": f"{plan.corpus_pieces:,} pieces in {plan.blocks:,} blocks",
        "held out": f"{plan.held_out:,} blocks, for the validation loss",
        **({"pairs": f"{plan.pairs:,} sequences, half of them of two documents"} if plan.pairs else {}),
        "mean sequence": f"{plan.mean_length:.0f} pieces",
        "padding": f"0 % (packed; padded rows would waste {plan.padding_share:.0%})",
        "encoder": f"{plan.layers} layers of width {plan.width}, vocabulary of {plan.vocabulary:,} pieces",
        "parameters": f"{plan.parameters:,}",
        "operations": f"{plan.flops_a_piece / 1e6:,.0f} MFLOP a piece",
        "memory": f"{plan.memory_mib:,.0f} MiB",
        "updates": f"{plan.steps:,}",
        "speed here": f"{plan.pieces_a_second:,.0f} pieces/s (one trial update)",
        "time here": duration(3600 * plan.hours),
    }
    for name, value in rows.items():
        table.add_row(name, value)
    return table


LONG_TO_HASH = 1 << 32
"""Bytes of sources whose hashes take more than some seconds."""


class PreparationLine:
    """Says how far the preparation of a corpus is, a line for every tenth of each stage."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.said = ("", -1)

    def __call__(self, progress: PreparationProgress) -> None:
        """Hear of progress."""
        tenth = 10 * progress.done_bytes // max(progress.total_bytes, 1)
        quick = progress.stage == "hashing" and progress.total_bytes < LONG_TO_HASH
        if quick or (progress.stage, tenth) == self.said:
            return
        self.said = (progress.stage, tenth)
        done = " of the hashes" if progress.stage == "hashing" else f", {progress.pieces:,} pieces"
        self.console.print(f"preparing the corpus: {10 * tenth} %{done}", markup=False)
