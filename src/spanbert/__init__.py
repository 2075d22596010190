"""SpanBERT, usable today: span-based Transformer encoders and what rests on them.

>>> import spanbert
>>> predictor = spanbert.load("mini")
>>> predictor({"question": "Who wrote it?", "passage": "Ada wrote it."}).text
'Ada'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spanbert.errors import (
        CheckpointError,
        DataError,
        MissingExtraError,
        SettingsError,
        SpanbertError,
        TrainingError,
    )
    from spanbert.workflows.ask import ask
    from spanbert.workflows.embedding.embed import embed
    from spanbert.workflows.evaluate import evaluate
    from spanbert.workflows.finetune import finetune
    from spanbert.workflows.predict import Predictor, load
    from spanbert.workflows.pretrain import pretrain

__version__ = "0.1.0"

# Public name -> module that holds it. Nothing heavy is imported until a name is used.
_HOMES = {
    "Predictor": "spanbert.workflows.predict",
    "ask": "spanbert.workflows.ask",
    "embed": "spanbert.workflows.embedding.embed",
    "evaluate": "spanbert.workflows.evaluate",
    "finetune": "spanbert.workflows.finetune",
    "load": "spanbert.workflows.predict",
    "pretrain": "spanbert.workflows.pretrain",
    "CheckpointError": "spanbert.errors",
    "DataError": "spanbert.errors",
    "MissingExtraError": "spanbert.errors",
    "SettingsError": "spanbert.errors",
    "SpanbertError": "spanbert.errors",
    "TrainingError": "spanbert.errors",
}

__all__ = [
    "CheckpointError",
    "DataError",
    "MissingExtraError",
    "Predictor",
    "SettingsError",
    "SpanbertError",
    "TrainingError",
    "ask",
    "embed",
    "evaluate",
    "finetune",
    "load",
    "pretrain",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'spanbert' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
