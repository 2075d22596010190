"""Where a result comes from: hashes of its inputs, the machine, the version of this package."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import spanbert
from spanbert.checkpoint.parts import PARTS
from spanbert.checkpoint.source import is_model_file


def file_sha256(path: Path) -> str | None:
    """The file's SHA-256 in hexadecimal; None when it cannot be read (its reader will say so)."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return None


def model_sha256(place: Path, *, part: str | None = None) -> dict[str, str]:
    """SHA-256 of each file of a model folder that decides its predictions, or of an archive.

    Args:
        place: the folder or archive.
        part: a further task of the folder whose own files count too; those of other tasks never do.
    """
    if place.is_dir():
        files = sorted(path for path in place.iterdir() if is_model_file(path.name))
        of_part = (place / PARTS / part).glob("*") if part else ()
        files += sorted(path for path in of_part if is_model_file(path.name))
        found = {path.relative_to(place).as_posix(): file_sha256(path) for path in files}
    else:
        found = {place.name: file_sha256(place)}
    return {name: digest for name, digest in found.items() if digest is not None}


def machine() -> dict[str, Any]:
    """What computed: system, processor, cores, threads, accelerator, versions of Python and torch."""
    import torch

    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "accelerator": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def package() -> dict[str, str | None]:
    """Version of this package, and its commit when it runs from a git checkout."""
    return {"spanbert": spanbert.__version__, "commit": _commit()}


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _commit() -> str | None:
    source = Path(spanbert.__file__)
    # A package installed inside somebody's repository is not tracked there: that commit would say nothing.
    for question in (
        ["ls-files", "--error-unmatch", source.name],
        ["describe", "--always", "--dirty", "--abbrev=40"],
    ):
        try:
            answer = subprocess.run(
                ["git", "-C", str(source.parent), *question],
                capture_output=True,
                text=True,
                timeout=10,
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            return None
    return answer.stdout.strip() or None
