"""Settings of entities; they travel in `task.json` with the model."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from spanbert.tasks.long_text import LongTextSettings


class EntitySettings(LongTextSettings):
    """How texts are read for entities; kept in `task.json`."""

    labels: tuple[str, ...] = ()
    """What the head scores, learned from the training data: tags of words (O, B-PER, I-PER ...) where no
    entity overlaps another, else types of spans (PER ...)."""
    decoder: Literal["auto", "flat", "nested"] = "auto"
    """Tags for words (`flat`) or scores for spans (`nested`); `auto` takes `nested` where entities of the
    training data overlap."""
    longest_entity: int = Field(32, ge=1)
    """Longest entity in words, of the nested decoder."""
    no_entity_bias: float = 0.0
    """Added to the score of "no entity", in nats: below 0 finds more, above 0 less; fitted on the dev set."""
    temperature: float = Field(1.0, gt=0)
    """Divides an entity's log odds before they become its probability; fitted likewise."""

    @property
    def nested(self) -> bool:
        """Whether spans are scored, not words."""
        return self.decoder == "nested"
