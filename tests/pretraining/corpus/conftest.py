import json
from collections.abc import Callable
from pathlib import Path

import pytest

from spanbert.pretraining.corpus.prepare import prepare
from spanbert.pretraining.corpus.settings import CorpusSettings
from spanbert.pretraining.corpus.shards import Corpus

WORDS = (
    *("the", "paris", "france", "capital", "city", "river", "runs", "through", "what", "where", "who"),
    *("unable", "cats,", "x-rays", "是的言", "café"),
)


def document(number: int, lines: int) -> list[str]:
    """Lines of 1 to 40 words, different for each number."""
    return [
        " ".join(WORDS[(number * 7 + line * 3 + place) % len(WORDS)] for place in range((line * 13) % 40 + 1))
        for line in range(lines)
    ]


@pytest.fixture
def sources(tmp_path) -> Path:
    """A folder with two text files and a JSONL file: 17 documents.

    The first and the last word of a JSONL document are given spans; a third one crosses its lines.
    """
    folder = tmp_path / "sources"
    folder.mkdir()
    for name, first in (("a.txt", 0), ("b.txt", 6)):
        texts = ["\n".join(document(first + number, number + 1)) for number in range(6)]
        (folder / name).write_text("\n\n".join(texts), encoding="utf-8")
    with (folder / "c.jsonl").open("w", encoding="utf-8") as stream:
        for number in range(5):
            text = "\n".join(document(20 + number, 3))
            first, last = len(text.split()[0]), len(text) - len(text.split()[-1])
            json.dump({"text": text, "spans": [[0, first], [last, len(text)], [0, len(text)]]}, stream)
            stream.write("\n")
    return folder


@pytest.fixture
def prepared(tokenizer, sources, tmp_path) -> Callable[..., Corpus]:
    """Prepares the folder of sources, with the settings that are given."""

    def made(output: str = "corpus", **settings) -> Corpus:
        values = {"block_pieces": 30, "shard_chars": 900, "workers": 1} | settings
        return prepare([sources], tokenizer, tmp_path / output, CorpusSettings(**values))

    return made
