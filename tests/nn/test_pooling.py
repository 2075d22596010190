import numpy as np
import pytest
import torch

from spanbert.nn.batch import PieceBatch
from spanbert.nn.encoder import Encoder
from spanbert.nn.pooling import PooledEncoder, Pooling, StateEncoder

LENGTHS = (5, 2, 9)


@pytest.fixture
def sequences(tiny_config):
    rng = np.random.default_rng(0)
    return [rng.integers(1, tiny_config.vocabulary_size, size=length, dtype=np.int32) for length in LENGTHS]


def layouts(sequences):
    zeros = [np.zeros_like(one) for one in sequences]
    return PieceBatch.packed(sequences, zeros), PieceBatch.padded(sequences, zeros)


@pytest.mark.parametrize(
    ("pooling", "of_states"),
    [
        (Pooling.FIRST, lambda states: states[0]),
        (Pooling.MEAN, lambda states: states.mean(axis=0)),
        (Pooling.MAX, lambda states: states.max(axis=0)),
    ],
)
def test_a_vector_is_made_of_the_sequences_own_pieces_in_any_layout(
    tiny_config, sequences, pooling, of_states
):
    encoder = Encoder(tiny_config).eval()
    for batch in layouts(sequences):
        with torch.inference_mode():
            vectors = PooledEncoder(encoder, pooling)(batch).per_sequence()
            states = StateEncoder(encoder)(batch).per_sequence()
        assert [len(one) for one in states] == list(LENGTHS)
        for ids, vector, own in zip(sequences, vectors, states, strict=True):
            with torch.inference_mode():
                alone = encoder(PieceBatch.packed([ids], [np.zeros_like(ids)]))[0].numpy()
            np.testing.assert_allclose(own, alone, atol=1e-5)
            np.testing.assert_allclose(vector, of_states(alone), atol=1e-5)


def test_pooling_gives_every_weight_a_gradient(tiny_config, sequences):
    for pooling in Pooling:
        encoder = Encoder(tiny_config)
        PooledEncoder(encoder, pooling)(layouts(sequences)[0]).values.square().sum().backward()
        assert all(one.grad is not None for one in encoder.parameters())
