"""Every mask against attention under the same mask written out, in double precision."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from spanbert.nn.mask import LocalMask, PackedMask, PaddedMask

HEADS, DEPTH = 2, 3


def random_heads(rows: int, pieces: int, seed: int = 0):
    """Queries, keys and values (rows, HEADS, pieces, DEPTH)."""
    generator = torch.Generator().manual_seed(seed)
    shape = (3, rows, HEADS, pieces, DEPTH)
    return [x.requires_grad_() for x in torch.randn(shape, generator=generator, dtype=torch.float64)]


def reference(query, key, value, allowed):
    """Attention under a written-out mask (rows, pieces, pieces)."""
    scores = query @ key.transpose(-1, -2) / DEPTH**0.5
    return scores.masked_fill(~allowed[:, None], -torch.inf).softmax(-1) @ value


def assert_same_with_gradients(attend, allowed, real):
    """`attend` and the reference agree in outputs and gradients on the `real` pieces (rows, pieces)."""
    rows, pieces = real.shape
    ours, theirs = random_heads(rows, pieces), random_heads(rows, pieces)
    weights = torch.randn(rows, HEADS, pieces, DEPTH, dtype=torch.float64) * real[:, None, :, None]
    found, expected = attend(*ours), reference(*theirs, allowed)
    everywhere = real[:, None, :, None].expand_as(found)
    torch.testing.assert_close(found[everywhere], expected[everywhere], atol=1e-10, rtol=0)
    (found * weights).sum().backward()
    (expected * weights).sum().backward()
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.grad.isfinite().all()
        torch.testing.assert_close(mine.grad, other.grad, atol=1e-10, rtol=0)


def block_diagonal(lengths):
    numbers = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))
    return (numbers[:, None] == numbers[None, :])[None]


packed_lengths = st.lists(st.integers(1, 9), min_size=1, max_size=6).map(tuple)


@pytest.mark.parametrize("way", ["attend", "attend_padded"])
@given(lengths=packed_lengths)
@settings(max_examples=40)
def test_packed_sequences_see_themselves_alone(way, lengths):
    attend = getattr(PackedMask(lengths), way)
    real = torch.ones(1, sum(lengths), dtype=torch.bool)
    assert_same_with_gradients(lambda q, k, v: attend(q, k, v, 0.0), block_diagonal(lengths), real)


@given(packed_lengths)
def test_packed_rows_are_the_sequences(lengths):
    mask = PackedMask(lengths)
    values = torch.randn(1, sum(lengths), 2, 3)
    rows = mask.rows(values)
    assert rows.shape == (len(lengths), max(lengths), 2, 3)
    assert mask.keep.sum(1).tolist() == list(lengths)
    torch.testing.assert_close(rows[mask.keep], values[0], atol=0, rtol=0)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.integers(0, 3))
@settings(max_examples=40)
def test_padded_rows_see_their_real_pieces(lengths, extra):
    mask = PaddedMask(torch.tensor(lengths), max(lengths) + extra)
    allowed = mask.keep[:, None, :].expand(-1, mask.longest, -1)
    assert_same_with_gradients(lambda q, k, v: mask.attend(q, k, v, 0.0), allowed, mask.keep)


def local_allowed(lengths, longest, window, global_pieces):
    """The rule of `LocalMask`, cell by cell."""
    return torch.tensor(
        [
            [
                [
                    key < length
                    and (abs(key - query) <= window or key < global_pieces or query < global_pieces)
                    for key in range(longest)
                ]
                for query in range(longest)
            ]
            for length in lengths
        ]
    )


@given(
    lengths=st.lists(st.integers(1, 30), min_size=1, max_size=3),
    extra=st.integers(0, 5),
    window=st.integers(1, 12),
    global_pieces=st.integers(0, 5),
)
@settings(max_examples=150)
def test_local_rows_see_neighbours_and_global_pieces(lengths, extra, window, global_pieces):
    mask = LocalMask(torch.tensor(lengths), max(lengths) + extra, window, global_pieces)
    allowed = local_allowed(lengths, mask.longest, window, global_pieces)
    assert (mask.dense() == allowed)[mask.keep].all()
    allowed |= ~mask.keep[:, :, None]  # padding sees anything: the reference must not divide by zero
    assert_same_with_gradients(lambda q, k, v: mask.attend(q, k, v, 0.0), allowed, mask.keep)


@pytest.mark.parametrize("pieces", [40, 41, 47, 48, 49, 64])
@pytest.mark.parametrize("window", [1, 7, 8, 16, 20, 24, 100])
@pytest.mark.parametrize("global_pieces", [0, 1, 3, 40, 100])
def test_local_blocks_equal_the_written_out_mask(pieces, window, global_pieces):
    mask = LocalMask(torch.tensor([pieces, pieces // 2]), pieces, window, global_pieces)
    assert_same_with_gradients(lambda q, k, v: mask.attend(q, k, v, 0.0), mask.dense(), mask.keep)


class LargestTensor(TorchDispatchMode):
    """Records how many elements the largest tensor has that any operation gives."""

    numel = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        found = func(*args, **(kwargs or {}))
        for item in found if isinstance(found, tuple | list) else [found]:
            if isinstance(item, torch.Tensor):
                self.numel = max(self.numel, item.untyped_storage().nbytes() // item.element_size())
        return found


def largest_tensor(mask, pieces):
    heads = [x.float() for x in random_heads(1, pieces)]
    with LargestTensor() as seen:
        mask.attend(*heads, 0.0).sum().backward()
    return seen.numel


@pytest.mark.parametrize(
    "mask_of",
    [
        lambda pieces: LocalMask(torch.tensor([pieces]), pieces, window=16, global_pieces=2),
        lambda pieces: PackedMask((32,) * (pieces // 32)),
    ],
    ids=["local", "packed"],
)
def test_memory_grows_with_the_row_and_not_with_its_square(mask_of):
    small, large = (largest_tensor(mask_of(pieces), pieces) for pieces in (1024, 4096))
    assert large <= 4.1 * small
    assert large < 4096**2 / 8


@pytest.mark.parametrize(
    "mask",
    [PaddedMask(torch.tensor([9, 5]), 9), PackedMask((9, 9)), LocalMask(torch.tensor([9, 5]), 9, 2)],
    ids=["padded", "packed", "local"],
)
def test_dropout_is_the_callers_choice(mask):
    rows, pieces = (1, 18) if isinstance(mask, PackedMask) else (2, 9)
    heads = random_heads(rows, pieces)
    assert torch.equal(mask.attend(*heads, 0.0), mask.attend(*heads, 0.0))
    assert not torch.equal(mask.attend(*heads, 0.5), mask.attend(*heads, 0.5))


@pytest.mark.parametrize(
    "mask",
    [PaddedMask(torch.tensor([9, 5]), 9), PackedMask((9, 5)), LocalMask(torch.tensor([9, 5]), 9, 2)],
    ids=["padded", "packed", "local"],
)
def test_a_batch_that_was_evaluated_can_be_trained_on(mask):
    rows, pieces = (1, 14) if isinstance(mask, PackedMask) else (2, 9)
    with torch.inference_mode():
        mask.attend(*random_heads(rows, pieces), 0.0)
        mask.rows(torch.zeros(rows, pieces, 2))
    for attend in (mask.attend, getattr(mask, "attend_padded", mask.attend)):
        heads = random_heads(rows, pieces)
        mask.rows(attend(*heads, 0.0).transpose(1, 2)).sum().backward()
        assert all(x.grad is not None for x in heads)


def test_a_global_piece_is_counted_once():
    query, key = torch.zeros(1, 1, 64, 2), torch.zeros(1, 1, 64, 2)
    value = torch.zeros(1, 1, 64, 2)
    value[..., 0, 0] = 1.0  # attention is even, so each output is the share that goes to piece 0
    found = LocalMask(torch.tensor([64]), 64, window=4, global_pieces=1).attend(query, key, value, 0.0)
    assert found[0, 0, 2, 0].item() == pytest.approx(1 / 7)  # 0 ... 6
    assert found[0, 0, 30, 0].item() == pytest.approx(1 / 10)  # 26 ... 34, and 0
    assert found[0, 0, 0, 0].item() == pytest.approx(1 / 64)


@pytest.mark.parametrize("lengths", [(), (3, 0), (0,)])
def test_packed_sequences_without_pieces_are_refused(lengths):
    with pytest.raises(ValueError, match="at least one piece"):
        PackedMask(lengths)


def test_other_faults_are_refused():
    with pytest.raises(ValueError, match="lengths must be integers"):
        PaddedMask(torch.tensor([1.0]), 1)
    with pytest.raises(ValueError, match="window 0"):
        LocalMask(torch.tensor([4]), 4, window=0)
    with pytest.raises(ValueError, match="global_pieces -1"):
        LocalMask(torch.tensor([4]), 4, window=1, global_pieces=-1)
