"""Several processes at once with what `torchrun` tells them, but without importing all anew in each."""

import multiprocessing
import os
import signal
import socket
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import torch

from qa_run import PRELOADED
from spanbert.cli.main import run


@dataclass
class Ended:
    """How one process ended: exit code (negative for a signal), and what it wrote."""

    code: int
    out: str
    err: str


class Launch:
    """Processes with the environment that a launcher gives them.

    Args:
        folder: for their output.
        count: how many.
        arguments: of the command.
        command: gives the exit code; `spanbert` when left out.
    """

    def __init__(self, folder: Path, count: int, arguments: list, command=run) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([*PRELOADED, "spanbert.workflows.pretrain", "spanbert.cli.main"])
        folder.mkdir(parents=True, exist_ok=True)
        self.outputs = [folder / str(number) for number in range(count)]
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        arguments = [str(argument) for argument in arguments]
        self.processes = [
            context.Process(target=_run, args=(number, count, port, self.outputs[number], command, arguments))
            for number in range(count)
        ]
        for process in self.processes:
            process.start()

    def kill(self, number: int) -> None:
        os.kill(self.processes[number].pid, signal.SIGKILL)

    def ended(self, seconds: float = 600) -> list[Ended]:
        """Wait for all; those that hang are killed and fail the test."""
        for process in self.processes:
            process.join(seconds)
        hanging = [number for number, process in enumerate(self.processes) if process.is_alive()]
        for number in hanging:
            self.kill(number)
        found = [
            Ended(process.exitcode, *(Path(f"{path}.{name}").read_text() for name in ("out", "err")))
            for process, path in zip(self.processes, self.outputs, strict=True)
        ]
        assert not hanging, found
        return found


def _run(number: int, count: int, port: int, output: Path, command, arguments: list[str]) -> None:
    if count > 1:
        names = {"RANK": number, "LOCAL_RANK": number, "WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count}
        names |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": 1}
        os.environ |= {name: str(value) for name, value in names.items()}
    torch.set_num_threads(1)
    with ExitStack() as stack:
        sys.stdout = stack.enter_context(Path(f"{output}.out").open("w", buffering=1))
        sys.stderr = stack.enter_context(Path(f"{output}.err").open("w", buffering=1))
        sys.exit(command(arguments))
