"""Coreference: documents per second and memory against fastcoref, and cost as a document grows.

    python benchmarks/coreference_speed.py --data DATA/coref/litbank --model MODEL

First all sides read the dev documents in turn, with the same threads: ours in float32 and int8, and
fastcoref's model on an encoder of the same size, in an environment of its own that is made at the first run
(`--no-peer` leaves it out). Its head is as wide as ours and random, so that its clusters say nothing; its
work does not depend on its weights. Then single documents of growing length, made of the documents one
after another, each in a process of its own: seconds and peak memory, ours in float32, the peer's up to
`--peer-words` (it compares all pieces with all). A picture of both is written beside the result file.

`--random-head` measures an encoder alone: with a random head that takes as many spans for mentions as the
settings allow, the dearest case.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from random_head import write_with_random_head
from side_by_side import (
    OWN,
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
from torch import nn

from spanbert.tasks.coreference.examples import CoreferenceExample, read_examples
from spanbert.tasks.coreference.settings import CoreferenceSettings
from spanbert.text.files import read_json, write_json
from spanbert.workflows.convert import convert

PEER = "fastcoref"
PEER_PACKAGES = (
    *("torch==2.13.0", "transformers==4.57.6", "fastcoref==2.1.6"),
    *("datasets==5.0.1", "spacy==3.8.18"),  # which fastcoref leaves open; pinned, pip is quick to decide
)
PEER_HEAD = {"max_span_length": 30, "top_lambda": 0.25, "dropout_prob": 0.3}
PEER_SEGMENT = 512
"""Settings of the model that fastcoref's authors publish, but for the width of its head."""
LENGTHS = (1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000)
SURE = 5.0
"""Log odds of every span with which a random head takes as many as it may."""
Row = dict[str, float]
"""Words, seconds and peak memory of a document."""


def main() -> None:
    """Measure, draw and write the result file."""
    parser = parser_of(__doc__, "coreference_speed.json")
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with dev.jsonlines and train.jsonlines.gz"
    )
    parser.add_argument("--model", default="mini", help="trained for coreference")
    parser.add_argument("--random-head", action="store_true", help="the model is an encoder alone")
    parser.add_argument("--documents", type=int, default=None, help="use only the first N dev documents")
    parser.add_argument(
        "--words", type=int, nargs="+", default=LENGTHS, help="lengths of the growing document"
    )
    parser.add_argument("--peer-words", type=int, default=5_000, help="longest document for the peer")
    parser.add_argument("--peer-environment", type=Path, default=Path(".venv-fastcoref"))
    parser.add_argument("--no-peer", action="store_true")
    arguments = parser.parse_args()
    python = None if arguments.no_peer else environment(arguments.peer_environment, PEER_PACKAGES)
    dev = list(read_examples(arguments.data / "dev.jsonlines"))
    words = [word for one in dev for word in one.text.split()]
    if max(arguments.words) > len(words):
        more = read_examples(arguments.data / "train.jsonlines.gz")
        words += [word for one in more for word in one.text.split()]
    chosen = dev[: arguments.documents]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_models(arguments, chosen, folder)
        sides = Sides(folder, python)
        started = sides.started([one.text for one in chosen])
        turns = in_turn(started, arguments.rounds, len(chosen), "documents")
        lengths = [count for count in arguments.words if count <= len(words)]
        growth = sides.grown(words, lengths, arguments.peer_words)
    picture = arguments.output.with_suffix(".png")
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    draw(growth, picture)
    write_result(
        arguments.output,
        {
            "claim": "coreference is faster than fastcoref's model of the same size, and its cost is linear",
            "model": str(arguments.model),
            "random_head": arguments.random_head,
            "documents": len(chosen),
            "words": sum(len(one.text.split()) for one in chosen),
            "rounds": arguments.rounds,
            "sides": measured(turns, len(chosen), "documents"),
            **ratios(turns),
            "growth": growth,
            "growth_exponent": {side: exponent(rows) for side, rows in growth.items()},
            "picture": picture.name,
            "peer": versions(python, ("torch", "transformers", "fastcoref")) if python else "left out",
        },
    )


def write_models(arguments: argparse.Namespace, examples: Sequence[CoreferenceExample], folder: Path) -> None:
    """Our model, and beside it the same encoder with the settings of the peer's head."""
    if arguments.random_head:
        write_with_random_head("coreference", arguments.model, examples, folder / "model", all_spans)
    else:
        convert(arguments.model, folder / "model", task="coreference")
    convert(arguments.model, folder / "peer")
    config = read_json(folder / "peer" / "config.json")
    head = {
        **PEER_HEAD,
        "ffnn_size": CoreferenceSettings.model_fields["head_width"].default,
        "max_segment_len": min(PEER_SEGMENT, config["max_position_embeddings"]),
    }
    write_json(folder / "peer" / "config.json", {**config, "coref_head": head})


def all_spans(model: nn.Module) -> None:
    """Make every span look like a mention."""
    nn.init.constant_(model.mentions.start_score.bias, SURE)  # type: ignore[union-attr, arg-type]


@dataclass(frozen=True)
class Sides:
    """How sides are started.

    Args:
        folder: holds the models.
        python: the peer's interpreter; None without peer.
    """

    folder: Path
    python: Path | None

    def started(self, texts: Sequence[str], names: Iterable[str] = (*OWN, PEER)) -> dict[str, Side]:
        """The processes of some sides on some texts."""
        listed = self.folder / "texts.json"
        listed.write_text(json.dumps(texts), encoding="utf-8")
        own = [name for name in names if name in OWN]
        sides = own_sides("predict", self.folder / "model", listed, names=own)
        if self.python is not None and PEER in names:
            peer = PEERS / "fastcoref_clusters.py"
            sides[PEER] = Side(self.python, peer, self.folder / "peer", listed)
        return sides

    def grown(self, words: Sequence[str], lengths: Sequence[int], peer_words: int) -> dict[str, list[Row]]:
        """Seconds and peak memory of one document of each length; the first of two turns warms up."""
        rows: dict[str, list[Row]] = {}
        for count in lengths:
            text = " ".join(words[:count])
            for name in (OWN_REFERENCE, PEER) if count <= peer_words else (OWN_REFERENCE,):
                for side in self.started([text], [name]).values():
                    side.turn()
                    turn = side.turn()
                    side.close()
                    row = {"seconds": round(turn["seconds"], 3), "peak_memory_mib": round(turn["memory"])}
                    rows.setdefault(name, []).append({"words": count, **row})
                    print(f"{count} words: {name}: {row}", flush=True)
        return rows


def exponent(rows: Sequence[Row]) -> float | None:
    """The power of the length with which seconds grow (1 is linear): the slope in logarithms."""
    if len(rows) < 2:
        return None
    words, seconds = (np.log([row[name] for row in rows]) for name in ("words", "seconds"))
    return round(float(np.polyfit(words, seconds, 1)[0]), 3)


def draw(growth: Mapping[str, Sequence[Row]], path: Path) -> None:
    """Seconds and memory over the length of the document."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    for axes, name, label in zip(
        figure.subplots(1, 2), ("seconds", "peak_memory_mib"), ("seconds", "peak memory, MiB"), strict=True
    ):
        for side, rows in growth.items():
            axes.plot([row["words"] for row in rows], [row[name] for row in rows], marker="o", label=side)
        most = max(row[name] for rows in growth.values() for row in rows)
        axes.set(xlabel="words of the document", ylabel=label, xlim=(0, None), ylim=(0, 1.08 * most))
        axes.locator_params("x", nbins=6)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
