"""AdamW with decay on matrices only (biases and norms are left alone)."""

from __future__ import annotations

import torch
from torch import nn


def build_optimizer(
    model: nn.Module, learning_rate: float, weight_decay: float, head_learning_rate: float | None = None
) -> torch.optim.AdamW:
    """The optimizer of all parameters that want gradients (Loshchilov and Hutter 2019).

    Each group keeps its peak rate as `peak`, for the schedule.

    Args:
        model: its part `encoder`, if any, learns at `learning_rate`.
        learning_rate: peak.
        weight_decay: of matrices.
        head_learning_rate: peak for all other parts; `learning_rate` when left out.
    """
    trained = [(name, value) for name, value in model.named_parameters() if value.requires_grad]
    groups = []
    for of_encoder, rate in ((True, learning_rate), (False, head_learning_rate or learning_rate)):
        part = [value for name, value in trained if name.startswith("encoder.") is of_encoder]
        for matrices, decay in ((True, weight_decay), (False, 0.0)):
            chosen = [value for value in part if (value.ndim > 1) is matrices]
            if chosen:
                groups.append({"params": chosen, "weight_decay": decay, "peak": rate})
    return torch.optim.AdamW(groups, lr=learning_rate, betas=(0.9, 0.999), eps=1e-8, fused=True)
