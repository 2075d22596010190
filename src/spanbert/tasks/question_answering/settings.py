"""Settings of question answering; they travel in `task.json` with the model."""

from __future__ import annotations

from pydantic import Field

from spanbert.tasks.long_text import LongTextSettings


class QaSettings(LongTextSettings):
    """How questions meet passages; kept in `task.json`."""

    max_answer_pieces: int = Field(30, ge=1)
    """Longest answer in pieces."""
    candidates: int = Field(20, ge=1)
    """How many best answers a prediction holds."""
    no_answer_threshold: float = Field(float("-inf"), lt=float("inf"))
    """An answer is given when its log odds against "no answer" are above this; fitted on the dev set."""
    no_answer_temperature: float = Field(1.0, gt=0)
    """Divides score minus threshold before it becomes the chance that there is an answer; fitted likewise."""
    temperature: float = Field(1.0, gt=0)
    """Divides scores before they become chances among the answers; fitted likewise."""
    training_pieces: int = Field(0, ge=0)
    """Train on stretches of at most this many passage pieces; 0 reads as much as a window holds."""
    whole_passages: float = Field(0.0, ge=0, le=1)
    """Share of training questions that read a whole window in spite of `training_pieces`."""
    contrast: float = Field(0.0, ge=0, le=1)
    """Share of answerable training questions asked once more of another passage of their article, one that is
    like the question and does not hold the answer, as unanswerable."""
    contrast_within: float = Field(0.0, ge=0, le=1)
    """Share of answerable training questions asked once more of a stretch of their own passage that does not
    hold the answer, as unanswerable."""
