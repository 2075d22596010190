"""Settings of fill-mask; they travel in `task.json` with the model."""

from __future__ import annotations

from pydantic import Field

from spanbert.tasks.long_text import LongTextSettings


class FillMaskSettings(LongTextSettings):
    """How masks are filled; kept in `task.json`."""

    fills: int = Field(5, ge=1, le=1000)
    """How many best fills of each mask a prediction holds; the beam that fills a span is as wide."""
    longest_span: int = Field(5, ge=1, le=15)
    """Most pieces that `[MASK...]` may stand for."""
    boundary_shape: tuple[int, int] | None = None
    """Places and width of the place vectors of the span boundary head, where the model has one."""
    boundary_weight: float = Field(0.5, ge=0, le=1)
    """Share of the span boundary head in the scores of `[MASK...]`, the masked-LM head has the rest."""
    masked_share: float = Field(0.15, gt=0, lt=1)
    """Share of the pieces of a text without masks that are hidden, in training and evaluation."""
