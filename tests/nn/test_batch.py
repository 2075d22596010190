import numpy as np
import pytest
import torch

from spanbert.nn.batch import PieceBatch
from spanbert.nn.mask import PackedMask, PaddedMask

IDS = [
    np.array([2, 7, 8, 3], dtype=np.int32),
    np.array([2, 3], dtype=np.int32),
    np.array([2, 9, 3], dtype=np.int32),
]
SEGMENTS = [
    np.array([0, 0, 1, 1], dtype=np.int32),
    np.zeros(2, np.int32),
    np.array([0, 1, 1], dtype=np.int32),
]


def test_packed_layout():
    batch = PieceBatch.packed(IDS, SEGMENTS)
    assert batch.piece_ids.tolist() == [[2, 7, 8, 3, 2, 3, 2, 9, 3]]
    assert batch.segment_ids.tolist() == [[0, 0, 1, 1, 0, 0, 0, 1, 1]]
    assert batch.position_ids.tolist() == [[0, 1, 2, 3, 0, 1, 0, 1, 2]]
    assert batch.mask == PackedMask((4, 2, 3))


def test_padded_layout():
    batch = PieceBatch.padded(IDS, SEGMENTS, pad_piece_id=5)
    assert batch.piece_ids.tolist() == [[2, 7, 8, 3], [2, 3, 5, 5], [2, 9, 3, 5]]
    assert batch.segment_ids.tolist() == [[0, 0, 1, 1], [0, 0, 0, 0], [0, 1, 1, 0]]
    assert batch.position_ids.tolist() == [[0, 1, 2, 3]] * 3
    assert isinstance(batch.mask, PaddedMask)
    assert batch.mask.keep.tolist() == [[True] * 4, [True, True, False, False], [True, True, True, False]]


@pytest.mark.parametrize("layout", [PieceBatch.packed, PieceBatch.padded])
def test_numbers_are_those_embeddings_read(layout):
    batch = layout(IDS, SEGMENTS)
    for tensor in (batch.piece_ids, batch.segment_ids, batch.position_ids):
        assert tensor.dtype == torch.int64
        assert tensor.shape == batch.piece_ids.shape


@pytest.mark.parametrize("layout", [PieceBatch.packed, PieceBatch.padded])
def test_rows_put_each_sequence_back_in_its_row(layout):
    batch = layout(IDS, SEGMENTS)
    rows = batch.mask.rows(batch.piece_ids)
    assert [row[kept].tolist() for row, kept in zip(rows, batch.mask.keep, strict=True)] == [
        ids.tolist() for ids in IDS
    ]


@pytest.mark.parametrize("layout", [PieceBatch.packed, PieceBatch.padded])
def test_a_moved_batch_lies_on_the_other_device_as_a_whole(layout):
    moved = layout(IDS, SEGMENTS).to(torch.device("meta"))
    assert {moved.piece_ids.device.type, moved.segment_ids.device.type, moved.position_ids.device.type} == {
        "meta"
    }
    assert moved.mask.keep.device.type == "meta"


def test_texts_and_segments_must_match():
    with pytest.raises(ValueError, match="zip"):
        PieceBatch.padded(IDS, SEGMENTS[:2])
