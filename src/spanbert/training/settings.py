"""What every training run can be told; field docstrings are the help texts of the command line."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class TrainingSettings(BaseModel):
    """Settings of the loop."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    epochs: float = Field(3.0, gt=0, allow_inf_nan=False)
    """Passes over the training data; a fraction stops within a pass."""
    steps: int | None = Field(None, ge=1)
    """Updates in all, instead of `epochs`."""
    learning_rate: float = Field(5e-5, gt=0, allow_inf_nan=False)
    """Peak learning rate."""
    head_learning_rate: float | None = Field(None, gt=0, allow_inf_nan=False)
    """Peak learning rate of all that stands on the encoder; the encoder's when left out."""
    warmup: float = Field(0.06, ge=0, le=1)
    """Share of the updates in which the learning rate rises."""
    schedule: Literal["linear", "stable"] = "linear"
    """After the warm-up: `linear` falls to zero at once, `stable` stays and falls in the last `decay`."""
    decay: float = Field(0.2, gt=0, le=1)
    """Share of the updates, at the end, in which a `stable` learning rate falls to zero."""
    weight_decay: float = Field(0.01, ge=0)
    """AdamW's decay, on matrices only."""
    max_gradient_norm: float = Field(1.0, gt=0)
    """Gradients of the mean loss are scaled down to this norm."""
    batch_pieces: int = Field(4096, ge=64)
    """Pieces in a batch of one process, at least one sequence (there is no padding)."""
    accumulate: int = Field(1, ge=1)
    """Batches of each process whose gradients make one update."""
    dropout: float = Field(0.1, ge=0, lt=1)
    """Dropout of hidden states while training; attention weights have none, so that the fused kernel runs."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Arithmetic of updates; `auto` takes bfloat16 where the processor computes in it natively."""
    compile: bool = False
    """Compile layers with torch.compile for training; needs a C++ compiler on a CPU."""
    seed: int = Field(0, ge=0, lt=2**63)
    """Of data order, dropout and new weights."""
    evaluations: int = Field(4, ge=1)
    """How often the dev set is scored, at even intervals; the last one is at the end."""
    patience: int | None = Field(None, ge=1)
    """Stop after this many evaluations without a better score; never when left out."""
    save_every: int = Field(200, ge=1)
    """Updates between two resume points."""
    tensorboard: bool = False
    """Write event files for TensorBoard into run/tensorboard (pip install 'spanbert[tensorboard]')."""

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if self.steps is not None and "epochs" in self.model_fields_set:
            raise ValueError("say epochs or steps, not both")
        return self
