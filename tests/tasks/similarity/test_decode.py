import numpy as np
import pytest

from spanbert.tasks.similarity.decode import cosine, decode
from spanbert.tasks.similarity.examples import SimilarityExample
from spanbert.tasks.similarity.features import PairEncoder
from spanbert.tasks.similarity.settings import SimilaritySettings


def encoded(tokenizer, first, second, **values):
    settings = SimilaritySettings(**{"window_pieces": 36, "overlap_pieces": 8, **values})
    example = SimilarityExample("a", first, second)
    encoder = PairEncoder(tokenizer, settings)
    (pieces,) = encoder.encode([example])
    return example, encoder.features(*pieces), settings


def test_a_cosine_is_brought_to_the_scale_of_the_data(tokenizer):
    example, features, settings = encoded(tokenizer, "paris", "city", score_min=1, score_max=5)
    vectors = np.array([[3, 4], [4, 3]], dtype=np.float32)
    made = decode(example, features, [vectors], settings)
    assert made.similarity == pytest.approx(1 + 4 * 24 / 25)
    assert (made.windows, made.covered_chars) == (2, 9)


def test_windows_count_by_what_they_own(tokenizer):
    example, features, settings = encoded(tokenizer, "paris " * 40, "city")
    owned = [len(part.window.owned) for feature in features for part in feature.parts if part.side == 0]
    assert len(owned) == 2
    outputs = [np.array([[1, 0], [1, 1]], np.float32), np.array([[0, 1]], np.float32)]
    made = decode(example, features, outputs, settings)
    assert made.similarity == pytest.approx(cosine(np.array(owned, float), np.ones(2)))
    assert made.windows == 3
    assert made.covered_chars == len(example.text1) + 4


def test_scores_of_windows_count_by_what_they_own(tokenizer):
    example, features, settings = encoded(tokenizer, "paris " * 60, "city " * 20, mode="cross")
    owned = [sum(len(part.window.owned) for part in feature.parts) for feature in features]
    scores = np.arange(len(features), dtype=np.float32)
    made = decode(example, features, [np.full((1, 1), score) for score in scores], settings)
    assert made.similarity == pytest.approx(np.average(scores, weights=owned))


def test_what_was_not_read_is_said(tokenizer):
    example, features, settings = encoded(tokenizer, "paris " * 60, "city", on_long="truncate")
    made = decode(example, features, [np.ones((2, 3), np.float32)], settings)
    assert made.covered_chars == 34 * 6 - 1 + 4
    assert made.windows == 2
