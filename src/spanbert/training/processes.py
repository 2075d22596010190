"""The processes of a run: what the main one does alone, and what the others do when one of them dies."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedType, parse_flag_from_env
from torch import distributed

from spanbert.errors import MainProcessError, SettingsError, SpanbertError, TrainingError

PATIENCE = timedelta(days=30)
"""How long a process waits for the main one to prepare a corpus or to evaluate; a death ends it at once."""
SHARDING = ("FSDP", "DEEPSPEED", "MEGATRON_LM")
"""As accelerate's launcher asks for them in the environment."""
WHOLE = "every process must hold the whole model (torchrun, or accelerate launch --multi_gpu)"

T = TypeVar("T")


class Processes:
    """The processes that `torchrun` or `accelerate launch` started; a single one otherwise.

    Args:
        accelerator: of these processes; one is made when left out.

    Raises:
        SettingsError: they cannot be joined, or the launcher asks for more than replicas of the model.
    """

    def __init__(self, accelerator: Accelerator | None = None) -> None:
        # Left to itself, accelerate takes processes without any device but the CPU for unrelated ones.
        self.accelerator = accelerator or Accelerator(cpu=not torch.accelerator.is_available())
        self.count = self.accelerator.num_processes
        self.number = self.accelerator.process_index
        self.is_main = self.accelerator.is_main_process
        self._check()
        self.waiting: distributed.ProcessGroup | None = None
        if self.count > 1:
            # Gradients keep the backend's short time limit; what only the main process does may take hours.
            self.waiting = distributed.new_group(backend="gloo", timeout=PATIENCE)
        if not self.is_main:  # the main process warns of the same
            logging.getLogger("spanbert").setLevel(logging.ERROR)

    def main_alone(self, work: Callable[[], T]) -> T:
        """Do something in the main process while the others wait for its result.

        Args:
            work: its result must bear being pickled.

        Raises:
            MainProcessError: in the others, where the work raised a `SpanbertError` in the main one.
        """
        if self.waiting is None:
            return work()
        outcome: list[tuple[T | None, str | None]] = [(None, None)]
        error: SpanbertError | None = None
        if self.is_main:
            try:
                outcome = [(work(), None)]
            except SpanbertError as raised:
                error, outcome = raised, [(None, str(raised))]
        distributed.broadcast_object_list(outcome, src=0, group=self.waiting, device=torch.device("cpu"))
        if error is not None:
            raise error
        result, message = outcome[0]
        if message is not None:
            raise MainProcessError(message)
        return result  # type: ignore[return-value]

    def main_first(self, work: Callable[[], T]) -> T:
        """Do something in the main process, then in the others; return when all have done it.

        Raises:
            MainProcessError: as `main_alone`.
        """
        made: list[T] = []
        self.main_alone(lambda: made.append(work()))
        result = made[0] if made else work()
        if self.waiting is not None:
            distributed.barrier(group=self.waiting)
        return result

    def told_once(self, error: SpanbertError) -> SpanbertError:
        """An error that all processes have found, as each is to raise it: only the main one shows it."""
        return error if self.is_main else MainProcessError(str(error))

    def _check(self) -> None:
        kind = self.accelerator.distributed_type
        if kind != DistributedType.NO and not kind.name.startswith("MULTI_"):
            raise SettingsError(f"launched for {kind.name}, which is not supported: {WHOLE}")
        for way in SHARDING:  # where there is no GPU, accelerate passes over them in silence
            if parse_flag_from_env(f"ACCELERATE_USE_{way}"):
                raise SettingsError(f"launched for {way}, which is not supported: {WHOLE}")
        launched = int(os.environ.get("WORLD_SIZE", "1"))
        if launched != self.count:
            raise SettingsError(
                f"launched as {launched} processes that this machine's device cannot join; start the command "
                "itself, or set ACCELERATE_USE_CPU=true"
            )


@contextmanager
def told_of_death() -> Iterator[None]:
    """Say in one line that another process of the run is gone, where torch gives the trace of a connection.

    Raises:
        TrainingError: an exchange between processes failed.
    """
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, distributed.DistError) or "gloo" in str(error).lower():
            raise TrainingError(
                "another process of the run has ended (killed, out of memory, or for what it says itself); "
                "the same command with --resume goes on from the last resume point"
            ) from error
        raise
