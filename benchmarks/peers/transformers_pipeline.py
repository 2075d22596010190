"""The peer of `entities_speed.py` and `classification_speed.py`: transformers' pipelines.

python benchmarks/peers/transformers_pipeline.py {entities,classification} MODEL TEXTS.json BATCH [--sorted]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from turns import serve


def main() -> None:
    """Be the peer."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("task", choices=("entities", "classification"))
    parser.add_argument("model")
    parser.add_argument("texts", type=Path)
    parser.add_argument("batch", type=int)
    parser.add_argument(
        "--sorted", action="store_true", help="sort the texts by length first, as a careful user may"
    )
    arguments = parser.parse_args()
    texts = json.loads(arguments.texts.read_text(encoding="utf-8"))
    run = {"entities": entities, "classification": labels}[arguments.task]
    serve(lambda: run(arguments.model, texts, arguments.batch, arguments.sorted))


def entities(model: str, texts: list[str], batch: int, by_length: bool) -> Callable[[], list[Any]]:
    """Entities as [start, end, type]; a word's tag is that of its first piece."""
    from transformers import pipeline

    run = pipeline(
        "token-classification", model=model, tokenizer=model, aggregation_strategy="first", device=-1
    )
    return lambda: [
        [[one["start"], one["end"], one["entity_group"]] for one in found]
        for found in in_order(lambda chosen: run(chosen, batch_size=batch), texts, by_length)
    ]


def labels(model: str, texts: list[str], batch: int, by_length: bool) -> Callable[[], list[str]]:
    """The best label of each text; what is longer than the model reads is cut off."""
    from transformers import pipeline

    run = pipeline("text-classification", model=model, tokenizer=model, device=-1)
    return lambda: [
        found["label"]
        for found in in_order(lambda chosen: run(chosen, batch_size=batch, truncation=True), texts, by_length)
    ]


def in_order(run: Callable[[list[str]], list[Any]], texts: list[str], by_length: bool) -> list[Any]:
    """What `run` makes of each text, in the order of the texts, read as they come or the longest first."""
    if not by_length:
        return run(texts)
    order = sorted(range(len(texts)), key=lambda number: -len(texts[number]))
    made = dict(zip(order, run([texts[number] for number in order]), strict=True))
    return [made[number] for number in range(len(texts))]


if __name__ == "__main__":
    main()
