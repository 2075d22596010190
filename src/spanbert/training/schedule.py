"""Learning rate over updates: the factor on the peak rate."""

from __future__ import annotations


def linear_schedule(step: int, steps: int, warmup: float) -> float:
    """Linear warm-up, then linear decay to zero.

    Args:
        step: which update, counted from 0.
        steps: updates in all, at least 1.
        warmup: share of them that warms up, in [0, 1].
    """
    rising = warmup * steps
    if step < rising:
        return (step + 1) / (rising + 1)
    return max(0.0, (steps - step) / max(1.0, steps - rising))


def stable_schedule(step: int, steps: int, warmup: float, decay: float) -> float:
    """Linear warm-up, a stretch at the peak, then linear decay to zero (warm-up, stable, decay).

    A run can be made longer from any checkpoint of the stable stretch (Hu et al. 2024, section 4).

    Args:
        step: which update, counted from 0.
        steps: updates in all, at least 1.
        warmup: share of them that warms up.
        decay: share of them, at the end, that decays.
    """
    rising = warmup * steps
    if step < rising:
        return (step + 1) / (rising + 1)
    falling = decay * steps
    return max(0.0, min(1.0, (steps - step) / max(1.0, falling)))
