"""A network, data and scores small enough to reason about: one linear layer, features of 16 pieces."""

from dataclasses import dataclass

import numpy as np
import torch
from accelerate import Accelerator

from spanbert.scoring.report import Report
from spanbert.training.data import FeatureEpoch
from spanbert.training.loop import Trainer
from spanbert.training.processes import Processes
from spanbert.training.run_folder import RunFolder
from spanbert.training.settings import TrainingSettings


@dataclass(frozen=True)
class Feature:
    values: torch.Tensor
    target: float
    piece_count: int = 16


@dataclass(frozen=True)
class Batch:
    values: torch.Tensor
    targets: torch.Tensor

    @property
    def target_counts(self):
        return {"squares": len(self.targets)}

    def to(self, device):
        return Batch(self.values.to(device), self.targets.to(device))


@dataclass(frozen=True)
class Output:
    losses: dict
    hits: dict


class Data:
    def __init__(self, count=32):
        self.count = count

    def epoch(self, seed, epoch):
        rng = np.random.default_rng((seed, epoch))
        rows = rng.normal(size=(self.count, 8)).astype(np.float32)
        features = [Feature(torch.from_numpy(row), float(row.sum())) for row in rows]
        return FeatureEpoch(features, self.collate)

    def collate(self, features):
        targets = torch.tensor([feature.target for feature in features])
        return Batch(torch.stack([feature.values for feature in features]), targets)


class Model(torch.nn.Module):
    def __init__(self, dropout=0.0):
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        self.layer = torch.nn.Linear(8, 1)
        self.dropout = torch.nn.Dropout(dropout)
        with torch.no_grad():
            self.layer.weight.copy_(torch.randn(1, 8, generator=generator))
            self.layer.bias.zero_()
        self.seen = []

    def forward(self, batch):
        self.seen.append((self.training, torch.is_autocast_enabled("cpu")))
        predicted = self.layer(self.dropout(batch.values))[:, 0].float()
        squares = (predicted - batch.targets) ** 2
        return Output({"squares": squares.sum()}, {})


class Heard:
    """Keeps all that a listener hears."""

    def __init__(self):
        self.records, self.evaluations, self.reasons, self.starts = [], [], [], []

    def started(self, step, steps):
        self.starts.append((step, steps))

    def updated(self, record):
        self.records.append(record)

    def evaluated(self, step, report, best):
        self.evaluations.append((step, report.primary_value, best))

    def ended(self, step, reason):
        self.reasons.append(reason)


def trainer(folder, *, model=None, data=None, scores=(), resume=False, listeners=(), **settings):
    """A trainer whose evaluations give `scores` by their number in the whole run, then 0, 0, ..."""
    chosen = TrainingSettings(
        **{"batch_pieces": 64, "learning_rate": 0.01, "precision": "float32"} | settings
    )
    run = RunFolder(folder, chosen.model_dump(), resume=resume)
    run.begin()
    run.close()  # tests resume in one process what was stopped in another
    made = Trainer(
        model or Model(chosen.dropout),
        data or Data(),
        chosen,
        run,
        evaluate=lambda: report(dict(enumerate(scores)).get(evaluations_before(made), 0.0)),
        keep=lambda kept: (folder / "kept").write_text(str(kept.primary_value)),
        listeners=[run, *listeners],
        processes=Processes(Accelerator(cpu=True)),
    )
    return made


def evaluations_before(made):
    return sum(record["kind"] == "evaluation" for record in made.run.records())


def report(value):
    return Report("toy", {"score": value}, "score", details={"value": value})
