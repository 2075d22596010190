"""The loss over the vocabulary against torch's own."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy

from spanbert.pretraining.vocabulary_loss import LEAST_ROWS, PARTS, vocabulary_loss


@pytest.mark.parametrize("rows", [0, 1, LEAST_ROWS + 1, LEAST_ROWS * PARTS + 5])
def test_loss_hits_and_gradient_are_those_of_torch(rows: int) -> None:
    random = torch.Generator().manual_seed(rows)
    scores = torch.randn(rows, 37, generator=random) * 20
    targets = torch.randint(37, (rows,), generator=random)
    right = scores.argmax(dim=-1) == targets
    theirs = scores.clone().requires_grad_()
    expected = cross_entropy(theirs, targets, reduction="sum")
    (0.3 * expected).backward()
    ours = scores.clone().requires_grad_()
    loss, hits = vocabulary_loss(ours * 1.0, targets)
    (0.3 * loss).backward()
    torch.testing.assert_close(loss, expected, rtol=1e-6, atol=1e-4)
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-5, atol=1e-6)
    assert torch.equal(hits, right)


def test_no_memory_of_the_size_of_the_scores_is_taken() -> None:
    scores = torch.randn(8, 37).requires_grad_() * 1.0
    place = scores.data_ptr()
    passed: list[torch.Tensor] = []
    scores.register_hook(passed.append)
    vocabulary_loss(scores, torch.zeros(8, dtype=torch.long))[0].backward()
    assert passed[0].data_ptr() == place


def test_scores_that_are_no_numbers_give_a_loss_that_is_none() -> None:
    scores = torch.zeros(3, 5)
    scores[1, 2] = torch.nan
    assert torch.isnan(vocabulary_loss(scores, torch.zeros(3, dtype=torch.long))[0])
