"""The shape of an encoder small enough for tests, with weights large enough that faults show."""

from spanbert.nn.config import EncoderConfig


def tiny_config(vocabulary_size: int = 100, **changes) -> EncoderConfig:
    """Two layers, wide enough for four heads."""
    shape = {
        "width": 32,
        "layers": 2,
        "heads": 4,
        "feed_forward_width": 48,
        "max_positions": 64,
        "init_std": 0.2,
    }
    return EncoderConfig(vocabulary_size=vocabulary_size, **{**shape, **changes})
