"""Compact storage: each row of a matrix as 8-bit whole numbers and one scale, a quarter of float32's size.

Symmetric, rounded to nearest: a value differs from its original by at most half its row's scale. Vectors and
small matrices (norms, biases, answer ends) stay float32: they weigh nothing and matter much.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from spanbert.errors import CheckpointError

COMPACT_FORMAT = "spanbert-compact-1"
"""Stands in the file's metadata in place of `pt`, so that other readers refuse the file."""
SCALE_SUFFIX = ".row_scale"
SMALLEST = 4096
"""Matrices of fewer elements stay float32."""
LARGEST_STEP = 127


def compacted(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors for compact storage: `name` int8 (R, C) with `name.row_scale` float16 (R,), or float32.

    Raises:
        CheckpointError: a tensor holds values that are not finite.
    """
    stored: dict[str, Tensor] = {}
    for name, value in tensors.items():
        if not value.isfinite().all():
            raise CheckpointError(f"tensor {name!r} holds values that are not finite and cannot be compacted")
        if value.dim() != 2 or value.numel() < SMALLEST:
            stored[name] = value.float()
            continue
        stored[name], stored[name + SCALE_SUFFIX] = quantize_rows(value.float())
    return stored


def quantize_rows(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """A finite float32 matrix (R, C) as int8 (R, C) and float16 scales (R,).

    Raises:
        CheckpointError: a value is too large for any float16 scale.
    """
    largest = matrix.abs().amax(dim=1)
    scales = (largest / LARGEST_STEP).half()
    # Rounded down to float16, a scale could leave the largest value more than half a step out of reach.
    short = scales.float() * (LARGEST_STEP + 0.5) < largest
    scales = torch.where(short, (scales.view(torch.int16) + 1).view(torch.float16), scales)
    if not scales.isfinite().all():
        raise CheckpointError(f"a matrix holds {float(largest.max()):.3g}, too large for compact storage")
    divisors = torch.where(scales == 0, 1.0, scales.float())  # a row of zeros has scale zero
    steps = matrix / divisors[:, None]
    return steps.round().clamp(-LARGEST_STEP, LARGEST_STEP).to(torch.int8), scales


def expanded(stored: Mapping[str, Tensor], path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Compact storage as float32 tensors; also, for the report, which were int8 in the file.

    Raises:
        CheckpointError: a matrix has no scales, or scales of another length.
    """
    tensors: dict[str, Tensor] = {}
    dtypes: dict[str, str] = {}
    for name, value in stored.items():
        if name.endswith(SCALE_SUFFIX):
            continue
        if value.dtype is not torch.int8:
            tensors[name] = value.float()
            continue
        scales = stored.get(name + SCALE_SUFFIX)
        if scales is None or scales.shape != value.shape[:1]:
            raise CheckpointError(f"{path}: tensor {name!r} has no scale for each of its rows")
        tensors[name] = value.float().mul_(scales.float()[:, None])
        dtypes[name] = "int8"
    return tensors, dtypes
