"""The part of `mini` whose vectors are those of all-MiniLM-L6-v2, learned from that model without labels.

    python recipes/mini/prepare_similarity.py DATA runs/mini/similarity-texts.txt.gz
    python recipes/mini/similarity.py runs/mini/similarity-texts.txt.gz runs/mini/similarity

The part shares `mini`'s embeddings and first layers, which were trained for questions since, so the teacher's
own last layers do not fit on them: they are the start, and learn to give each piece the last state that the
teacher gives it (`states`), and each text the teacher's mean of these (`vectors`), both as squared distance
relative to the teacher's. Some texts are held out to choose the checkpoint. A killed run goes on where it
was when started again.
"""

from __future__ import annotations

import argparse
import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from spanbert.checkpoint.names import ENCODER_NAMES, NameTable
from spanbert.checkpoint.source import read_checkpoint
from spanbert.nn.batch import PieceBatch
from spanbert.nn.encoder import Encoder
from spanbert.nn.freezing import freeze
from spanbert.scoring.report import Report
from spanbert.tasks.similarity.task import Similarity
from spanbert.training.data import FeatureEpoch
from spanbert.training.loop import Trainer
from spanbert.training.processes import Processes
from spanbert.training.settings import TrainingSettings
from spanbert.workflows.embedding.embed import (
    WindowFeature,
    collate,
    load_encoder,
    text_windows,
    window_feature,
)
from spanbert.workflows.model_source import describe
from spanbert.workflows.provenance import file_sha256, model_sha256
from spanbert.workflows.run_folder import run_folder
from spanbert.workflows.run_options import recorders
from spanbert.workflows.write_model import write_model

WINDOW_PIECES = 254
HELD_OUT = 500
SETTINGS = TrainingSettings(
    epochs=1,
    learning_rate=5e-4,
    warmup=0.05,
    batch_pieces=2048,
    dropout=0.0,
    precision="float32",
    evaluations=4,
    save_every=50,
)


@dataclass(frozen=True)
class TaughtBatch:
    """Texts with the states (1, P, D) that the teacher gives their pieces."""

    pieces: PieceBatch
    states: Tensor

    @property
    def sequences(self) -> Tensor:
        """Which text each piece belongs to, integers (P,)."""
        starts = self.pieces.position_ids.squeeze(0) == 0
        return starts.cumsum(0) - 1

    @property
    def target_counts(self) -> Mapping[str, int]:
        """Pieces and texts."""
        return {"states": self.states.shape[1], "vectors": int(self.sequences[-1]) + 1}

    def to(self, device: torch.device) -> TaughtBatch:
        """The same batch on another device."""
        return TaughtBatch(self.pieces.to(device), self.states.to(device))


@dataclass(frozen=True)
class Distances:
    """Relative squared distances from the teacher, summed."""

    losses: dict[str, Tensor]
    cosines: Tensor
    """Of each text's vector with the teacher's (T,)."""
    hits: dict[str, Tensor] = field(default_factory=dict)


class Student(nn.Module):
    """An encoder that is compared with another one."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, batch: TaughtBatch) -> Distances:
        """How far states and vectors are from the teacher's."""
        own, states = self.encoder(batch.pieces).squeeze(0), batch.states.squeeze(0)
        own_vectors, vectors = (means(values, batch.sequences) for values in (own, states))
        losses = {"states": distance(own, states), "vectors": distance(own_vectors, vectors)}
        return Distances(losses, torch.cosine_similarity(own_vectors, vectors))


def distance(own: Tensor, taught: Tensor) -> Tensor:
    """Squared distance of rows (n, D) as a share of the taught rows' squared length, summed."""
    return ((own - taught).square().sum(1) / taught.square().sum(1)).sum()


def means(states: Tensor, sequences: Tensor) -> Tensor:
    """Means (T, D) of the states (P, D) of each sequence."""
    counts = torch.bincount(sequences)
    return states.new_zeros(len(counts), states.shape[1]).index_add(0, sequences, states) / counts[:, None]


@dataclass(frozen=True)
class Texts:
    """Texts as the loop wants them; the teacher reads each batch as it is made."""

    features: Sequence[WindowFeature]
    teacher: Encoder

    def epoch(self, seed: int, epoch: int) -> FeatureEpoch:
        """All texts."""
        return FeatureEpoch(self.features, self.batch)

    def batch(self, features: Sequence[WindowFeature]) -> TaughtBatch:
        """Texts with what is to be learned of them."""
        pieces = collate(features)
        with torch.inference_mode():
            states = self.teacher(pieces)
        return TaughtBatch(pieces, states.clone())


def main() -> None:
    """Train, and write the model as one for similarity."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("texts", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--teacher", type=Path, default=Path("runs/mini/start"))
    parser.add_argument("--frozen-layers", type=int, default=3)
    options = parser.parse_args()
    base, teacher = read_checkpoint("mini"), read_checkpoint(options.teacher)
    tokenizer = base.tokenizer()
    with gzip.open(options.texts, "rt", encoding="utf-8") as stream:
        pieces = tokenizer.ids_of_many([line.strip() for line in stream])
    features = [
        window_feature(tokenizer, ids, window)
        for ids in pieces
        for window in text_windows(len(ids), WINDOW_PIECES)
    ]
    model = Student(load_encoder(base))
    taught = load_encoder(teacher)
    model.encoder.layers[options.frozen_layers :].load_state_dict(
        taught.layers[options.frozen_layers :].state_dict()
    )
    freeze(model, options.frozen_layers)
    held_out = Texts(features[:HELD_OUT], taught)
    processes = Processes()
    start = {
        "texts_sha256": file_sha256(options.texts),
        "model_sha256": model_sha256(base.path),
        "teacher_sha256": model_sha256(teacher.path),
        "frozen_layers": options.frozen_layers,
    }
    resume = (options.output / "run" / "settings.json").exists()
    run = run_folder(options.output, start, SETTINGS, processes, resume=resume)
    run.begin()

    def evaluate() -> Report:
        with torch.inference_mode():
            found = model(held_out.epoch(0, 0).collate(held_out.features)).cosines
        return Report(
            "similarity", {"cosine_with_teacher": round(100 * float(found.mean()), 3)}, "cosine_with_teacher"
        )

    def keep(report: Report) -> None:
        task = Similarity()
        write_model(
            options.output,
            model,
            NameTable.joined({"encoder": ENCODER_NAMES}),
            base.config,
            tokenizer,
            architecture=task.architecture,
            card=f"{__doc__}\n{report.values}\n",
            task=describe(task),
        )

    data = Texts(features[HELD_OUT:], taught)
    listeners = recorders(run, SETTINGS)
    trainer = Trainer(
        model, data, SETTINGS, run, evaluate=evaluate, keep=keep, listeners=listeners, processes=processes
    )
    best = trainer.train()
    run.finish(best)
    print(best.values)


if __name__ == "__main__":
    main()
