"""The result of an evaluation: named values, one of them primary, counts, and what was lost on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Report:
    """What `score` returns and `report.json` holds.

    Args:
        task: name of the task.
        values: metrics by name; in percent unless the name says otherwise.
        primary: the name in `values` by which checkpoints are compared.
        counts: how many examples, gold spans and predictions stand behind the values.
        lost_gold: gold that preprocessing could not use, by reason.
        details: further tables a task wants to show (per type, per length ...).
        lower_is_better: whether a smaller primary value is the better one, as of a loss.
    """

    task: str
    values: dict[str, float]
    primary: str
    counts: dict[str, int] = field(default_factory=dict)
    lost_gold: dict[str, int] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    lower_is_better: bool = False

    def __post_init__(self) -> None:
        if self.primary not in self.values:
            raise ValueError(f"primary metric {self.primary!r} is not among {sorted(self.values)}")

    @property
    def primary_value(self) -> float:
        """The value checkpoints are compared by."""
        return self.values[self.primary]

    def beats(self, other: Report) -> bool:
        """Whether the primary value is better than another report's."""
        if self.lower_is_better:
            return self.primary_value < other.primary_value
        return self.primary_value > other.primary_value

    def to_json(self) -> dict[str, Any]:
        """Plain types, ready for `json.dump`."""
        return {
            "task": self.task,
            "primary": self.primary,
            "values": self.values,
            "counts": self.counts,
            "lost_gold": self.lost_gold,
            "details": self.details,
            "lower_is_better": self.lower_is_better,
        }
