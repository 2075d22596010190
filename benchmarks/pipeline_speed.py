"""Texts per second of a task against transformers' pipeline for it: the measurement behind
`entities_speed.py` and `classification_speed.py`.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from random_head import write_with_random_head
from side_by_side import (
    OWN_REFERENCE,
    PEERS,
    Side,
    Turn,
    in_turn,
    measured,
    own_sides,
    parser_of,
    ratios,
    versions,
    write_result,
)

from spanbert.tasks import task_class
from spanbert.workflows.convert import convert

PEER_SIDES: dict[str, tuple[str, ...]] = {
    "transformers, batch 1": ("1",),
    "transformers, batch 32": ("32",),
    "transformers, batch 32, sorted": ("32", "--sorted"),
}

Score = Callable[[Sequence[Any], Sequence[Any]], float]
"""Score in percent of the plain predictions of a side, given the examples."""


def measure(task: str, claim: str, description: str | None, score: Score) -> None:
    """Measure and write the result file.

    Args:
        task: its name.
        claim: what the measurement shows.
        description: docstring of the script.
        score: of the predictions.
    """
    parser = parser_of(description, f"{task}_speed.json")
    parser.add_argument("--data", type=Path, required=True, help="labelled texts in a format of the task")
    parser.add_argument("--model", default="mini", help="trained for the task; both sides get its weights")
    parser.add_argument(
        "--random-head",
        action="store_true",
        help="the model is an encoder alone: give it a random head for the labels of DATA",
    )
    parser.add_argument("--texts", type=int, default=None, help="use only the first N texts")
    arguments = parser.parse_args()
    examples = list(task_class(task)().read(arguments.data))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = folder / "model"
        if arguments.random_head:
            write_with_random_head(task, arguments.model, examples, model)
        else:
            convert(arguments.model, model, task=task)
        examples = examples[: arguments.texts]
        texts = folder / "texts.json"
        texts.write_text(json.dumps([example.text for example in examples]), encoding="utf-8")
        turns = in_turn(sides(task, model, texts), arguments.rounds, len(examples), "texts")
    write_result(
        arguments.output,
        {
            "claim": claim,
            "model": str(arguments.model),
            "random_head": arguments.random_head,
            "data": str(arguments.data),
            "texts": len(examples),
            "characters": sum(len(example.text) for example in examples),
            "rounds": arguments.rounds,
            "sides": with_quality(turns, examples, score),
            **ratios(turns),
            "peer": versions(sys.executable, ("torch", "transformers")),
        },
    )


def sides(task: str, model: Path, texts: Path) -> dict[str, Side]:
    """The processes of all sides."""
    ours = own_sides("predict", model, texts)
    peer = PEERS / "transformers_pipeline.py"
    return ours | {
        name: Side(sys.executable, peer, task, model, texts, *options) for name, options in PEER_SIDES.items()
    }


def with_quality(
    turns: dict[str, list[Turn]], examples: Sequence[Any], score: Score
) -> dict[str, dict[str, Any]]:
    """Speed and memory of each side, the score of its predictions, and how many are as our float32 ones."""
    found = measured(turns, len(examples), "texts")
    reference = turns[OWN_REFERENCE][0]["made"]
    for name, made in ((name, taken[0]["made"]) for name, taken in turns.items()):
        equal = sum(one == other for one, other in zip(made, reference, strict=True))
        found[name]["score"] = round(score(examples, made), 2)
        found[name]["share_equal_to_our_float32"] = round(equal / len(examples), 4)
    return found
