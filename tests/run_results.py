"""What a run leaves in its folder, to be compared with what another left."""

import json
from pathlib import Path

from safetensors import safe_open


def results(output: Path) -> dict[str, object]:
    """All that a run leaves, as bytes; wall times and the picture (drawn from metrics.jsonl) set aside."""
    found: dict[str, object] = {}
    for path in sorted(output.rglob("*")):
        name = str(path.relative_to(output))
        if path.name == "metrics.jsonl":
            lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
            found[name] = [{key: line[key] for key in line if not key.endswith("seconds")} for line in lines]
        elif path.suffix == ".safetensors":
            with safe_open(path, "numpy") as stored:  # the library writes its metadata in any order
                found[name] = {key: stored.get_tensor(key).tobytes() for key in stored.keys()}  # noqa: SIM118
                found[f"{name} metadata"] = stored.metadata()
        elif path.is_file():
            found[name] = path.stat().st_size > 1000 if path.suffix == ".png" else path.read_bytes()
    return found
