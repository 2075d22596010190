r"""Do spans and the boundary objective help? The paper's comparison, small enough for two cores.

    python recipes/objectives/compare.py DATA runs/objectives --start runs/mini/start
    spanbert tokenizer DATA/corpus/en-wiki.txt.gz --output runs/scratch-tokenizer --size 8000 --uncased
    python recipes/objectives/compare.py DATA runs/scratch --preset tiny --tokenizer runs/scratch-tokenizer \
        --pretraining-steps 2500 --pretraining-rate 1e-3 --finetuning-steps 600 --finetuning-rate 1e-3

Each arm continues the same start on the same text for the same number of pieces with its objective (`none`
does not), then learns question answering from `squad1/train-small` and answers `squad1/dev` and
`newwiki/dev`; nothing is chosen on those, and their paragraphs are taken out of the text. Arms are also
compared by masked-LM loss on held-out text under two fixed maskings. `spans_minus_words` is the question
itself: the two arms that hide spans against the two that hide single pieces or words. A killed comparison
goes on where it was when the command is given again. `results.json` and `results.png` are written after every
run. DATA is the folder with qa/ and corpus/.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from spanbert.pretraining.validation import validate
from spanbert.tasks.question_answering.metrics import scorer_for
from spanbert.workflows.finetune import finetune
from spanbert.workflows.predict import load
from spanbert.workflows.pretrain import Start, pretrain
from spanbert.workflows.pretraining_data import prepare_corpus, split
from spanbert.workflows.provenance import machine, package
from spanbert.workflows.settings import PretrainSettings, checked

SPANS = ("spans", "spanbert")
WORDS = ("subwords", "whole-words")
ARMS = ("none", *WORDS, *SPANS)
MASKINGS = ("subwords", "spans")
TESTS = {"squad1": "qa/squad1/dev.json", "newwiki": "qa/newwiki/dev.json.gz"}
CORPUS = ("corpus/en-wiki.txt.gz", "corpus/en-novels.txt.gz", "corpus/en-wikitext2-valid.txt.gz")
TEXT = "text.txt.gz"
QUESTIONS = 1000
"""Of a test about so many are asked, evenly spread over its file."""

HELD_OUT_ARTICLES = 2
BATCH_PIECES = 2048
"""Half of the usual batch: where pieces are few, more updates teach more."""

DRAWS = 2000


def main() -> None:
    """Run what is still to be run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("output", type=Path)
    start = parser.add_mutually_exclusive_group(required=True)
    start.add_argument("--start", help="model to continue")
    start.add_argument("--preset", help="size of a new encoder")
    parser.add_argument("--tokenizer", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--arms", nargs="+", default=ARMS)
    parser.add_argument("--budget", type=float, help="share of the pieces to mask, in place of 0.15")
    parser.add_argument("--final-budget", type=float, help="share to end with, if it is to change")
    parser.add_argument("--pretraining-steps", type=int, default=300)
    parser.add_argument("--pretraining-rate", type=float, default=1e-4)
    parser.add_argument("--finetuning-steps", type=int, default=250)
    parser.add_argument("--finetuning-rate", type=float, default=1e-4)
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    questions(arguments.data, arguments.output)
    unseen_text(arguments.data, arguments.output / TEXT)
    done: dict[str, Any] = {}
    for seed in range(arguments.seeds):
        for arm in arguments.arms:
            if arm == "none" and arguments.preset:
                continue
            done.setdefault(arm, []).append(one(arguments, arm, seed))
            write(arguments, done)


def questions(data: Path, output: Path) -> None:
    """train-small in two: articles to learn from, and two by which the best checkpoint is chosen."""
    content = json.loads(gzip.decompress((data / "qa/squad1/train-small.json.gz").read_bytes()))
    parts = {"train": content["data"][HELD_OUT_ARTICLES:], "held-out": content["data"][:HELD_OUT_ARTICLES]}
    for name, articles in parts.items():
        text = json.dumps({"version": content["version"], "data": articles})
        (output / f"{name}.json").write_text(text, encoding="utf-8")


def unseen_text(data: Path, target: Path) -> None:
    """The text to pretrain on: all paragraphs but those that test questions are asked of."""
    asked = set()
    for path in TESTS.values():
        raw = (data / path).read_bytes()
        content = json.loads(gzip.decompress(raw) if path.endswith(".gz") else raw)
        asked |= {spaced(p["context"]) for article in content["data"] for p in article["paragraphs"]}
    kept, dropped = [], 0
    for path in CORPUS:
        for line in gzip.decompress((data / path).read_bytes()).decode().split("\n"):
            if spaced(line) in asked:
                dropped += 1
            else:
                kept.append(line)
    target.write_bytes(gzip.compress("\n".join(kept).encode(), mtime=0))
    print(f"{target}: {len(kept)} lines; {dropped} paragraphs of the tests left out")


def spaced(text: str) -> str:
    """With single spaces, as one line of a corpus."""
    return " ".join(text.split())


def one(arguments: argparse.Namespace, arm: str, seed: int) -> dict[str, Any]:
    """The result of an arm and seed; from its file when it was run before."""
    folder = arguments.output / f"{arm}-{seed}"
    result = folder / "result.json"
    if not result.exists():
        folder.mkdir(exist_ok=True)
        encoder = arguments.start if arm == "none" else pretrained(arguments, arm, seed, folder / "encoder")
        found: dict[str, Any] = {"masked_lm_loss": {}}
        if arm != "none":
            found["masked_lm_loss"] = {name: masked_lm_loss(arguments, encoder, name) for name in MASKINGS}
            found["curve"] = list(curve(folder / "encoder"))
        reader = folder / "reader"
        finetune(
            "question-answering",
            train=arguments.output / "train.json",
            dev=arguments.output / "held-out.json",
            model=encoder,
            output=reader,
            resume=True,
            steps=arguments.finetuning_steps,
            batch_pieces=BATCH_PIECES,
            learning_rate=arguments.finetuning_rate,
            dropout=0.0,
            evaluations=1,
            seed=seed,
            task_settings={"training_pieces": 112, "max_answer_pieces": 15},
        )
        found["f1"] = {name: f1(reader, arguments.data / path) for name, path in TESTS.items()}
        result.write_text(json.dumps(found), encoding="utf-8")
    return json.loads(result.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def pretrained(arguments: argparse.Namespace, arm: str, seed: int, target: Path) -> Path:
    """The arm's encoder."""
    pretrain(
        [arguments.output / TEXT],
        target,
        model=arguments.start,
        preset=arguments.preset,
        tokenizer=arguments.tokenizer,
        resume=True,
        **settings(arguments, arm),
        seed=seed,
    )
    return target


def settings(arguments: argparse.Namespace, arm: str) -> dict[str, Any]:
    """Of pretraining, the same for all arms but for the objective."""
    return {
        "objective": arm,
        "budget": arguments.budget,
        "final_budget": arguments.final_budget,
        "steps": arguments.pretraining_steps,
        "batch_pieces": BATCH_PIECES,
        "learning_rate": arguments.pretraining_rate,
        "dropout": 0.0,
        "evaluations": 4,
        "save_every": 50,
        "corpus_folder": arguments.output / "corpus",
    }


def masked_lm_loss(arguments: argparse.Namespace, encoder: Path, masking: str) -> float:
    """Nats on the held-out blocks under fixed masks of an objective, not of the one that was trained."""
    usual = {**settings(arguments, masking), "budget": None, "final_budget": None}
    chosen = checked(PretrainSettings, usual, "settings")
    start = Start.of(encoder, None, None)
    corpus = prepare_corpus(
        [arguments.output / TEXT],
        arguments.output,
        start.tokenizer,
        positions=start.config.max_positions,
        settings=chosen,
        offline=True,
    )
    network = start.network(chosen).eval()
    _, held_out = split(corpus, start.tokenizer, chosen)
    report = validate(network, held_out, batch_pieces=4096, device=torch.device("cpu"))
    return report.values["masked_lm_loss"]


def curve(encoder: Path) -> Iterator[tuple[int, float]]:
    """Validation losses of the run under its own masks: (update, nats of the masked LM)."""
    for line in (encoder / "run" / "metrics.jsonl").read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        if record["kind"] == "evaluation":
            yield record["step"], record["masked_lm_loss"]


def f1(reader: Path, data: Path) -> list[float]:
    """F1 of each question asked of a file, always answered."""
    predictor = load(reader, "question-answering")
    found = list(predictor.task.read(data))
    examples = found[:: max(1, len(found) // QUESTIONS)]
    scorer = scorer_for(examples)
    made = predictor.predict(examples)
    return [
        100 * scorer.f1(prediction.candidates[0].text, example)
        for example, prediction in zip(examples, made, strict=True)
    ]


def write(arguments: argparse.Namespace, done: dict[str, list[dict[str, Any]]]) -> None:
    """results.json and results.png of what is done so far."""
    arms = {}
    for arm, runs in done.items():
        arms[arm] = {
            "seeds": len(runs),
            "f1": {test: spread([statistics.fmean(run["f1"][test]) for run in runs]) for test in TESTS},
            "masked_lm_loss": {
                masking: spread([run["masked_lm_loss"][masking] for run in runs])
                for masking in MASKINGS
                if runs[0]["masked_lm_loss"]
            },
            "f1_minus_subwords": {
                test: difference(done, (arm,), ("subwords",), test) for test in TESTS if "subwords" in done
            },
        }
    result = {
        "claim": "masking spans and predicting them from their boundaries helps question answering",
        "command": " ".join(["python", *sys.argv]),
        "arms": arms,
        "spans_minus_words": {
            test: difference(done, SPANS, WORDS, test) for test in TESTS if {*SPANS, *WORDS} <= done.keys()
        },
        "machine": machine(),
        "package": package(),
    }
    (arguments.output / "results.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    draw(done, arguments.output / "results.png")


def spread(values: list[float]) -> dict[str, float]:
    """Mean, lowest and highest."""
    return {
        "mean": round(statistics.fmean(values), 3),
        "min": round(min(values), 3),
        "max": round(max(values), 3),
    }


def difference(
    done: dict[str, list[dict[str, Any]]], arms: Sequence[str], base: Sequence[str], test: str
) -> dict[str, float]:
    """Mean F1 of some arms less that of others over common seeds.

    The 95 % interval draws seeds and questions anew.
    """
    common = min(len(done[arm]) for arm in (*arms, *base))

    def mean(names: Sequence[str]) -> NDArray[np.float64]:
        found: NDArray[np.float64] = np.mean(
            [[run["f1"][test] for run in done[name][:common]] for name in names], axis=0
        )
        return found

    gained = mean(arms) - mean(base)
    random = np.random.default_rng(0)
    seeds, asked = gained.shape
    means = [
        gained[random.integers(seeds, size=seeds)][:, random.integers(asked, size=asked)].mean()
        for _ in range(DRAWS)
    ]
    low, high = np.percentile(means, [2.5, 97.5])
    return {
        "mean": round(float(gained.mean()), 2),
        "low": round(float(low), 2),
        "high": round(float(high), 2),
    }


def draw(done: dict[str, list[dict[str, Any]]], target: Path) -> None:
    """F1 of every seed by arm, and masked-LM loss along the runs."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(
        1, 1 + len(TESTS), figsize=(4.2 * (1 + len(TESTS)), 3.4), layout="constrained"
    )
    for panel, test in zip(panels, TESTS, strict=False):
        for place, (arm, runs) in enumerate(done.items()):
            values = [statistics.fmean(run["f1"][test]) for run in runs]
            panel.plot([place] * len(values), values, "o", color="tab:blue", alpha=0.5)
            panel.plot(place, statistics.fmean(values), "_", markersize=24, color="black", label=arm)
        panel.set_xticks(range(len(done)), list(done), rotation=20)
        panel.set_title(f"{test}/dev, F1 of each seed and mean")
    for arm, runs in done.items():
        if "curve" in runs[0]:
            steps = [step for step, _ in runs[0]["curve"]]
            losses = np.mean([[loss for _, loss in run["curve"]] for run in runs], axis=0)
            panels[-1].plot(steps, losses, marker=".", label=arm)
    panels[-1].set_title("masked-LM loss under own masks (nats)")
    panels[-1].set_xlabel("update")
    if panels[-1].lines:
        panels[-1].legend()
    figure.savefig(target, dpi=120)
    plt.close(figure)


if __name__ == "__main__":
    main()
