"""What Chinese pretraining is worth: ten subjects of headlines, three models side by side.

    python recipes/chinese/headlines.py DATA/classification/thucnews runs/chinese/headlines \\
        --encoder runs/chinese/encoder

The encoder of `pretrain.toml` and the same network with random weights are fine-tuned by
`recipes/classification/thucnews.toml`; a linear support vector machine learns from character n-grams
(scikit-learn). All read the same training file and are scored on the same dev file, by which nothing is
chosen: fine-tuning is evaluated once, at its end. Each side and seed leaves its result in the output folder,
so that a killed comparison goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import torch
from torch import nn

import spanbert
from spanbert.checkpoint.folder import write_folder
from spanbert.checkpoint.names import ENCODER_NAMES, NameTable
from spanbert.checkpoint.source import read_checkpoint
from spanbert.nn.encoder import Encoder
from spanbert.text.files import write_json
from spanbert.text.tables import read_rows
from spanbert.workflows.provenance import file_sha256, machine, model_sha256, package

RECIPE = Path(__file__).parent.parent / "classification" / "thucnews.toml"
PRETRAINED, RANDOM, NGRAMS = "pretrained encoder", "random start", "character n-grams"
SIDES = (PRETRAINED, RANDOM, NGRAMS)
FILES = {"train", "dev", "model", "output", "seed", "evaluations"}
"""Keys of the recipe that this comparison decides itself."""


def main() -> None:
    """Compare, print each result, write `results.json`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder with train.tsv and dev.tsv")
    parser.add_argument("output", type=Path)
    parser.add_argument("--encoder", type=Path, required=True)
    parser.add_argument("--epochs", type=float, help="in place of the recipe's")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    done: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
    for seed in range(options.seeds):
        for side in SIDES:
            done[side].append(one(options, side, seed))
            print(f"{side}, seed {seed}: {done[side][-1]}", flush=True)
    write_json(
        options.output / "results.json",
        {
            "claim": "what a small Chinese encoder is worth for the subjects of headlines",
            "command": " ".join(["python", *sys.argv]),
            "settings": settings(options),
            "encoder_sha256": model_sha256(options.encoder),
            "train_sha256": file_sha256(options.data / "train.tsv"),
            "dev_texts": sum(1 for _ in read_rows(options.data / "dev.tsv")),
            "sides": {side: summary(runs) for side, runs in done.items()},
            "machine": machine(),
            "package": package(),
        },
    )


def settings(options: argparse.Namespace) -> dict[str, Any]:
    """Of fine-tuning, the same for both networks."""
    recipe = tomllib.loads(RECIPE.read_text(encoding="utf-8"))
    chosen = {name: value for name, value in recipe.items() if name not in FILES}
    if options.epochs is not None:
        chosen["epochs"] = options.epochs
    return {**chosen, "evaluations": 1}


def one(options: argparse.Namespace, side: str, seed: int) -> dict[str, Any]:
    """The result of a side and seed; from its file when it was run before with the same settings."""
    folder = options.output / f"{side.replace(' ', '-')}-{seed}"
    result = folder / "result.json"
    decided = {
        "settings": settings(options),
        "train_sha256": file_sha256(options.data / "train.tsv"),
        "encoder_sha256": model_sha256(options.encoder),
    }
    if not result.exists():
        folder.mkdir(exist_ok=True)
        began = time.perf_counter()
        found = ngrams(options.data, seed) if side == NGRAMS else finetuned(options, side, seed, folder)
        write_json(result, {**found, "seconds": round(time.perf_counter() - began, 1), "decided": decided})
    made: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    if made.pop("decided") != decided:
        sys.exit(f"{result}: was made with other settings; choose another output folder or delete this one")
    return made


def finetuned(options: argparse.Namespace, side: str, seed: int, folder: Path) -> dict[str, float]:
    """Dev scores of a network after fine-tuning."""
    start = options.encoder
    if side == RANDOM:
        start = folder / "start"
        write_random(options.encoder, start, seed)
    report = spanbert.finetune(
        "classification",
        train=options.data / "train.tsv",
        dev=options.data / "dev.tsv",
        model=start,
        output=folder / "model",
        resume=(folder / "model" / "run").exists(),
        seed=seed,
        **settings(options),
    )
    return {name: report.values[name] for name in ("accuracy", "macro_f1")}


def write_random(encoder: Path, target: Path, seed: int) -> None:
    """A network of the encoder's shape and with its tokenizer, its weights drawn at random."""
    checkpoint = read_checkpoint(encoder)
    torch.manual_seed(seed)
    write_folder(
        target,
        nn.ModuleDict({"encoder": Encoder(checkpoint.config)}),
        NameTable.joined({"encoder": ENCODER_NAMES}),
        checkpoint.config,
        checkpoint.tokenizer(),
        architecture="BertModel",
        task=None,
    )


def ngrams(data: Path, seed: int) -> dict[str, float]:
    """Dev scores of a linear model on one to three characters in a row, weighted by tf-idf."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.metrics import accuracy_score, f1_score
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    (texts, labels), (dev_texts, gold) = (columns(data / name) for name in ("train.tsv", "dev.tsv"))
    vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True)
    made = make_pipeline(vectorizer, LinearSVC(random_state=seed)).fit(texts, labels).predict(dev_texts)
    return {
        "accuracy": round(100 * float(accuracy_score(gold, made)), 4),
        "macro_f1": round(100 * float(f1_score(gold, made, average="macro")), 4),
    }


def columns(path: Path) -> tuple[list[str], list[str]]:
    """Texts and labels of a file."""
    rows = [row for _, row in read_rows(path)]
    return [row["text"] for row in rows], [row["label"] for row in rows]


def summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Means and spreads over seeds."""
    found: dict[str, Any] = {"runs": runs}
    for name in ("accuracy", "macro_f1"):
        values = [run[name] for run in runs]
        spread = statistics.stdev(values) if len(values) > 1 else 0.0
        found[name] = {"mean": round(statistics.fmean(values), 2), "spread": round(spread, 2)}
    return found


if __name__ == "__main__":
    main()
