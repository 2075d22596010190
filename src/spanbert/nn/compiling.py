"""torch.compile for training: the part of a layer that does not depend on how a batch is laid out.

Attention stays as it is: its kernels are compiled already, and a packed batch calls one for each sequence, so
every new number of sequences would be compiled anew. What follows it sees only how many pieces there are.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from spanbert.errors import SettingsError
from spanbert.nn.layer import Layer

MOST_CHARS = 200
"""Of a compiler's own message, which may be pages long."""


def compile_layers(model: nn.Module) -> None:
    """Compile what follows attention in each layer; nothing is renamed, and evaluation does not use it.

    All layers share one compiled function, whatever the number of pieces in a batch.
    """
    compiled = torch.compile(Layer.behind_attention, dynamic=True, fullgraph=True)
    for part in model.modules():
        if isinstance(part, Layer):
            part.compiled = compiled


def check_compiler(device: torch.device) -> None:
    """Compile a single operation, so that a machine that cannot says so before anything else is done.

    Raises:
        SettingsError: torch cannot compile for this device here.
    """
    try:
        # Without the cache of graphs: one that an earlier run has left there needs no compiler.
        double = torch.compile(_double, dynamic=True, options={"fx_graph_cache": False})
        double(torch.ones(8, device=device))
    except Exception as error:  # compilers of every device have errors of their own
        reason = str(error).partition("Set TORCHDYNAMO_VERBOSE")[0]  # torch's advice to its developers
        told = " ".join(reason.split())[:MOST_CHARS] or type(error).__name__
        remedy = "install a C++ compiler (g++)" if device.type == "cpu" else "mend its compiler"
        raise SettingsError(
            f"--compile: torch cannot compile for {device.type} here ({told}); {remedy}, or leave it out"
        ) from error


def _double(values: Tensor) -> Tensor:
    return 2 * values
