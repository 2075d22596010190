"""Texts per second to vectors against sentence-transformers (torch, ONNX, ONNX int8), with their quality.

    python benchmarks/embedding_speed.py --data DATA/similarity/stsb-en/dev.tsv --model START

All sides read the same sentences with the same weights (an encoder folder; mean of the pieces, scaled to
length 1) and threads: `spanbert.embed` in float32 and int8, sentence-transformers in an environment of its
own, made at the first run. Each is a process of its own and works in turn; loading and export are not
timed. Compared are texts per second, peak memory, Spearman's correlation of cosines with the gold scores of
the pairs, and how far vectors are from our float32 ones.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from side_by_side import (
    OWN_REFERENCE,
    PEERS,
    Side,
    environment,
    in_turn,
    measured,
    own_sides,
    parser_of,
    ratios,
    versions,
    write_result,
)

from spanbert.scoring.correlation import spearman
from spanbert.text.tables import read_rows
from spanbert.workflows.convert import convert

PEER_PACKAGES = ("torch==2.13.0", "sentence-transformers[onnx]==5.7.0")
PEER_SIDES = {
    "sentence-transformers, torch": "torch",
    "sentence-transformers, ONNX": "onnx",
    "sentence-transformers, ONNX int8": "onnx-int8",
}
COLUMNS = ("sentence1", "sentence2", "score")


def main() -> None:
    """Measure and write the result file."""
    parser = parser_of(__doc__, "embedding_speed.json")
    parser.add_argument("--data", type=Path, required=True, help=f"table with columns {', '.join(COLUMNS)}")
    parser.add_argument("--model", default="mini", help="both sides get the weights of its encoder")
    parser.add_argument("--pairs", type=int, default=None, help="use only the first N pairs")
    parser.add_argument("--peer-environment", type=Path, default=Path(".venv-sentence-transformers"))
    arguments = parser.parse_args()
    rows = [row for _, row in read_rows(arguments.data)][: arguments.pairs]
    if not rows or not set(COLUMNS) <= set(rows[0]):
        sys.exit(f"{arguments.data}: has no columns {', '.join(COLUMNS)}")
    texts = [row[column] for column in COLUMNS[:2] for row in rows]
    gold = np.asarray([float(row["score"]) for row in rows])
    python = environment(arguments.peer_environment, PEER_PACKAGES)
    peer = PEERS / "sentence_transformers_vectors.py"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model, exported, listed = folder / "model", folder / "exported", folder / "texts.json"
        convert(arguments.model, model)
        subprocess.run([python, peer, "export", model, exported], check=True)
        listed.write_text(json.dumps(texts), encoding="utf-8")
        sides = own_sides("embed", model, listed, vectors=folder) | {
            side: Side(python, peer, "serve", exported, backend, listed, folder / f"{side}.npy")
            for side, backend in PEER_SIDES.items()
        }
        turns = in_turn(sides, arguments.rounds, len(texts), "texts")
        vectors = {side: np.load(folder / f"{side}.npy") for side in sides}
    found = measured(turns, len(texts), "texts")
    for side, made in vectors.items():
        found[side] |= quality(made, vectors[OWN_REFERENCE], gold)
    write_result(
        arguments.output,
        {
            "claim": "texts become vectors at least as fast as by the best backend of sentence-transformers, "
            "within 0.3 points of its quality",
            "model": str(arguments.model),
            "data": str(arguments.data),
            "texts": len(texts),
            "rounds": arguments.rounds,
            "sides": found,
            **ratios(turns),
            "peer": versions(python, ("torch", "transformers", "sentence-transformers", "onnxruntime")),
        },
    )


def quality(
    made: NDArray[np.float32], reference: NDArray[np.float32], gold: NDArray[np.float64]
) -> dict[str, Any]:
    """Spearman's correlation of cosines with gold in percent, and the least cosine to the reference.

    Args:
        made: vectors (2 n, D) of length 1, the first sentences of all pairs before the second ones.
        reference: the same texts by another side.
        gold: scores of the pairs (n,).
    """
    first, second = np.split(made.astype(np.float64), 2)
    return {
        "spearman": round(100 * spearman((first * second).sum(axis=1), gold), 2),
        "least_cosine_to_our_float32": round(float((made * reference).sum(axis=1).min()), 4),
    }


if __name__ == "__main__":
    main()
