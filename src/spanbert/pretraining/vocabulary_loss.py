"""Cross-entropy over the vocabulary, in the memory that its scores take already."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

PARTS = 64
LEAST_ROWS = 16


def vocabulary_loss(scores: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Summed cross-entropy, and whether the best-scored piece was the right one.

    The scores of a batch over the vocabulary are its largest array by far. torch's own function makes four
    more of that size, and takes four times as long on a CPU. Here exponentials replace the scores, and the
    gradient replaces the exponentials, a few rows at a time so that they stay in the processor's cache.

    Args:
        scores: float32 (M, V); overwritten, so nobody else may read them.
        targets: integers (M,).

    Returns:
        The sum in nats, of which one gradient can be taken; booleans (M,).
    """
    return _VocabularyLoss.apply(scores, targets)  # type: ignore[no-any-return, no-untyped-call]


class _VocabularyLoss(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, scores: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        loss = scores.new_zeros(())
        best, sums = torch.empty_like(targets), scores.new_empty(len(targets))
        for rows in _parts(scores):
            part, right = scores[rows], scores[rows].gather(1, targets[rows, None])[:, 0]
            top, best[rows] = part.max(dim=-1)
            sums[rows] = part.sub_(top[:, None]).exp_().sum(dim=-1)
            loss += (sums[rows].log() + top - right).sum()
        hits = best == targets
        ctx.save_for_backward(scores, sums, targets)
        ctx.mark_non_differentiable(hits)
        return loss, hits

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor, _: Tensor) -> tuple[Tensor, None]:
        exponentials, sums, targets = ctx.saved_tensors
        for rows in _parts(exponentials):
            part = exponentials[rows].mul_((gradient / sums[rows])[:, None])
            part.scatter_add_(1, targets[rows, None], -gradient.expand(len(part), 1))
        return exponentials, None


def _parts(scores: Tensor) -> list[slice]:
    """Rows to be treated at once; not too many parts, each of which costs a GPU some launches."""
    rows = max(LEAST_ROWS, -(-len(scores) // PARTS))
    return [slice(start, start + rows) for start in range(0, len(scores), rows)]
