"""What a run's settings add to it: event files for TensorBoard, compiled layers."""

from __future__ import annotations

import torch
from torch import nn

from spanbert.nn.compiling import check_compiler, compile_layers
from spanbert.training.curves import CurveDrawer
from spanbert.training.events import Listener
from spanbert.training.run_folder import RunFolder
from spanbert.training.settings import TrainingSettings
from spanbert.training.tensorboard import TensorBoardWriter, check_tensorboard


def check_options(settings: TrainingSettings, device: torch.device) -> None:
    """Refuse what this machine cannot do before a corpus is prepared or data are read.

    Raises:
        MissingExtraError: an optional package is missing.
        SettingsError: torch cannot compile here.
    """
    if settings.tensorboard:
        check_tensorboard()
    if settings.compile:
        check_compiler(device)


def compiled_where_asked(model: nn.Module, settings: TrainingSettings) -> None:
    """Compile a model's layers in place if the settings say so."""
    if settings.compile:
        compile_layers(model)


def recorders(run: RunFolder, settings: TrainingSettings) -> list[Listener]:
    """Listeners that write into the folder of a run."""
    events = [TensorBoardWriter(run.path / "tensorboard")] if settings.tensorboard else []
    return [run, CurveDrawer(run), *events]
