"""A side of a measurement, in a process of its own: it works when asked to, and tells seconds and memory.

Needs nothing but Python, for it also runs where a peer is installed and this package is not.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def serve(load: Callable[[], Callable[[], Any]], shown: Callable[[Any], Any] = lambda made: made) -> None:
    """Load once; then for each line on standard input do the work once and answer with a line of JSON.

    What libraries print goes to standard error, so that the answers stand alone on standard output.

    Args:
        load: not timed; returns the work.
        shown: what the work made as plain types; not timed.
    """
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)
        work = load()
        for _ in sys.stdin:
            began = time.perf_counter()
            made = work()
            seconds = time.perf_counter() - began
            turn = {"seconds": seconds, "memory": peak_memory_mib(), "made": shown(made)}
            answers.write(json.dumps(turn) + "\n")
            answers.flush()


def peak_memory_mib() -> float:
    """Greatest resident memory of this process so far, in MiB."""
    try:
        # `getrusage` would not do: before Linux runs a new program it notes what the starting process held.
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024
    except (OSError, IndexError):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
            1024 if sys.platform == "linux" else 2**20
        )
