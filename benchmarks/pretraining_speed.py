"""Pieces per second of pretraining against transformers' BertForMaskedLM, side by side on the same text.

    python benchmarks/pretraining_speed.py CORPUS.txt.gz TOKENIZER

A 6 x 384 encoder, blocks of nearly 512 pieces, batches of 8 blocks, float32 (bfloat16 where the device
computes in it natively). Each side is a process of its own that makes a few updates when it is its turn, so
that a busy machine hits all sides alike and each has its own peak of memory. Ours is the package's trainer,
the peer a plain loop over transformers' collator and model, once as it comes and once with scores for masked
pieces alone. transformers is needed.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from side_by_side import HERE, Side, spread

from spanbert.checkpoint.vocabulary import read_tokenizer
from spanbert.nn.config import EncoderConfig
from spanbert.nn.encoder import Encoder
from spanbert.pretraining.batch import Masker
from spanbert.pretraining.corpus.prepare import prepare
from spanbert.pretraining.corpus.settings import CorpusSettings
from spanbert.pretraining.corpus.shards import Corpus
from spanbert.pretraining.corruption import Corruption, UnigramLaw
from spanbert.pretraining.data import BlockData
from spanbert.pretraining.model import PretrainingModel
from spanbert.pretraining.objectives import objective
from spanbert.scoring.report import Report
from spanbert.text.tokenizer import Tokenizer
from spanbert.training.events import StepRecord
from spanbert.training.loop import Trainer, training_arithmetic
from spanbert.training.run_folder import RunFolder
from spanbert.training.settings import TrainingSettings
from spanbert.workflows.pretraining_plan import flops_a_piece
from spanbert.workflows.provenance import machine, package

FULL = 480
BLOCKS = 8
OURS = ("spanbert package, spanbert", "spanbert package, spans", "spanbert package, subwords")
PEERS = ("transformers, as it comes", "transformers, head on masked pieces")
Turn = dict[str, float]


def main() -> None:
    """Measure and write the result file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path)
    parser.add_argument("tokenizer", type=Path)
    parser.add_argument("--preset", default="small")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--updates", type=int, default=3, help="updates of a side in its turn")
    parser.add_argument("--output", type=Path, default=HERE / "results" / "pretraining_speed.json")
    parser.add_argument("--side", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        serve(arguments)
        return
    tokenizer, _ = read_tokenizer(arguments.tokenizer)
    turns: dict[str, list[Turn]] = {name: [] for name in (*OURS, *PEERS)}
    with tempfile.TemporaryDirectory() as folder:
        corpus = prepare([arguments.corpus], tokenizer, Path(folder) / "corpus", CorpusSettings())
        sides = {name: started(name, arguments, corpus.folder) for name in turns}
        for number in range(arguments.rounds + 1):  # the first round warms up
            for name, side in sides.items():
                turn = side.turn()
                print(f"round {number}: {name}: {turn['pieces'] / turn['seconds']:.0f} pieces/s", flush=True)
                if number:
                    turns[name].append(turn)
        for side in sides.values():
            side.close()
    longest = int(corpus.lengths.max())
    config = EncoderConfig.preset(arguments.preset, tokenizer.vocabulary_size)
    medians = {name: statistics.median(speeds(found)) for name, found in turns.items()}
    result = {
        "claim": "pretraining is at least twice as fast as transformers' BertForMaskedLM",
        "command": " ".join(["python", *sys.argv]),
        "preset": arguments.preset,
        "rounds": arguments.rounds,
        "updates_a_turn": arguments.updates,
        "threads": torch.get_num_threads(),
        "padding_share_of_padded_rows_of_this_corpus": round(1 - float(corpus.lengths.mean()) / longest, 3),
        "sides": {
            name: {
                "pieces_per_second": spread(speeds(found), None),
                "gflop_per_second": round(
                    medians[name]
                    * flops_a_piece(config, np.asarray([512]), predictions(name), found[0]["read"])
                    / 1e9,
                    1,
                ),
                "data_share": round(sum(t["data"] for t in found) / sum(t["seconds"] for t in found), 4),
                "padding_share": round(
                    1 - sum(t["pieces"] for t in found) / sum(t["cells"] for t in found), 4
                ),
                "peak_memory_mib": round(max(t["memory"] for t in found)),
            }
            for name, found in turns.items()
        },
        "ratio_to_peer_as_it_comes": {name: ratio(turns, name, PEERS[0]) for name in OURS},
        "ratio_to_peer_with_head_on_masked": {name: ratio(turns, name, PEERS[1]) for name in OURS},
        "machine": machine(),
        "package": package(),
    }
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result["ratio_to_peer_as_it_comes"], indent=2))
    print(f"written to {arguments.output}")


def speeds(turns: list[Turn]) -> list[float]:
    """Real pieces per second of each turn."""
    return [turn["pieces"] / turn["seconds"] for turn in turns]


def ratio(turns: dict[str, list[Turn]], side: str, peer: str) -> dict[str, float]:
    """Of a side's speed to a peer's in the same round: median, least and greatest over the rounds."""
    found = [one / other for one, other in zip(speeds(turns[side]), speeds(turns[peer]), strict=True)]
    return spread(found)


def predictions(side: str) -> float:
    """Scores over the vocabulary for each piece read."""
    if side == PEERS[0]:
        return 1.0
    return 0.15 if side == PEERS[1] else objective(side.rpartition(" ")[2]).predictions


def started(name: str, arguments: argparse.Namespace, corpus: Path) -> Side:
    """A process that makes updates of one side when asked."""
    options = ["--side", name, "--preset", arguments.preset, "--updates", str(arguments.updates)]
    return Side(sys.executable, __file__, corpus, arguments.tokenizer, *options)


class Turns:
    """In a side's process: updates are made turn by turn, each asked for by a line on standard input.

    Hears the package's trainer as a listener.
    """

    def __init__(self, updates: int) -> None:
        self.updates = updates
        self.read = 1.0
        """States of the last layer that the heads read, for each piece."""

    def begin(self) -> None:
        """Wait until a turn is asked for."""
        if not sys.stdin.readline():
            sys.exit()
        self.made = 0
        self.turn: Turn = {"pieces": 0.0, "cells": 0.0, "data": 0.0}
        self.began = time.perf_counter()

    def add(self, pieces: float, cells: float, data: float) -> None:
        """An update was made; the last of a turn is answered and the next turn awaited."""
        self.made += 1
        self.turn = {
            "pieces": self.turn["pieces"] + pieces,
            "cells": self.turn["cells"] + cells,
            "data": self.turn["data"] + data,
        }
        if self.made == self.updates:
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            seconds = time.perf_counter() - self.began
            print(
                json.dumps({**self.turn, "seconds": seconds, "memory": memory, "read": self.read}), flush=True
            )
            self.begin()

    def started(self, step: int, steps: int) -> None:
        """The trainer is ready."""
        self.begin()

    def updated(self, record: StepRecord) -> None:
        """The trainer made an update; its batches have no padding."""
        self.add(float(record.pieces), float(record.pieces), record.data_seconds)

    def evaluated(self, step: int, report: Report, best: bool) -> None:
        """Never happens here."""

    def ended(self, step: int, reason: str) -> None:
        """Never happens here."""


def serve(arguments: argparse.Namespace) -> None:
    """Be one side."""
    tokenizer, _ = read_tokenizer(arguments.tokenizer)
    corpus = Corpus(arguments.corpus)
    full = np.flatnonzero(corpus.lengths >= FULL)
    config = EncoderConfig.preset(arguments.preset, tokenizer.vocabulary_size).with_dropout(0.0)
    torch.manual_seed(0)
    turns = Turns(arguments.updates)
    if arguments.side in PEERS:
        be_the_peer(arguments, turns, config, corpus, full, tokenizer)
    else:
        be_ours(arguments.side, turns, config, corpus, full, tokenizer)


def be_ours(
    side: str,
    turns: Turns,
    config: EncoderConfig,
    corpus: Corpus,
    full: NDArray[np.int64],
    tokenizer: Tokenizer,
) -> None:
    """The package's trainer."""
    wanted = objective(side.rpartition(" ")[2])
    special = np.asarray([tokenizer.pad_id, tokenizer.unknown_id, tokenizer.start_id, tokenizer.end_id])
    corruption = Corruption(tokenizer.mask_id, UnigramLaw.of(corpus.piece_counts, special))
    data = BlockData(corpus, full, Masker(wanted, corruption, 0), tokenizer)
    first = data.epoch(0, 0).batch(np.arange(BLOCKS))
    turns.read = sum(map(len, first.read)) / first.pieces.piece_ids.numel()
    settings = TrainingSettings(
        steps=10**6, batch_pieces=BLOCKS * 512, evaluations=1, save_every=10**6, dropout=0.0
    )
    with tempfile.TemporaryDirectory() as folder:
        Trainer(
            PretrainingModel(Encoder(config), boundary=wanted.boundary),
            data,
            settings,
            RunFolder(Path(folder) / "run", {}, resume=False),
            evaluate=lambda: Report("pretraining", {"loss": 0.0}, "loss"),
            keep=lambda report: None,
            listeners=[turns],
        ).train()


def be_the_peer(
    arguments: argparse.Namespace,
    turns: Turns,
    config: EncoderConfig,
    corpus: Corpus,
    full: NDArray[np.int64],
    tokenizer: Tokenizer,
) -> None:
    """A plain loop over transformers' model, with padded batches from its own collator."""
    from transformers import AutoTokenizer, BertConfig, BertForMaskedLM, DataCollatorForLanguageModeling

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    shape = BertConfig(
        vocab_size=config.vocabulary_size,
        hidden_size=config.width,
        num_hidden_layers=config.layers,
        num_attention_heads=config.heads,
        intermediate_size=config.feed_forward_width,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    model = BertForMaskedLM(shape).to(device)
    collator = DataCollatorForLanguageModeling(AutoTokenizer.from_pretrained(arguments.tokenizer))
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5, weight_decay=0.01)
    random = np.random.default_rng(0)
    model.train()
    turns.begin()
    while True:
        began = time.perf_counter()
        features = []
        for block in random.choice(full, BLOCKS, replace=False):
            ids = corpus.gather(np.asarray([block])).piece_ids.tolist()
            features.append({"input_ids": [tokenizer.start_id, *ids, tokenizer.end_id]})
        batch = collator(features).to(device)
        data = time.perf_counter() - began
        with training_arithmetic(TrainingSettings(), device):
            loss = model(**batch).loss if arguments.side == PEERS[0] else masked_only(model, batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        real = batch["attention_mask"]
        turns.add(float(real.sum()), float(real.numel()), data)


def masked_only(model: Any, batch: Any) -> torch.Tensor:
    """The same loss with scores for the masked pieces alone."""
    hidden = model.bert(batch["input_ids"], attention_mask=batch["attention_mask"]).last_hidden_state
    labels = batch["labels"]
    chosen = labels != -100
    return torch.nn.functional.cross_entropy(model.cls(hidden[chosen]), labels[chosen])


if __name__ == "__main__":
    main()
