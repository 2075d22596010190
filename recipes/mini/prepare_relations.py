"""SemEval's pairs of common things, and pairs of names between which none of its relations holds.

    python recipes/mini/prepare_relations.py DATA/relation/semeval2010/train.jsonl.gz \\
        runs/mini/entities-data/train.conll runs/mini/relations-data/train.jsonl

SemEval-2010 task 8 marks common nouns (4 of its 7,176 subjects here are capitalised), so a model of it alone
says "product and producer" of any two names it is shown. The second file is what `prepare_entities.py` wrote:
one pair of each sentence with several names, and of each two sentences with one name, is learned as `Other`.
"""

from __future__ import annotations

import gzip
import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path

from spanbert.tasks.entities.examples import EntityExample
from spanbert.tasks.entities.formats import read_examples
from spanbert.tasks.entities.formats.tokens import in_words

SEED = 0


def main() -> None:
    """Write one file with both."""
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    pairs, names, target = map(Path, sys.argv[1:])
    lines = gzip.decompress(pairs.read_bytes()).decode().splitlines()
    made = [json.dumps(one, ensure_ascii=False) for one in pairs_of_names(list(read_examples(names)))]
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("\n".join([*lines, *made]) + "\n", encoding="utf-8")
    print(f"{target}: {len(lines)} pairs of things, {len(made)} of names")


def pairs_of_names(sentences: list[EntityExample]) -> Iterator[dict[str, object]]:
    """Two names of one sentence, or of two in a row, in either order."""
    rng = random.Random(SEED)
    single = []
    for sentence in sentences:
        words, spans = in_words(sentence)
        places = [(start, end - 1) for start, end, _ in spans]
        if len(places) == 1:
            single.append((words, places[0]))
        elif len(places) > 1:
            yield pair(words, *rng.sample(places, 2))
    for (words, one), (more, other) in zip(single[::2], single[1::2], strict=False):
        moved = (other[0] + len(words), other[1] + len(words))
        yield pair([*words, *more], *rng.sample([one, moved], 2))


def pair(words: list[str], subject: tuple[int, int], target: tuple[int, int]) -> dict[str, object]:
    """A line of the data."""
    return {"tokens": words, "subject": subject, "object": target, "relation": "Other"}


if __name__ == "__main__":
    main()
