"""A command that `torchrun` or `accelerate launch` started several times: one of the processes speaks."""

from __future__ import annotations

import os


def is_main_process() -> bool:
    """Whether this process shows progress and results: launchers number theirs in RANK."""
    return os.environ.get("RANK", "0") == "0"


def leave_processes() -> None:
    """Close the connections to the other processes, if there are any, at the end of a command."""
    from torch import distributed

    if distributed.is_initialized():
        distributed.destroy_process_group()
