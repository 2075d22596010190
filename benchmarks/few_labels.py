"""Linear classifiers on frozen features against full fine-tuning, with 8 labels for each class.

    python benchmarks/few_labels.py DATA --sets banking77 --output FILE.json

DATA holds banking77/ and clinc150/ with train.tsv and dev.tsv (columns text and label). Each seed draws its
own training texts, the same for all methods. All are scored on the whole dev file, by which nothing is
chosen: fine-tuning is evaluated once, at its end, on its own training texts. The result holds accuracies in
percent for each seed, their means and spread, and seconds.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import spanbert
from spanbert.checkpoint.source import read_checkpoint
from spanbert.features import SpanbertClassifier
from spanbert.text.tables import read_rows
from spanbert.workflows.embedding.embed import vector_part
from spanbert.workflows.provenance import file_sha256, machine, model_sha256, package

SETS = ("banking77", "clinc150")
METHODS = ("logistic", "svm", "fine-tuning")

Rows = list[tuple[str, str]]
"""Text and label."""


def rows_of(path: Path) -> Rows:
    """Texts and labels of a file."""
    return [(row["text"], row["label"]) for _, row in read_rows(path)]


def drawn(rows: Rows, per_class: int, classes: int | None, seed: int) -> Rows:
    """So many texts of each class (of the first `classes` by name), in random order."""
    by_label: dict[str, list[str]] = defaultdict(list)
    for text, label in rows:
        by_label[label].append(text)
    rng = random.Random(seed)
    found = [
        (text, label)
        for label in sorted(by_label)[:classes]
        for text in rng.sample(by_label[label], min(per_class, len(by_label[label])))
    ]
    rng.shuffle(found)
    return found


def accuracy(predicted: list[str], rows: Rows) -> float:
    """Percent of the rows whose label was predicted."""
    return 100 * sum(one == label for one, (_, label) in zip(predicted, rows, strict=True)) / len(rows)


def frozen(head: str, train: Rows, dev: Rows, options: argparse.Namespace) -> float:
    """Accuracy of a linear classifier on frozen features."""
    made = SpanbertClassifier(options.model, head=head)
    made.fit([text for text, _ in train], [label for _, label in train])
    return accuracy([str(label) for label in made.predict([text for text, _ in dev])], dev)


def finetuned(train: Rows, dev: Rows, options: argparse.Namespace, seed: int) -> float:
    """Accuracy of a model all of whose weights were trained."""
    with tempfile.TemporaryDirectory() as folder:
        data, output = Path(folder) / "train.jsonl", Path(folder) / "model"
        lines = (json.dumps({"text": text, "label": label}, ensure_ascii=False) for text, label in train)
        data.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        spanbert.finetune(
            "classification",
            train=data,
            dev=data,
            model=options.model,
            output=output,
            epochs=options.epochs,
            learning_rate=options.learning_rate,
            head_learning_rate=options.head_learning_rate,
            batch_pieces=options.batch_pieces,
            evaluations=1,
            seed=seed,
        )
        predictions = spanbert.load(output).predict([text for text, _ in dev])
        return accuracy([made.label for made in predictions], dev)


def measured(run: Callable[[], float]) -> dict[str, float]:
    """An accuracy and the seconds it took."""
    began = time.perf_counter()
    value = run()
    return {"accuracy": round(value, 2), "seconds": round(time.perf_counter() - began, 1)}


def compare(data: Path, options: argparse.Namespace) -> dict[str, Any]:
    """All methods on one data set."""
    train, dev = rows_of(data / "train.tsv"), rows_of(data / "dev.tsv")
    if options.classes:
        kept = sorted({label for _, label in train})[: options.classes]
        dev = [row for row in dev if row[1] in kept]
    runs: dict[str, list[dict[str, float]]] = {method: [] for method in options.methods}
    for seed in range(options.seeds):
        some = drawn(train, options.per_class, options.classes, seed)
        for method, made in runs.items():
            if method == "fine-tuning":
                made.append(measured(lambda some=some, seed=seed: finetuned(some, dev, options, seed)))
            else:
                made.append(measured(lambda head=method, some=some: frozen(head, some, dev, options)))
        told = ", ".join(f"{method} {made[-1]['accuracy']}" for method, made in runs.items())
        print(f"{data.name}, seed {seed}: {told}", flush=True)
    found: dict[str, Any] = {
        "train_sha256": file_sha256(data / "train.tsv"),
        "dev_sha256": file_sha256(data / "dev.tsv"),
        "dev_texts": len(dev),
    }
    for method, made in runs.items():
        values = [one["accuracy"] for one in made]
        found[method] = {
            "mean": round(statistics.mean(values), 2),
            "spread": round(statistics.stdev(values), 2) if len(values) > 1 else None,
            "runs": made,
        }
    return found


def main() -> None:
    """Compare, print a table, write the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder with banking77/ and clinc150/")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--model", default="mini")
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--methods", nargs="+", default=METHODS, choices=METHODS)
    parser.add_argument("--per-class", type=int, default=8)
    parser.add_argument("--classes", type=int, help="only so many classes, for a quick try")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=float, default=40)
    parser.add_argument("--learning-rate", type=float, default=1e-4)
    parser.add_argument("--head-learning-rate", type=float, default=2e-3)
    parser.add_argument("--batch-pieces", type=int, default=1024)
    options = parser.parse_args()
    results = {name: compare(options.data / name, options) for name in options.sets}
    print(f"| data | {' | '.join(options.methods)} |\n|---|{'---:|' * len(options.methods)}")
    for name, found in results.items():
        cells = (
            f"{found[method]['mean']:.1f}"
            + (f" ± {found[method]['spread']:.1f}" if found[method]["spread"] is not None else "")
            for method in options.methods
        )
        print(f"| {name} | {' | '.join(cells)} |")
    settings = {key: str(value) if isinstance(value, Path) else value for key, value in vars(options).items()}
    checkpoint = read_checkpoint(options.model)
    weights = model_sha256(checkpoint.path, part=vector_part(checkpoint))
    result = {
        "settings": settings,
        "model_sha256": weights,
        "results": results,
        "machine": machine(),
        "package": package(),
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
