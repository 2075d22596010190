"""Questions per second on SQuAD 1.1 passages against transformers' question-answering pipeline, side by side.

    python benchmarks/question_answering_speed.py --data DATA/squad1/dev.json

The peer (the last transformers that has the pipeline) runs in a virtual environment of its own, made at the
first run. Both sides load the same weights and read all questions in turn, round by round, with the same
number of threads; loading is not timed. The result holds questions per second and F1 of each side, the ratio
to the peer's better batch size, and the share of the measured matrix peak that the encoder reaches.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from side_by_side import HERE, PEERS, Side, environment, spread

from spanbert.inference.precision import has_int8
from spanbert.tasks.question_answering.examples import QaExample
from spanbert.tasks.question_answering.metrics import scorer_for
from spanbert.training.loop import computes_bfloat16
from spanbert.workflows.convert import convert
from spanbert.workflows.predict import Predictor, load
from spanbert.workflows.provenance import machine, package

PEER_PACKAGES = ("torch==2.13.0", "transformers==4.57.6")
PEER_BATCHES = (1, 16)


def own_round(predictor: Predictor, examples: list[QaExample]) -> dict[str, Any]:
    """Seconds and answers of all questions; the threshold is off, as in the peer's default."""
    before = predictor.engine.pieces
    began = time.perf_counter()
    answers = {made.id: made.candidates[0].text for made in predictor.predict(examples)}
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "answers": answers, "pieces": predictor.engine.pieces - before}


def scores(answers: dict[str, str], examples: list[QaExample]) -> dict[str, float]:
    """Exact match and F1 in percent."""
    scorer = scorer_for(examples)
    return {
        "exact_match": round(
            100 * statistics.fmean(scorer.exact_match(answers[e.id], e) for e in examples), 2
        ),
        "f1": round(100 * statistics.fmean(scorer.f1(answers[e.id], e) for e in examples), 2),
    }


def matrix_peak(dtype: torch.dtype) -> float:
    """Best of several products of a large square, in GFLOP/s."""
    size = 2048
    if dtype is torch.int8:
        left = torch.randint(-127, 127, (size, size), dtype=torch.int8)
        multiply = lambda: torch._int_mm(left, left)  # noqa: E731
    else:
        left = torch.randn(size, size).to(dtype)
        multiply = lambda: left @ left  # noqa: E731
    best = float("inf")
    for _ in range(8):
        began = time.perf_counter()
        multiply()
        best = min(best, time.perf_counter() - began)
    return 2 * size**3 / best / 1e9


def encoder_flops(predictor: Predictor, examples: list[QaExample]) -> float:
    """Floating-point operations that all questions need in the encoder's matrix products and attention."""
    config = predictor.engine.model.encoder.config  # type: ignore[union-attr]
    width, wide = config.width, config.feed_forward_width
    total = 0.0
    for found in predictor.task.features(examples, predictor.tokenizer):
        for feature in found:
            pieces = feature.piece_count
            total += config.layers * pieces * (8 * width * width + 4 * width * wide + 4 * width * pieces)
    return total


def main() -> None:
    """Measure and write the result file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data/qa/squad1/dev.json"))
    parser.add_argument("--model", default="mini")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--questions", type=int, default=None, help="use only the first N questions")
    parser.add_argument("--peer-environment", type=Path, default=Path(".venv-peer"))
    parser.add_argument("--output", type=Path, default=HERE / "results" / "question_answering_speed.json")
    arguments = parser.parse_args()
    if not arguments.data.exists():
        sys.exit(f"{arguments.data}: no such file; give SQuAD 1.1 JSON with --data")
    threads = torch.get_num_threads()
    python = environment(arguments.peer_environment, PEER_PACKAGES)
    native = {"float32": True, "bfloat16": computes_bfloat16(torch.device("cpu")), "int8": has_int8()}
    precisions = [name for name, here in native.items() if here]
    own = {name: load(arguments.model, "question-answering", precision=name) for name in precisions}
    examples = list(own["float32"].task.read(arguments.data))[: arguments.questions]
    rounds: dict[str, list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model"
        convert(arguments.model, output=model, task="question-answering")
        questions = Path(folder) / "questions.json"
        listed = [{"id": e.id, "question": e.question, "context": e.passage} for e in examples]
        questions.write_text(json.dumps(listed), encoding="utf-8")
        peer = Side(python, PEERS / "transformers_question_answering.py", model, questions, str(threads))
        for number in range(arguments.rounds + 1):  # the first round warms up
            turn = {f"transformers, batch {batch}": peer.turn(str(batch)) for batch in PEER_BATCHES}
            turn |= {f"spanbert, {name}": own_round(made, examples) for name, made in own.items()}
            for name, result in turn.items():
                print(
                    f"round {number}: {name}: {len(examples) / result['seconds']:.1f} questions/s", flush=True
                )
                if number:
                    rounds.setdefault(name, []).append(result)
        peer.close()
    peaks = {name: matrix_peak(getattr(torch, name)) for name in precisions}
    flops = encoder_flops(own["float32"], examples)
    sides = {}
    for name, results in rounds.items():
        speeds = [len(examples) / result["seconds"] for result in results]
        sides[name] = {
            "questions_per_second": spread(speeds),
            **scores(results[0]["answers"], examples),
        }
        if "pieces" in results[0]:
            seconds = statistics.median(result["seconds"] for result in results)
            precision = name.rpartition(" ")[2]
            sides[name] |= {
                "real_pieces_per_second": round(results[0]["pieces"] / seconds),
                "share_of_matrix_peak": round(flops / seconds / 1e9 / peaks[precision], 3),
            }
    best_peer = max(
        side["questions_per_second"]["median"]
        for name, side in sides.items()
        if name.startswith("transformers")
    )
    result = {
        "claim": "question answering is faster than transformers' pipeline at equal answers",
        "command": " ".join(["python", *sys.argv]),
        "questions": len(examples),
        "rounds": arguments.rounds,
        "threads": threads,
        "matrix_peak_gflops": {name: round(value) for name, value in peaks.items()},
        "sides": sides,
        "ratio_to_better_peer": {
            name: round(side["questions_per_second"]["median"] / best_peer, 2)
            for name, side in sides.items()
            if name.startswith("spanbert")
        },
        "f1_difference_to_own_float32": {
            name: round(side["f1"] - sides["spanbert, float32"]["f1"], 2) for name, side in sides.items()
        },
        "peer": list(PEER_PACKAGES),
        "python": platform.python_version(),
        "machine": machine(),
        "package": package(),
    }
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result["ratio_to_better_peer"], indent=2))
    print(f"written to {arguments.output}")


if __name__ == "__main__":
    main()
