"""Settings of coreference; they travel in `task.json` with the model."""

from __future__ import annotations

from pydantic import Field

from spanbert.tasks.long_text import LongTextSettings


class CoreferenceSettings(LongTextSettings):
    """How documents are read and linked; kept in `task.json`."""

    overlap_pieces: int = Field(0, ge=0)
    """Pieces that neighbouring segments of a long document share; each mention belongs to one of them."""
    max_mention_words: int = Field(30, ge=1)
    """Longest mention in words, as the tokenizer cuts them (punctuation counts)."""
    mentions_per_word: float = Field(0.3, gt=0)
    """How many spans of a segment, for each of its words, are considered as mentions."""
    head_width: int = Field(512, ge=8)
    """Width of the vectors for a mention's start and for its end."""
    training_segments: int = Field(8, ge=1)
    """A longer document is cut into runs of at most this many segments for training, elsewhere each epoch."""
    antecedent_mentions: int = Field(2000, ge=1)
    """How many mentions back an antecedent is looked for in prediction."""
    antecedent_clusters: int = Field(1000, ge=0)
    """How many clusters named before those mentions can be linked to, through the mention that names them."""
    singletons: bool = False
    """Whether a mention without antecedent is a cluster of its own; learned from the training data."""
    mention_threshold: float = Field(0.5, ge=0, le=1)
    """Least chance of being a mention for a span without links to be a singleton; fitted on the dev set."""
    temperature: float = Field(1.0, gt=0)
    """Divides mention scores before they become chances; fitted likewise."""
