"""Pieces masked per second on one core, on real text, against transformers' collators, side by side.

    python benchmarks/masking_speed.py CORPUS.txt.gz TOKENIZER

Blocks of up to 510 pieces in batches of 256. Ours is timed from the raw blocks to corrupted pieces with
targets; the peers from the same blocks as Python lists, cut to 480 pieces, to their batch. transformers is
needed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from spanbert.checkpoint.vocabulary import read_tokenizer
from spanbert.pretraining.batch import Masker
from spanbert.pretraining.corpus.prepare import prepare
from spanbert.pretraining.corpus.settings import CorpusSettings
from spanbert.pretraining.corpus.shards import Blocks
from spanbert.pretraining.corruption import Corruption, UnigramLaw
from spanbert.pretraining.data import framed
from spanbert.pretraining.objectives import OBJECTIVES
from spanbert.text.tokenizer import Tokenizer
from spanbert.workflows.provenance import machine, package

HERE = Path(__file__).parent
BATCH = 256
CUT = 480


def main() -> None:
    """Measure and write the result file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path)
    parser.add_argument("tokenizer", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=HERE / "results" / "masking_speed.json")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    tokenizer, _ = read_tokenizer(arguments.tokenizer)
    with tempfile.TemporaryDirectory() as folder:
        corpus = prepare([arguments.corpus], tokenizer, Path(folder) / "corpus", CorpusSettings())
        full = np.flatnonzero(corpus.lengths >= CUT)[: 4 * BATCH]
        batches = [full[start : start + BATCH] for start in range(0, len(full), BATCH)]
        special = np.asarray([tokenizer.pad_id, tokenizer.unknown_id, tokenizer.start_id, tokenizer.end_id])
        corruption = Corruption(tokenizer.mask_id, UnigramLaw.of(corpus.piece_counts, special))
        sides: dict[str, Callable[[int], object]] = {}
        for name in ("spanbert", "spans", "whole-words", "subwords"):
            masker = Masker(OBJECTIVES[name], corruption, seed=0)
            sides[f"spanbert package, {name}"] = lambda epoch, masker=masker: [
                masker.batch(framed(corpus.gather(batch), batch, tokenizer), epoch) for batch in batches
            ]
        features = [[feature(corpus.gather(np.asarray([n])), tokenizer) for n in batch] for batch in batches]
        sides |= peers(arguments.tokenizer, features)
        whole = int(corpus.lengths[full].sum())
        pieces = {name: CUT * len(full) if name.startswith("transformers") else whole for name in sides}
        speeds: dict[str, list[float]] = {name: [] for name in sides}
        for number in range(arguments.rounds + 1):
            for name, run in sides.items():
                began = time.perf_counter()
                run(number)
                if number:  # the first round warms up
                    speeds[name].append(pieces[name] / (time.perf_counter() - began))
    result = {
        "claim": "span masking is faster than the collators in use",
        "command": " ".join(["python", *sys.argv]),
        "pieces": pieces,
        "rounds": arguments.rounds,
        "million_pieces_per_second": {
            name: {
                "median": round(statistics.median(found) / 1e6, 3),
                "min": round(min(found) / 1e6, 3),
                "max": round(max(found) / 1e6, 3),
            }
            for name, found in speeds.items()
        },
        "machine": machine(),
        "package": package(),
    }
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result["million_pieces_per_second"], indent=2))


def feature(block: Blocks, tokenizer: Tokenizer) -> dict[str, list[Any]]:
    """A block as transformers' tokenizers give it; places of one character a piece tell the words apart.

    Cut to one length, for the peers cannot pad places.
    """
    ids = [tokenizer.start_id, *block.piece_ids[:CUT].tolist(), tokenizer.end_id]
    places, last = [(0, 0)], 0
    for starts_word in block.starts_word[:CUT].tolist():
        begin = last + 1 if starts_word else last
        last = begin + 1
        places.append((begin, last))
    return {"input_ids": ids, "offset_mapping": [*places, (0, 0)]}


def peers(folder: Path, batches: list[list[dict[str, list[int]]]]) -> dict[str, Callable[[int], object]]:
    """transformers' collators for single pieces and whole words."""
    from transformers import AutoTokenizer, DataCollatorForLanguageModeling

    tokenizer = AutoTokenizer.from_pretrained(folder)
    found: dict[str, Callable[[int], object]] = {}
    for name, whole in (("transformers, single pieces", False), ("transformers, whole words", True)):
        collator = DataCollatorForLanguageModeling(tokenizer, whole_word_mask=whole)
        # Places in the text are read for whole words alone; else they would be padded for nothing.
        kept = ("input_ids", "offset_mapping") if whole else ("input_ids",)
        given = [[{part: one[part] for part in kept} for one in batch] for batch in batches]
        found[name] = lambda _, collator=collator, given=given: [collator(batch) for batch in given]
    return found


if __name__ == "__main__":
    main()
