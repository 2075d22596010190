import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pretraining.drawn import MASK, VOCABULARY, framed, prose, some_blocks
from spanbert.errors import DataError, SettingsError
from spanbert.pretraining.corruption import Corruption, UnigramLaw
from spanbert.pretraining.masking import GeometricSpans
from spanbert.pretraining.randomness import SampleRandom

COUNTS = np.arange(VOCABULARY, dtype=np.int64) % 10
SPECIAL = np.arange(5)
LAW = UnigramLaw.of(COUNTS, SPECIAL)


def corrupted(sequences, seed=0, **shares):
    random = SampleRandom(seed, 0, sequences.samples)
    spans = GeometricSpans().choose(sequences, random)
    return spans, Corruption(MASK, LAW, **shares).apply(sequences, spans, random)


@given(some_blocks, st.integers(0, 2**62))
def test_only_masked_spans_change_and_each_has_one_fate(blocks, seed):
    sequences = framed(blocks)
    spans, seen = corrupted(sequences, seed)
    outside = np.ones(len(seen), dtype=bool)
    outside[spans.positions] = False
    assert (seen[outside] == sequences.piece_ids[outside]).all()
    for start, end in zip(spans.starts, spans.ends, strict=True):
        masked = seen[start:end] == MASK
        assert masked.all() or not masked.any()


def test_shares_of_the_three_fates_by_span():
    sequences = framed(prose(600, 440))
    spans, seen = corrupted(sequences)
    masked = seen[spans.starts] == MASK
    originals = sequences.piece_ids
    kept = np.asarray(
        [(seen[a:b] == originals[a:b]).all() for a, b in zip(spans.starts, spans.ends, strict=True)]
    )
    count = len(masked)
    assert count > 9000
    # Of 10,000 spans a share's standard deviation is 0.4 and 0.3 points.
    assert masked.mean() == pytest.approx(0.8, abs=0.016)
    assert kept.mean() == pytest.approx(0.1, abs=0.013)  # a random piece is the original once in a hundred


def test_random_pieces_follow_the_corpus_and_are_never_special():
    sequences = framed(prose(600, 440))
    spans, seen = corrupted(sequences, masked=0.0, random=1.0)
    pieces = seen[spans.positions]
    counts = np.bincount(pieces, minlength=VOCABULARY)
    expected = len(pieces) * np.diff(LAW.cumulative)
    assert counts[expected == 0].sum() == 0
    assert counts[SPECIAL].sum() == 0
    possible = expected > 0
    assert (((counts - expected) ** 2)[possible] / expected[possible]).sum() < 150  # 84 degrees of freedom


def test_all_masked():
    sequences = framed(prose(5, 50))
    spans, seen = corrupted(sequences, masked=1.0, random=0.0)
    assert (seen[spans.positions] == MASK).all()


@given(st.floats(0, 1, exclude_max=True))
def test_a_drawn_piece_has_been_counted(uniform):
    piece = LAW.draw(np.asarray([uniform]))[0]
    assert COUNTS[piece] > 0
    assert piece >= 5


def test_faults():
    with pytest.raises(DataError, match="no pieces"):
        UnigramLaw.of(np.asarray([3, 0, 0]), np.asarray([0]))
    with pytest.raises(SettingsError, match="at most 1"):
        Corruption(MASK, LAW, masked=0.8, random=0.3)
