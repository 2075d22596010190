"""Settings of relations; they travel in `task.json` with the model."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from spanbert.tasks.long_text import WindowSettings

Kind = Literal["one", "several"]


class RelationSettings(WindowSettings):
    """How pairs of entities become relations; kept in `task.json`."""

    kind: Literal["auto", "one", "several"] = "auto"
    """Relations of a pair: one (or the negative class), or several or none; `auto` decides by the data."""
    labels: tuple[str, ...] = ()
    """Names of the relations, sorted; learned from the training data."""
    negative: str = ""
    """The label that says "no relation"; when left out, what the data has of no_relation, Other, NA, none."""
    marking: Literal["markers", "types"] = "markers"
    """How the two entities are shown: marks around each, or a placeholder with its type in its place."""
    markers: dict[str, str] = Field(default_factory=dict)
    """Each mark's name and the piece of the vocabulary that stands for it; learned from the data's types."""
    representation: Literal["starts", "pooled"] = "starts"
    """What is classified: the states at the start of both entities, or the pooled first piece."""
    top: int = Field(5, ge=1)
    """How many of the likeliest labels a prediction lists."""
    temperature: float = Field(1.0, gt=0)
    """Divides scores before they become probabilities; fitted on the dev set."""
    threshold: float = Field(0.5, ge=0, le=1)
    """With several relations, those more probable than this are given; fitted likewise."""

    @property
    def decided(self) -> Kind:
        """The kind; one relation where nobody decided."""
        return "one" if self.kind == "auto" else self.kind
