"""The peer of `finetuning_quality.py`: transformers' model for a task in a plain PyTorch loop.

    python benchmarks/peers/transformers_finetuning.py JOB.json RESULT.json

AdamW, linear schedule with warm-up, padded batches of texts of like length (grouped as by the Trainer's
`group_by_length`, in random order), the dropout of the model's configuration.
For entities the first piece of a word learns its tag and the others are left out (-100). Texts that are
longer than the encoder reads are cut off, and what is lost with that is counted. Only the updates are
timed.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader
from transformers import (
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
    DataCollatorForTokenClassification,
    DataCollatorWithPadding,
    get_linear_schedule_with_warmup,
)
from transformers.trainer_pt_utils import get_length_grouped_indices

IGNORED = -100
EVALUATION_BATCH = 32


class TaggedWords:
    """Entities: texts are lists of words, each with its tag."""

    model_class = AutoModelForTokenClassification

    def __init__(self, tokenizer: Any, labels: list[str]) -> None:
        self.tokenizer = tokenizer
        self.numbers = {label: number for number, label in enumerate(labels)}
        self.collate = DataCollatorForTokenClassification(tokenizer)

    def features(self, items: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], dict[str, int]]:
        """Padded-batch features, and what of the words and entities was cut off."""
        encoded = self.tokenizer([item["words"] for item in items], is_split_into_words=True, truncation=True)
        found, lost = [], {"texts": 0, "words": 0, "entities": 0}
        for number, item in enumerate(items):
            places = encoded.word_ids(number)
            labels = [
                self.numbers.get(item["tags"][word], IGNORED)
                if word is not None and word != before
                else IGNORED
                for before, word in zip([None, *places], places, strict=False)
            ]
            found.append({"input_ids": encoded["input_ids"][number], "labels": labels})
            read = 1 + max((word for word in places if word is not None), default=-1)
            # A word without a piece at the end of a text is not cut off: it never had one.
            if len(places) >= self.tokenizer.model_max_length and read < len(item["words"]):
                lost["texts"] += 1
                lost["words"] += len(item["words"]) - read
                lost["entities"] += sum(tag.startswith("B-") for tag in item["tags"][read:])
        return found, lost

    def predictions(self, item: dict[str, Any], feature: dict[str, Any], scores: torch.Tensor) -> list[int]:
        """The number of the best tag of each word; -1 for words that were not read."""
        places = self.tokenizer([item["words"]], is_split_into_words=True, truncation=True).word_ids(0)
        made = [-1] * len(item["words"])
        best = scores.argmax(dim=-1).tolist()
        for place in reversed(range(len(places))):
            if places[place] is not None:
                made[places[place]] = best[place]
        return made


class LabelledTexts:
    """Classification: a text, or two, with one label."""

    model_class = AutoModelForSequenceClassification

    def __init__(self, tokenizer: Any, labels: list[str]) -> None:
        self.tokenizer = tokenizer
        self.numbers = {label: number for number, label in enumerate(labels)}
        self.collate = DataCollatorWithPadding(tokenizer)

    def features(self, items: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], dict[str, int]]:
        """Padded-batch features, and how many texts and pieces were cut off."""
        texts = [[item["text"] for item in items]]
        if "pair" in items[0]:
            texts.append([item["pair"] for item in items])
        whole = self.tokenizer(*texts)["input_ids"]
        encoded = self.tokenizer(*texts, truncation=True)
        over = [len(ids) - self.tokenizer.model_max_length for ids in whole]
        names = [name for name in ("input_ids", "token_type_ids") if name in encoded]
        found = [
            {**{name: encoded[name][number] for name in names}, "labels": self.numbers.get(item["label"], 0)}
            for number, item in enumerate(items)
        ]
        return found, {"texts": sum(one > 0 for one in over), "pieces": sum(one for one in over if one > 0)}

    def predictions(self, item: dict[str, Any], feature: dict[str, Any], scores: torch.Tensor) -> list[float]:
        """Scores of the labels."""
        return scores.tolist()  # type: ignore[no-any-return]


def main() -> None:
    """Train, predict the dev set, write the result."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(job["seed"])
    tokenizer = AutoTokenizer.from_pretrained(job["model"])
    kind = {"entities": TaggedWords, "classification": LabelledTexts}[job["task"]](tokenizer, job["labels"])
    model = kind.model_class.from_pretrained(job["model"], num_labels=len(job["labels"])).to(device)
    tokenizer.model_max_length = min(tokenizer.model_max_length, model.config.max_position_embeddings)
    train, lost_train = kind.features(job["train"])
    dev, lost_dev = kind.features(job["dev"])
    arithmetic = torch.autocast(device.type, torch.bfloat16, enabled=job["precision"] == "bfloat16")
    seconds, updates, loss = trained(model, kind, train, job, arithmetic, device)
    predictions = predicted(model, kind, job["dev"], dev, arithmetic, device)
    result = {
        "predictions": predictions,
        "seconds": seconds,
        "updates": updates,
        "last_loss": loss,
        "lost": {"training": lost_train, "dev": lost_dev},
    }
    Path(sys.argv[2]).write_text(json.dumps(result), encoding="utf-8")


class AlikeBatches:
    """Batches of numbers of texts of like length, drawn anew each epoch."""

    def __init__(self, lengths: list[int], batch: int, seed: int) -> None:
        self.lengths = lengths
        self.batch = batch
        self.generator = torch.Generator().manual_seed(seed)

    def __len__(self) -> int:
        return math.ceil(len(self.lengths) / self.batch)

    def __iter__(self) -> Iterator[list[int]]:
        order = get_length_grouped_indices(self.lengths, self.batch, generator=self.generator)
        for number in torch.randperm(len(self), generator=self.generator).tolist():
            yield order[number * self.batch : (number + 1) * self.batch]


def trained(
    model: Any, kind: Any, train: list[Any], job: dict[str, Any], arithmetic: Any, device: torch.device
) -> tuple[float, int, float]:
    """Make all updates; seconds, their number, the last loss."""
    alike = AlikeBatches([len(feature["input_ids"]) for feature in train], job["batch"], job["seed"])
    batches = DataLoader(train, batch_sampler=alike, collate_fn=kind.collate)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=job["learning_rate"], weight_decay=job["weight_decay"]
    )
    steps = job["epochs"] * len(batches)
    schedule = get_linear_schedule_with_warmup(optimizer, round(job["warmup"] * steps), steps)
    model.train()
    made, loss = 0, torch.zeros(())
    began = time.perf_counter()
    for _ in range(job["epochs"]):
        for batch in batches:
            with arithmetic:
                loss = model(**batch.to(device)).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), job["max_gradient_norm"])
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            made += 1
            if made % 50 == 0:
                print(f"transformers: update {made} of {steps}, loss {loss.item():.3f}", flush=True)
    return time.perf_counter() - began, made, loss.item()


def predicted(
    model: Any, kind: Any, items: list[Any], features: list[Any], arithmetic: Any, device: torch.device
) -> list[Any]:
    """Predictions of the dev set."""
    model.eval()
    found = []
    for start in range(0, len(features), EVALUATION_BATCH):
        chosen = features[start : start + EVALUATION_BATCH]
        batch = kind.collate(chosen).to(device)
        batch.pop("labels", None)
        with torch.inference_mode(), arithmetic:
            scores = model(**batch).logits.float().cpu()
        found += [
            kind.predictions(item, feature, rows)
            for item, feature, rows in zip(items[start:], chosen, scores, strict=False)
        ]
    return found


if __name__ == "__main__":
    main()
