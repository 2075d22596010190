"""The arithmetic of inference: float32, bfloat16, or int8 products where the processor has fast ones."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum

import torch
from torch import Tensor, nn

from spanbert.errors import SettingsError
from spanbert.nn.attention import SelfAttention, only
from spanbert.nn.mask import AttentionMask


class Precision(Enum):
    """How matrix products are computed."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    INT8 = "int8"


def parse_precision(name: str) -> Precision:
    """The precision of a name. Raises SettingsError for an unknown one."""
    try:
        return Precision(name)
    except ValueError:
        known = ", ".join(member.value for member in Precision)
        raise SettingsError(f"unknown precision {name!r}: choose one of {known}") from None


def device_for(precision: Precision) -> torch.device:
    """The GPU when there is one, except for int8 products, which are the CPU's."""
    on_gpu = torch.cuda.is_available() and precision is not Precision.INT8
    return torch.device("cuda" if on_gpu else "cpu")


class Int8Linear(nn.Module):
    """A linear map with int8 weights (a scale for each row) and activations quantised anew in each call.

    Weights are symmetric; activations take the range between their least and greatest value (asymmetric, one
    scale for the whole batch). Products are summed exactly and come out in float32.

    Processors without VNNI instructions add two neighbouring products in 16 bits first, where 2 * 255 * 127
    does not fit and is cut. Therefore two neighbouring weights of a row sum to 128 steps at most, on every
    processor, so that all of them give the same result.
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        weight = linear.weight.detach().float()
        neighbours = (
            nn.functional.pad(weight, (0, weight.shape[1] % 2)).reshape(len(weight), -1, 2).sum(dim=2)
        )
        greatest = torch.maximum(weight.abs().amax(dim=1), neighbours.abs().amax(dim=1))
        scales = greatest.clamp(min=1e-12) / 127  # after rounding a sum is 128 at most: 255 * 128 fits
        bias = None if linear.bias is None else linear.bias.detach().float()
        with fastest_engine(), warnings.catch_warnings():
            # torch announces another home for these functions; none of its replacements runs uncompiled yet.
            warnings.simplefilter("ignore")
            rows = torch.quantize_per_channel(
                weight, scales.double(), torch.zeros(len(scales), dtype=torch.long), 0, torch.qint8
            )
            self.packed = torch.ops.quantized.linear_prepack(rows, bias)

    def forward(self, values: Tensor) -> Tensor:
        """(..., D) float32 -> (..., outputs) float32."""
        return torch.ops.quantized.linear_dynamic(values, self.packed)  # type: ignore[no-any-return]


class Int8SelfAttention(nn.Module):
    """`SelfAttention` with queries, keys and values in one product, so that its input is quantised once."""

    def __init__(self, attention: SelfAttention) -> None:
        super().__init__()
        self.heads = attention.heads
        parts = (attention.query, attention.key, attention.value)
        joined = nn.Linear(parts[0].in_features, sum(part.out_features for part in parts))
        joined.weight = nn.Parameter(torch.cat([part.weight.detach() for part in parts]))
        joined.bias = nn.Parameter(torch.cat([part.bias.detach() for part in parts]))
        self.projections = Int8Linear(joined)
        self.output = Int8Linear(attention.output)

    def forward(self, hidden: Tensor, mask: AttentionMask, wanted: Tensor | None = None) -> Tensor:
        """As `SelfAttention`."""
        joined = self.projections(hidden).unflatten(-1, (3, self.heads, -1))
        query, key, value = (part.transpose(1, 2) for part in joined.unbind(2))
        mixed = mask.attend(query, key, value, 0.0).transpose(1, 2).flatten(-2)
        return self.output(only(mixed, wanted))  # type: ignore[no-any-return]


@contextmanager
def fastest_engine() -> Iterator[None]:
    """Weights packed in here are for oneDNN where torch has it (EXPERIMENTS.md compares)."""
    before = torch.backends.quantized.engine
    if "onednn" in torch.backends.quantized.supported_engines:
        torch.backends.quantized.engine = "onednn"
    try:
        yield
    finally:
        torch.backends.quantized.engine = before


def with_precision(model: nn.Module, precision: Precision) -> nn.Module:
    """A model for inference in the chosen arithmetic; the given one is left as it is.

    In int8 the linear maps of the encoder's layers are replaced; embeddings, norms, attention and the small
    heads stay in float32.

    Raises:
        SettingsError: this build of torch has no int8 products for the CPU.
    """
    if precision is Precision.FLOAT32:
        return model
    changed = copy.deepcopy(model)
    if precision is Precision.BFLOAT16:
        return changed.to(torch.bfloat16)
    if not has_int8():
        raise SettingsError("precision int8: this torch has no int8 products for this processor; use float32")
    for layers in [part for part in changed.modules() if isinstance(part, nn.ModuleList)]:
        for parent in list(layers.modules()):
            for name, part in list(parent.named_children()):
                if isinstance(part, SelfAttention):
                    setattr(parent, name, Int8SelfAttention(part))
                elif isinstance(part, nn.Linear):
                    setattr(parent, name, Int8Linear(part))
    return changed


def has_int8() -> bool:
    """Whether torch can run int8 products on this processor."""
    return torch.backends.quantized.engine in ("x86", "fbgemm", "onednn") and hasattr(
        torch.ops.quantized, "linear_dynamic"
    )
