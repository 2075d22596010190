"""What side-by-side measurements share: processes that work in turn, ratios within a round, the result file.

Each side is a process of its own that does its work when it is its turn, so that a busy machine hits all
sides alike and each has its own peak of memory. Sides are compared within a round.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from spanbert.inference.precision import has_int8
from spanbert.workflows.provenance import machine, package

HERE = Path(__file__).parent
PEERS = HERE / "peers"
OWN = {"spanbert, float32": "float32", "spanbert, int8": "int8"}
"""Our sides and their precisions."""
OWN_REFERENCE = "spanbert, float32"
Turn = dict[str, Any]
"""What `peers/turns.py` answers: `seconds`, `memory` in MiB, and what was `made`."""


def parser_of(description: str | None, result: str) -> argparse.ArgumentParser:
    """A parser with a script's docstring as its help, and the options that all scripts have.

    Args:
        description: docstring of the script.
        result: name of its result file.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="rounds that count; one more warms up")
    parser.add_argument("--output", type=Path, default=HERE / "results" / result, help="result file")
    return parser


def environment(folder: Path, packages: Sequence[str]) -> Path:
    """The interpreter of a peer's own virtual environment; made when absent."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *packages], check=True)
    return python


def versions(python: str | Path, names: Sequence[str]) -> dict[str, str]:
    """Versions of packages in an environment."""
    told = (
        "import importlib.metadata, json, sys; "
        "print(json.dumps({name: importlib.metadata.version(name) for name in sys.argv[1:]}))"
    )
    answer = subprocess.run(
        [str(python), "-c", told, *names], capture_output=True, text=True, check=True
    ).stdout
    return json.loads(answer)  # type: ignore[no-any-return]


class Side:
    """A process that works when asked to."""

    def __init__(self, *command: str | Path) -> None:
        self.process = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def turn(self, request: str = "") -> Turn:
        """One turn; ends the measurement where the side has ended."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(f"{request}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        line = self.process.stdout.readline()
        if not line:
            sys.exit("a side ended early; its own words stand above")
        return json.loads(line)  # type: ignore[no-any-return]

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def own_sides(
    work: str, model: Path, texts: Path, *, vectors: Path | None = None, names: Iterable[str] = OWN
) -> dict[str, Side]:
    """This package in each precision that the machine has (`own_side.py`).

    Args:
        work: `predict` or `embed`.
        model: a model folder.
        texts: JSON list of strings.
        vectors: folder for `SIDE.npy` of each side.
        names: which of our sides.
    """
    return {
        name: Side(
            *(sys.executable, HERE / "own_side.py", work, model, texts, "--precision", OWN[name]),
            *(() if vectors is None else ("--vectors", vectors / f"{name}.npy")),
        )
        for name in names
        if OWN[name] != "int8" or has_int8()
    }


def in_turn(sides: Mapping[str, Side], rounds: int, items: int, unit: str) -> dict[str, list[Turn]]:
    """The turns of each side, round by round; the first round warms up and does not count."""
    turns: dict[str, list[Turn]] = {name: [] for name in sides}
    try:
        for number in range(rounds + 1):
            for name, side in sides.items():
                turn = side.turn()
                print(f"round {number}: {name}: {items / turn['seconds']:.4g} {unit}/s", flush=True)
                if number:
                    turns[name].append(turn)
    finally:
        for side in sides.values():
            side.close()
    return turns


def spread(values: Iterable[float], digits: int | None = 2) -> dict[str, float]:
    """Median, least and greatest; whole numbers where `digits` is None."""
    found = list(values)
    return {
        "median": round(statistics.median(found), digits),
        "min": round(min(found), digits),
        "max": round(max(found), digits),
    }


def speeds(turns: Iterable[Turn], items: int) -> list[float]:
    """Items per second of each turn."""
    return [items / turn["seconds"] for turn in turns]


def ratio(turns: Mapping[str, Sequence[Turn]], side: str, peer: str) -> dict[str, float]:
    """How many times as fast a side is as a peer in the same round."""
    return spread(
        other["seconds"] / one["seconds"] for one, other in zip(turns[side], turns[peer], strict=True)
    )


def measured(turns: Mapping[str, Sequence[Turn]], items: int, unit: str) -> dict[str, dict[str, Any]]:
    """Speed and memory of each side."""
    return {
        name: {
            f"{unit}_per_second": spread(speeds(found, items), 3),
            "peak_memory_mib": round(max(turn["memory"] for turn in found)),
        }
        for name, found in turns.items()
    }


def ratios(turns: Mapping[str, Sequence[Turn]]) -> dict[str, Any]:
    """Our sides' ratios to the fastest peer (by its median), and to each of them."""
    ours = [name for name in turns if name in OWN]
    peers = [name for name in turns if name not in ours]
    if not peers:
        return {}
    best = min(peers, key=lambda name: statistics.median(turn["seconds"] for turn in turns[name]))
    return {
        "best_peer": best,
        "ratio_to_best_peer": {name: ratio(turns, name, best) for name in ours},
        "ratio_to_each_peer": {name: {peer: ratio(turns, name, peer) for peer in peers} for name in ours},
    }


def write_result(path: Path, result: Mapping[str, Any]) -> None:
    """Write a result file: what is given, the command, the machine and the package."""
    claim = {"claim": result["claim"], "command": " ".join(["python", *sys.argv])}
    path.parent.mkdir(parents=True, exist_ok=True)
    full = {**claim, **result, "machine": machine(), "package": package()}
    path.write_text(json.dumps(full, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"written to {path}")
