"""Quality of fine-tuning against transformers' models in a plain PyTorch loop: same encoder, data, epochs.

    python benchmarks/finetuning_quality.py --task entities --train DATA/ner/wnut17/train.conll \\
        --dev DATA/ner/wnut17/dev.conll --model START --epochs 5 --learning-rate 5e-5 --batch 16

Ours is `spanbert.finetune`; the peer AutoModelForTokenClassification or AutoModelForSequenceClassification
with AdamW, the same linear schedule, gradient norm, arithmetic and dropout (ours drops no attention
weights), on padded batches of texts of like length (`peers/`). Its batches are of texts, ours of
pieces: their size is chosen so that both make the same number of updates an epoch and in all. Both keep the
last checkpoint and decide by their scores alone, so that nothing is chosen by the dev set; what our entities
score with the bias that `finetune` fits on the dev set is told apart, as `f1_fitted_on_dev`. One scorer,
ours, scores both. Seconds are those of the updates; sides alternate, seed by seed.

Each side and seed leaves its result in RUNS, and the result file is written after each: a killed comparison
goes on where it was when started again. transformers is needed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from side_by_side import HERE, PEERS, versions, write_result

import spanbert
from spanbert.checkpoint.source import read_checkpoint
from spanbert.scoring.spans import LabelledSpan, SpanCounts
from spanbert.tasks import task_class
from spanbert.tasks.classification.examples import ClassificationPrediction
from spanbert.tasks.entities.formats.tokens import in_words, words_of
from spanbert.text.files import write_json
from spanbert.text.tags import OUTSIDE, spans_of_tags, tag_parts, tags_of_spans
from spanbert.training.order import epoch_batches
from spanbert.workflows.convert import convert
from spanbert.workflows.model_source import build_untrained
from spanbert.workflows.predict import load
from spanbert.workflows.settings import FinetuneSettings

OURS, PEER = "spanbert", "transformers"
LEAST_BATCH = 64
"""Pieces of the smallest batch that `finetune` takes."""
PRIMARY = {"entities": "f1", "classification": "accuracy"}
Values = dict[str, float]


@dataclass(frozen=True)
class Recipe:
    """What decides a run's outcome, on both sides."""

    task: str
    train: str
    dev: str
    model: str
    epochs: int
    learning_rate: float
    head_learning_rate: float | None
    """Of ours alone; transformers' loops have one rate for all."""
    batch: int
    """Texts in a batch of the peer."""
    precision: str
    label: str | None
    """A label whose precision, recall and F1 are told too."""
    task_settings: dict[str, str]
    """Of ours alone, such as the pooling."""


@dataclass(frozen=True)
class Comparison:
    """Both sides on one task.

    Args:
        recipe: settings of both.
        folder: where runs leave their results.
        start: the model as a plain Hugging Face folder.
        train: training examples.
        dev: dev examples.
        task: with the labels of the training data.
        batch_pieces: size of our batches.
        updates: of each side, in all.
    """

    recipe: Recipe
    folder: Path
    start: Path
    train: list[Any]
    dev: list[Any]
    task: Any
    batch_pieces: int
    updates: int

    @classmethod
    def of(cls, recipe: Recipe, folder: Path) -> Comparison:
        """Read the data, and write the model where transformers can read it."""
        start = folder / "start"
        if not (start / "config.json").exists():
            convert(recipe.model, start)
        kind = task_class(recipe.task)
        untaught = kind(kind.Settings.model_validate(recipe.task_settings))
        train, dev = (list(untaught.read(Path(name))) for name in (recipe.train, recipe.dev))
        checkpoint = read_checkpoint(start)
        made = build_untrained(checkpoint, untaught.learn(train), dropout=0.0)
        settings = made.task.settings
        if settings.nested if recipe.task == "entities" else settings.decided != "one":
            sys.exit(
                f"{recipe.train}: needs flat entities or one label a text; the peer has no loop for others"
            )
        features = made.task.training_set(train, made.tokenizer).epoch(0, 0)
        an_epoch = -(-len(train) // recipe.batch)
        pieces = batch_pieces([feature.piece_count for feature in features], an_epoch)
        return cls(recipe, folder, start, train, dev, made.task, pieces, an_epoch * recipe.epochs)

    def ours(self, seed: int) -> dict[str, Any]:
        """One run of `spanbert.finetune`, resumed where it was killed."""
        output = self.folder / f"model-{seed}"
        if not (output / "run" / "report.json").exists():
            spanbert.finetune(
                self.recipe.task,
                train=self.recipe.train,
                dev=self.recipe.dev,
                model=self.start,
                output=output,
                resume=(output / "run").exists(),
                **self.settings(seed).model_dump(exclude_unset=True),
            )
        report = json.loads((output / "run" / "report.json").read_text(encoding="utf-8"))
        lines = (output / "run" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
        made = [line for line in map(json.loads, lines) if line["kind"] == "update"]
        neutral = {"no_entity_bias": 0.0} if self.recipe.task == "entities" else None
        predictor = load(output, task_settings=neutral, precision=self.recipe.precision)
        predictions = list(predictor.predict(self.dev))
        if self.recipe.task == "entities":
            spans = [
                [(one.chars.start, one.chars.end, one.type) for one in found.entities]
                for found in predictions
            ]
            values = {**self.span_values(spans), "f1_fitted_on_dev": report["values"]["f1"]}
        else:
            values = self.label_values(predictions)
        return {
            "values": values,
            "seconds": sum(line["seconds"] for line in made),
            "updates": len(made),
            "lost": report["lost_gold"],
        }

    def settings(self, seed: int) -> FinetuneSettings:
        """Of our runs: one evaluation, at the end, so that the last checkpoint is kept."""
        recipe = self.recipe
        return FinetuneSettings(
            steps=self.updates,
            batch_pieces=self.batch_pieces,
            learning_rate=recipe.learning_rate,
            head_learning_rate=recipe.head_learning_rate,
            precision=recipe.precision,
            dropout=read_checkpoint(self.start).config.hidden_dropout,
            evaluations=1,
            seed=seed,
            task_settings=self.recipe.task_settings,
        )

    def peer(self, seed: int) -> dict[str, Any]:
        """One run of the peer, in a process of its own."""
        job, result = self.folder / "peer-job.json", self.folder / "peer-result.json"
        ours = self.settings(seed)
        write_json(
            job,
            {
                "task": self.recipe.task,
                "model": str(self.start),
                "labels": self.task.labels,
                "train": [self.plain(example) for example in self.train],
                "dev": [self.plain(example) for example in self.dev],
                "epochs": self.recipe.epochs,
                "batch": self.recipe.batch,
                "learning_rate": ours.learning_rate,
                "warmup": ours.warmup,
                "weight_decay": ours.weight_decay,
                "max_gradient_norm": ours.max_gradient_norm,
                "precision": self.recipe.precision,
                "seed": seed,
            },
        )
        subprocess.run([sys.executable, str(PEERS / "transformers_finetuning.py"), job, result], check=True)
        found = json.loads(result.read_text(encoding="utf-8"))
        if self.recipe.task == "entities":
            made = zip(self.dev, found["predictions"], strict=True)
            values = self.span_values([self.spans(example, tags) for example, tags in made])
        else:
            values = self.label_values(list(map(self.prediction, self.dev, found["predictions"])))
        return {"values": values, **{name: found[name] for name in ("seconds", "updates", "lost")}}

    def plain(self, example: Any) -> dict[str, Any]:
        """An example as the peer reads it."""
        if self.recipe.task == "entities":
            words, spans = in_words(example)
            return {"words": words, "tags": tags_of_spans(len(words), spans)}
        pair = {} if example.pair is None else {"pair": example.pair}
        return {"text": example.text, "label": example.gold, **pair}

    def spans(self, example: Any, tags: Sequence[int]) -> list[LabelledSpan]:
        """The entities that the peer's tags mean (-1 for words it did not read), in characters."""
        words = words_of(example)
        parts = [tag_parts(self.task.labels[tag] if tag >= 0 else OUTSIDE) or (OUTSIDE, "") for tag in tags]
        return [(words[start].start, words[end - 1].end, name) for start, end, name in spans_of_tags(parts)]

    def prediction(self, example: Any, scores: Sequence[float]) -> ClassificationPrediction:
        """The peer's scores as a prediction of the task."""
        given = np.asarray(scores, dtype=np.float32)
        free = ClassificationPrediction(
            example.id, "one", (), None, (), 1, len(example.text), given, np.zeros(0)
        )
        return self.task.refit(free)  # type: ignore[no-any-return]

    def span_values(self, found: Sequence[Sequence[LabelledSpan]]) -> Values:
        """Strict precision, recall and F1 over all entities of the dev set, in percent."""
        counts = SpanCounts()
        for example, spans in zip(self.dev, found, strict=True):
            gold = [(one.chars.start, one.chars.end, one.type) for one in example.entities or ()]
            counts.add(gold, spans)
        values = {**counts.strict.to_json(), "macro_f1": round(counts.macro_f1(), 4)}
        return values | self.of_label(counts.of_labels())

    def label_values(self, predictions: Sequence[ClassificationPrediction]) -> Values:
        """Accuracy and macro F1 on the dev set, in percent."""
        report = self.task.score(self.dev, predictions)
        values = {name: report.values[name] for name in ("accuracy", "macro_f1")}
        return values | self.of_label(report.details["per_label"])

    def of_label(self, per_label: Mapping[str, Mapping[str, Any]]) -> Values:
        """Scores of the label that was asked for."""
        if self.recipe.label is None:
            return {}
        row = per_label[self.recipe.label]
        return {f"{self.recipe.label}_{name}": row[name] for name in ("precision", "recall", "f1")}


def batch_pieces(lengths: Sequence[int], updates: int) -> int:
    """The smallest batch in pieces with which an epoch has no more than so many updates."""
    low, high = LEAST_BATCH, max(LEAST_BATCH, sum(lengths))
    while low < high:
        middle = (low + high) // 2
        if len(epoch_batches(lengths, middle, 0, 0)) <= updates:
            high = middle
        else:
            low = middle + 1
    return low


def run(comparison: Comparison, side: str, seed: int) -> dict[str, Any]:
    """The result of a side and seed: what an earlier start of the comparison left, or a new one.

    The recipe stands in it, so that results of another one are not taken for this one's.
    """
    kept = comparison.folder / f"{side}-{seed}.json"
    recipe = asdict(comparison.recipe)
    if kept.exists():
        found: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
        if found["recipe"] != recipe:
            sys.exit(f"{kept}: was made with other settings; choose another --runs or delete the folder")
        return found
    print(f"{side}, seed {seed}: {comparison.updates} updates", flush=True)
    made = comparison.ours(seed) if side == OURS else comparison.peer(seed)
    found = {"side": side, "seed": seed, **made, "recipe": recipe}
    write_json(kept, found)
    shutil.rmtree(comparison.folder / f"model-{seed}", ignore_errors=True)
    return found


def summary(runs: Sequence[Mapping[str, Any]], primary: str) -> dict[str, Any]:
    """Means with the least and greatest of each side, and how far ours is above the peer, seed by seed."""
    sides = {}
    for side in (OURS, PEER):
        mine = [one for one in runs if one["side"] == side]
        if mine:
            sides[side] = {
                **{name: of_seeds([one["values"][name] for one in mine]) for name in mine[0]["values"]},
                "training_seconds": of_seeds([one["seconds"] for one in mine]),
                "updates": mine[0]["updates"],
                "lost": mine[0]["lost"],
            }
    scores = {(one["side"], one["seed"]): one["values"][primary] for one in runs}
    seeds = sorted({one["seed"] for one in runs})
    both = [seed for seed in seeds if {(OURS, seed), (PEER, seed)} <= scores.keys()]
    ahead = [scores[OURS, seed] - scores[PEER, seed] for seed in both]
    return {"sides": sides, f"{primary}_above_peer": of_seeds(ahead) if ahead else None}


def of_seeds(values: Sequence[float]) -> Values:
    """Mean, least and greatest over the seeds."""
    return {
        "mean": round(statistics.fmean(values), 2),
        "min": round(min(values), 2),
        "max": round(max(values), 2),
    }


def main() -> None:
    """Train, score and write the result file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--task", choices=PRIMARY, required=True)
    parser.add_argument("--train", required=True)
    parser.add_argument("--dev", required=True)
    parser.add_argument(
        "--model", required=True, help="where both sides start: a model folder or shipped name"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--learning-rate", type=float, default=5e-5)
    parser.add_argument(
        "--head-learning-rate", type=float, help="of our head; that of the encoder when left out"
    )
    parser.add_argument("--batch", type=int, default=16, help="texts in a batch of the peer")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--label", help="tell precision, recall and F1 of this label too")
    parser.add_argument("--task-settings", nargs="+", default=[], metavar="NAME=VALUE", help="of ours")
    parser.add_argument("--runs", type=Path, help="folder of the runs; runs/quality/TASK-DATA when left out")
    parser.add_argument(
        "--output", type=Path, help="result file; results/TASK_quality_DATA.json when left out"
    )
    given = parser.parse_args()
    data = Path(given.train).absolute().parent.name
    folder = given.runs or Path("runs") / "quality" / f"{given.task}-{data}"
    output = given.output or HERE / "results" / f"{given.task}_quality_{data}.json"
    given.task_settings = dict(one.split("=", 1) for one in given.task_settings)
    recipe = Recipe(**{name: getattr(given, name) for name in Recipe.__dataclass_fields__})
    comparison = Comparison.of(recipe, folder)
    runs = []
    for seed in given.seeds:
        for side in (OURS, PEER):
            runs.append(run(comparison, side, seed))
            result = summary(runs, PRIMARY[given.task])
            write_result(
                output,
                {
                    "claim": f"fine-tuning for {given.task} is not below transformers' with the same encoder",
                    "recipe": asdict(recipe),
                    "texts": {"training": len(comparison.train), "dev": len(comparison.dev)},
                    "updates": comparison.updates,
                    "our_batch_in_pieces": comparison.batch_pieces,
                    "seeds_done": len({one["seed"] for one in runs if one["side"] == PEER}),
                    **result,
                    "runs": [
                        {name: one[name] for name in ("side", "seed", "values", "seconds")} for one in runs
                    ],
                    "peer": versions(sys.executable, ("torch", "transformers")),
                },
            )
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
