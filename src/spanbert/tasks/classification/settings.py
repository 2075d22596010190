"""Settings of classification; they travel in `task.json` with the model."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from spanbert.tasks.long_text import LongTextSettings

Kind = Literal["one", "several", "number"]


class ClassificationSettings(LongTextSettings):
    """How texts become labels; kept in `task.json`."""

    kind: Literal["auto", "one", "several", "number"] = "auto"
    """What a text has: one label, several (or none), or a number; `auto` decides by the training data."""
    labels: tuple[str, ...] = ()
    """Names of the labels, sorted; learned from the training data. For a number the single name `score`."""
    text_column: str = ""
    """Column or field of the text; guessed by common names when left out."""
    pair_column: str = ""
    """Column or field of the second text of a pair; guessed likewise."""
    label_column: str = ""
    """Column or field of the label, the list of labels or the number; guessed likewise."""
    label_separator: str = ""
    """What stands between the labels of a cell, for several labels in CSV and TSV."""
    paired: bool | None = None
    """Whether the training data has pairs of texts, or single ones; None where it has both."""
    pooling: Literal["first", "mean"] = "first"
    """The vector of a window: the pooled first piece as BERT has it, or the mean of all its pieces."""
    window_pooling: Literal["mean", "learned"] = "mean"
    """How the windows of a long text count: all alike, or by a weight that the model learns."""
    training_windows: int = Field(8, ge=1)
    """Most windows of a long text that one pass of training reads, drawn anew each time."""
    balanced: bool = False
    """Weigh labels in the loss so that rare and frequent ones count alike."""
    label_weights: tuple[float, ...] = ()
    """Those weights, of each label; learned from the training data."""
    top: int = Field(5, ge=1)
    """How many of the likeliest labels a prediction lists."""
    temperature: float = Field(1.0, gt=0)
    """Divides scores before they become probabilities; fitted on the dev set."""
    threshold: float = Field(0.5, ge=0, le=1)
    """With several labels, those more probable than this are given; fitted likewise."""
    mean: float = 0.0
    """Mean of the numbers in the training data; the model predicts deviations from it."""
    deviation: float = Field(1.0, gt=0)
    """Standard deviation of the numbers in the training data: the unit of those deviations."""

    @model_validator(mode="after")
    def _kind_is_that_of_the_labels(self) -> Self:
        if self.kind == "number" and len(self.labels) > 1:
            raise ValueError(f"kind number has no labels, and the model knows {len(self.labels)}")
        return self

    @property
    def decided(self) -> Kind:
        """The kind; where nobody decided, as in a classifier of another library, told by the labels."""
        if self.kind == "auto":
            return "number" if len(self.labels) == 1 else "one"
        return self.kind
