"""Texts of many kinds from freely licensed sets, for `similarity.py`; no label of theirs is read.

    python recipes/mini/prepare_similarity.py DATA runs/mini/similarity-texts.txt.gz

Sentences and whole paragraphs of Wikipedia, questions, sentences of news, novels and papers, simple
sentences of language learners, posts, and short requests. Only training parts are read.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from spanbert.text.tables import read_rows

SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"'])")
MOST_WORDS = 180


def main() -> None:
    """Draw so many texts of each kind, mix them, write one a line."""
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    data, target = map(Path, sys.argv[1:])
    rng = random.Random(0)
    wiki, novels = (lines(data / "corpus" / f"{name}.txt.gz") for name in ("en-wiki", "en-novels"))
    kinds: list[tuple[list[str], int]] = [
        ([part for line in wiki for part in SENTENCE_END.split(line)], 36_000),
        (wiki, 2_500),
        ([part for line in novels for part in SENTENCE_END.split(line)], 8_000),
        (questions(data / "qa" / "squad1" / "train.json.gz"), 16_000),
        (contexts(data / "qa" / "qamr" / "train.json.gz"), 3_000),
        (column(data / "translation" / "tatoeba-en-zh" / "train.tsv", "source"), 14_000),
        (column(data / "classification" / "banking77" / "train.tsv", "text"), 5_000),
        (column(data / "classification" / "clinc150" / "train.tsv", "text"), 7_000),
        (posts(data / "ner" / "wnut17" / "train.conll"), 3_000),
        ([part for text in abstracts(data) for part in SENTENCE_END.split(text)], 5_000),
    ]
    drawn: list[str] = []
    for texts, count in kinds:
        usable = sorted({" ".join(text.split()[:MOST_WORDS]) for text in texts} - {""})
        drawn += rng.sample(usable, min(count, len(usable)))
    rng.shuffle(drawn)
    target.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(target, "wt", encoding="utf-8") as stream:
        stream.writelines(f"{text}\n" for text in drawn)
    print(f"{target}: {len(drawn):,} texts, {sum(len(text.split()) for text in drawn):,} words")


def lines(path: Path) -> list[str]:
    """Paragraphs of a corpus file."""
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        return [line.strip() for line in stream]


def squad(path: Path) -> Iterator[dict[str, object]]:
    """Paragraphs of a SQuAD file."""
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        for article in json.load(stream)["data"]:
            yield from article["paragraphs"]


def questions(path: Path) -> list[str]:
    """Questions of a SQuAD file."""
    return [item["question"] for paragraph in squad(path) for item in paragraph["qas"]]  # type: ignore[attr-defined]


def contexts(path: Path) -> list[str]:
    """Contexts of a SQuAD file."""
    return [str(paragraph["context"]) for paragraph in squad(path)]


def column(path: Path, name: str) -> list[str]:
    """A column of a table."""
    return [row[name] for _, row in read_rows(path)]


def posts(path: Path) -> list[str]:
    """Sentences of a CoNLL file."""
    blocks = path.read_text(encoding="utf-8").split("\n\n")
    return [" ".join(line.split("\t")[0] for line in block.split("\n")) for block in blocks]


def abstracts(data: Path) -> list[str]:
    """Abstracts of scientific papers."""
    folder = data / "summarization" / "scitldr"
    path = next(folder.glob("train.jsonl*"))
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as stream:
        return [json.loads(line)["text"] for line in stream]


if __name__ == "__main__":
    main()
