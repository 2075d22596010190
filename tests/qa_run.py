"""A tiny question-answering run in a process of its own, told when to die or to fail."""

import multiprocessing
import os
import resource
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import torch

from spanbert.errors import SpanbertError
from spanbert.workflows.finetune import finetune

SETTINGS = {
    "steps": 12,
    "evaluations": 4,
    "save_every": 5,
    "batch_pieces": 128,
    "learning_rate": 3e-3,
    "dropout": 0.2,
    "task_settings": {"window_pieces": 96, "contrast": 0.5},
}


PRELOADED = [
    "spanbert.workflows.finetune",
    "torch._dynamo",
    "matplotlib.figure",
    "matplotlib.backends.backend_agg",
]


class Killer:
    """Ends the process without a word at one moment of the run."""

    def __init__(self, moment: str, step: int) -> None:
        self.moment, self.step = moment, step

    def _at(self, moment: str, step: int) -> None:
        if (moment, step) == (self.moment, self.step):
            os.kill(os.getpid(), signal.SIGKILL)

    def started(self, step, steps):
        self._at("started", step)

    def updated(self, record):
        self._at("updated", record.step)

    def evaluated(self, step, report, best):
        self._at("evaluated", step)

    def ended(self, step, reason):
        self._at("ended", step)


def die_inside_save(step: int) -> None:
    """Half a resume point is on the disk when the process dies."""
    whole = torch.save

    def half(state, stream):
        if state["step"] == step:
            stream.write(b"half of it")
            stream.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        whole(state, stream)

    torch.save = half


@dataclass
class Ended:
    """How a run ended."""

    returncode: int
    message: str


def start(data: Path, output: Path, **options) -> Ended:
    """Run to the end or the death of the process; the server has imported all before it forks.

    Options: `kill` (moment, step), `largest_file` in bytes, `resume`, `settings`.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    messages = output.with_name(f"{output.name}.stderr")
    process = context.Process(target=_run, args=(data, output, messages, options))
    process.start()
    process.join()
    return Ended(process.exitcode, messages.read_text(encoding="utf-8"))


def _run(data: Path, output: Path, messages: Path, options: dict) -> None:
    sys.stderr = messages.open("w", encoding="utf-8", buffering=1)
    torch.set_num_threads(1)
    moment, step = options.get("kill", ("never", 0))
    if moment == "save":
        die_inside_save(step)
    if "largest_file" in options:
        resource.setrlimit(resource.RLIMIT_FSIZE, (options["largest_file"],) * 2)
    try:
        finetune(
            "question-answering",
            train=data / "train.jsonl",
            dev=data / "dev.jsonl",
            model=data / "start",
            output=output,
            resume=options.get("resume", False),
            listeners=[Killer(moment, step)],
            **{**SETTINGS, **options.get("settings", {})},
        )
    except SpanbertError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
