"""`spanbert pretrain` on a tiny corpus in a process of its own, told when to die or to run out of disk."""

import multiprocessing
import os
import random
import re
import resource
import signal
import sys
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import torch

from spanbert.cli.main import main
from spanbert.training import curves
from spanbert.training.run_folder import RunFolder
from tiny_start import write_start

FLAGS = {
    "steps": 4,
    "evaluations": 2,
    "save-every": 2,
    "batch-pieces": 128,
    "learning-rate": 3e-3,
    "precision": "float32",
    "held-out": 0.1,
    "corpus-settings.block-pieces": 40,
    "corpus-settings.shard-chars": 4000,
}
PRELOADED = [
    "pretrain_run",
    "spanbert.cli.pretrain",
    "spanbert.workflows.pretrain",
    "torch._dynamo",
]
USED = "processor seconds:"
RANDOM_PART = re.compile(r"\.[0-9a-z_]{8}\.part$")


@dataclass
class Ended:
    """How a run ended: exit code (negative: killed), messages, processor seconds unless it was killed."""

    returncode: int
    message: str
    seconds: float


def write_job(folder: Path) -> Path:
    """A folder with `text.txt` and `start/`, a model to start from."""
    chance = random.Random(0)
    names, places = ["ada", "charles", "mary", "alan"], ["paris", "london", "the old town", "turin"]
    lines = [
        f"{chance.choice(names)} went to {chance.choice(places)} in 18{chance.randrange(10, 99)} by train."
        for _ in range(200)
    ]
    (folder / "text.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    write_start(folder / "start", lines)
    return folder


def start(job: Path, output: Path, *, resume: bool = False, **told) -> Ended:
    """Run the command to its end or death; the server has imported all before it forks.

    Told: `die_at_new_write` (file of moments), `kill_at_update` (number), `kill_after` (processor seconds),
    `largest_file` in bytes, `full_at_update` (number), `flags`.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    flags = {**FLAGS, "model": job / "start", "output": output, **told.pop("flags", {})}
    arguments = ["pretrain", str(job / "text.txt"), *(f"--{name}={value}" for name, value in flags.items())]
    told_to_us, messages = context.Pipe(duplex=False)  # no file, which a full disk would hit too
    process = context.Process(
        target=_run, args=([*arguments, *(["--resume"] if resume else [])], messages, told)
    )
    process.start()
    messages.close()
    with os.fdopen(told_to_us.fileno(), encoding="utf-8", closefd=False) as stream:
        text = stream.read()
    process.join()
    message, _, seconds = text.partition(USED)
    return Ended(process.exitcode, message, float(seconds or 0))


def _run(arguments: list[str], messages: Connection, told: dict) -> None:
    sys.stdout = sys.stderr = os.fdopen(messages.fileno(), "w", 1, encoding="utf-8", closefd=False)
    torch.set_num_threads(1)
    if "largest_file" in told:  # Python ignores SIGXFSZ: a write beyond the limit fails as on a full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (told["largest_file"],) * 2)
    # Drawing takes longer than all the rest of this run, and the picture holds nothing that is read again.
    curves.draw_curves = lambda records, path: None
    if "die_at_new_write" in told:
        die_at_new_write(told["die_at_new_write"])
    if "kill_at_update" in told:
        die_at_update(told["kill_at_update"])
    if "full_at_update" in told:
        fill_disk_at_update(told["full_at_update"])
    if "kill_after" in told:
        signal.setitimer(signal.ITIMER_PROF, told["kill_after"])  # SIGPROF ends a process at once too
    try:
        main(arguments)
    finally:
        print(f"{USED} {time.process_time()}", file=sys.stderr)


def die() -> None:
    """End this process as `kill -9` does."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_at_update(step: int) -> None:
    """Die before anybody hears of an update."""
    whole = RunFolder.updated

    def updated(self, record):
        if record.step == step:
            die()
        whole(self, record)

    RunFolder.updated = updated


def fill_disk_at_update(step: int) -> None:
    """Leave room for a few bytes of the metrics of an update."""
    whole = RunFolder.updated

    def updated(self, record):
        if record.step == step:
            written = self.metrics.stat().st_size if self.metrics.exists() else 0
            resource.setrlimit(resource.RLIMIT_FSIZE, (written + 20,) * 2)
        whole(self, record)

    RunFolder.updated = updated


def die_at_new_write(moments: Path) -> None:
    """Die at the first moment of writing at which no earlier run has died, and note it in a file.

    A file has two such moments: inside its write, half of the bytes on the disk; and when it is complete,
    before it gets its name. Those of the second evaluation are others than those of the first.
    """
    before = set(moments.read_text(encoding="utf-8").splitlines()) if moments.exists() else set()
    sync, replace = os.fsync, os.replace
    evaluated = 0

    def is_due(moment: str) -> bool:
        moment = f"{moment} {evaluated}"
        if moment in before:
            return False
        with moments.open("a", encoding="utf-8") as stream:
            stream.write(f"{moment}\n")
        return True

    def dying_sync(descriptor):
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        if is_due(f"write {RANDOM_PART.sub('', path.name)} {path.parent.name}"):
            os.ftruncate(descriptor, os.fstat(descriptor).st_size // 2)
            die()
        sync(descriptor)

    def dying_replace(source, target, **options):
        path = Path(target)
        if is_due(f"replace {path.name} {path.parent.name}"):
            die()
        replace(source, target, **options)

    def updated(self, record):
        nonlocal evaluated
        evaluated = record.step
        whole(self, record)

    whole = RunFolder.updated
    RunFolder.updated = updated
    os.fsync, os.replace = dying_sync, dying_replace
