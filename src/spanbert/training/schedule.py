"""Learning rate over steps: linear warm-up, then linear decay to zero."""

from __future__ import annotations


def linear_schedule(step: int, steps: int, warmup: float) -> float:
    """The factor on the peak learning rate at a step counted from 0.

    Args:
        step: which update.
        steps: updates in all, at least 1.
        warmup: share of them that warms up, in [0, 1].
    """
    rising = warmup * steps
    if step < rising:
        return (step + 1) / (rising + 1)
    return max(0.0, (steps - step) / max(1.0, steps - rising))
