"""Settings of similarity; they travel in `task.json` with the model."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from spanbert.tasks.long_text import LongTextSettings


class SimilaritySettings(LongTextSettings):
    """How pairs are read, compared and learned from; kept in `task.json`."""

    mode: Literal["bi", "cross"] = "bi"
    """`bi` gives each text a vector and compares these; `cross` reads both texts at once, which costs one run
    of the encoder for each pair."""
    loss: Literal["cosine", "contrast"] | None = None
    """What `bi` learns: `cosine` the scores, `contrast` to tell the partner of a text from the other texts of
    the batch; left out, `cosine` where training pairs have scores."""
    temperature: float = Field(0.05, gt=0)
    """`contrast` divides cosines by this before they become chances."""
    positive_from: float = Field(0.8, ge=0, le=1)
    """`contrast` takes pairs without a score, and those scored this high or higher on a scale from 0 to 1."""
    score_min: float | None = Field(None, allow_inf_nan=False)
    """Score of texts that have nothing in common; with `score_max`, learned from the training data when left
    out, and 0 without training."""
    score_max: float | None = Field(None, allow_inf_nan=False)
    """Score of texts that mean the same; learned likewise, and 1 without training."""
    text1_column: str = ""
    """Name of the first text in the data; guessed when left out."""
    text2_column: str = ""
    """Name of the second text; guessed when left out."""
    score_column: str = ""
    """Name of the score; guessed when left out."""

    @model_validator(mode="after")
    def _scale_has_extent(self) -> Self:
        if (self.score_min is None) != (self.score_max is None):
            raise ValueError("score_min and score_max are given both or not at all")
        if not self.scale[0] < self.scale[1]:
            raise ValueError(f"score_min {self.score_min} must be less than score_max {self.score_max}")
        return self

    @property
    def scale(self) -> tuple[float, float]:
        """Least and greatest score; 0 and 1 where nobody said."""
        if self.score_min is None or self.score_max is None:
            return 0.0, 1.0
        return self.score_min, self.score_max

    @property
    def learns_contrast(self) -> bool:
        """Whether training tells partners from other texts instead of learning scores."""
        return self.mode == "bi" and self.loss == "contrast"
