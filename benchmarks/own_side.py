"""This package as a side of a measurement: predictions or vectors of texts, turn by turn.

python benchmarks/own_side.py {predict,embed} MODEL TEXTS.json --precision int8 [--vectors FILE.npy]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from peers.turns import serve

NEUTRAL = {"entities": {"no_entity_bias": 0.0}}
"""Settings under which a task decides by its scores alone, as its peers do."""


def main() -> None:
    """Be the side."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("work", choices=("predict", "embed"))
    parser.add_argument("model")
    parser.add_argument("texts", type=Path)
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--vectors", type=Path, help="where `embed` leaves its vectors")
    arguments = parser.parse_args()
    texts = json.loads(arguments.texts.read_text(encoding="utf-8"))
    if arguments.work == "predict":
        serve(lambda: predictions(arguments.model, arguments.precision, texts), lambda made: made)
    else:
        serve(
            lambda: vectors(arguments.model, arguments.precision, texts),
            lambda made: np.save(arguments.vectors, made),
        )


def predictions(model: str, precision: str, texts: list[str]) -> Callable[[], list[Any]]:
    """Entities as [start, end, type], clusters as lists of [start, end], or a label, of each text."""
    from spanbert.workflows.predict import load

    predictor = load(model, precision=precision)
    name = predictor.task.name
    if name in NEUTRAL:
        predictor = load(model, precision=precision, task_settings=NEUTRAL[name])
    if name == "entities":
        return lambda: [
            [[one.chars.start, one.chars.end, one.type] for one in made.entities]
            for made in predictor.predict(texts)
        ]
    if name == "coreference":
        return lambda: [
            [[[one.chars.start, one.chars.end] for one in cluster.mentions] for cluster in made.clusters]
            for made in predictor.predict(texts)
        ]
    return lambda: [made.label for made in predictor.predict(texts)]


def vectors(model: str, precision: str, texts: list[str]) -> Callable[[], Any]:
    """Mean of the pieces, scaled to length 1."""
    from spanbert.checkpoint.source import read_checkpoint
    from spanbert.inference.precision import parse_precision
    from spanbert.workflows.embedding.embed import Embedder

    embedder = Embedder(read_checkpoint(model), normalize=True, precision=parse_precision(precision))
    return lambda: embedder.embed(texts)


if __name__ == "__main__":
    main()
