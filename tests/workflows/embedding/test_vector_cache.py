import sqlite3

import numpy as np
import pytest

from spanbert.errors import SpanbertError
from spanbert.workflows.embedding.vector_cache import ITEMS_AT_ONCE, VectorCache


class Maker:
    """Makes a vector of a text's length and remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, texts):
        self.asked += texts
        return (np.array([len(text), 0.1], dtype=np.float32) for text in texts)


def vectors(folder, texts, maker, source="a"):
    return [
        tuple(one)
        for one in VectorCache(folder, 2, {"weights": source}).vectors(texts, lambda text: text, maker)
    ]


def test_no_text_is_computed_twice(tmp_path):
    maker = Maker()
    wanted = [(np.float32(len(text)), np.float32(0.1)) for text in ("one", "three", "one", "é\ud800")]
    assert vectors(tmp_path, ["one", "three", "one", "é\ud800"], maker) == wanted
    assert sorted(maker.asked) == sorted(["one", "three", "é\ud800"])
    assert vectors(tmp_path, ["three", "new", "one"], maker)[0] == wanted[1]
    assert maker.asked[3:] == ["new"]


def test_more_than_a_chunk_keeps_its_order(tmp_path):
    texts = ["x" * (n % 3000) for n in range(ITEMS_AT_ONCE + 1500)]
    assert [one[0] for one in vectors(tmp_path, texts, Maker())] == [len(text) for text in texts]
    assert [one[0] for one in vectors(tmp_path, texts, None)] == [len(text) for text in texts]


def test_what_makes_other_vectors_has_a_file_of_its_own(tmp_path):
    maker = Maker()
    for source in "ab":
        vectors(tmp_path, ["one"], maker, source)
    assert maker.asked == ["one", "one"]
    assert len(list(tmp_path.iterdir())) == 2


def test_what_was_computed_before_a_failure_is_kept(tmp_path):
    maker = Maker()

    def failing(texts):
        if "bad" in texts:
            raise SpanbertError("bad")
        return maker(texts)

    texts = [f"text {n}" for n in range(ITEMS_AT_ONCE)]
    with pytest.raises(SpanbertError, match="bad"):
        vectors(tmp_path, [*texts, "bad"], failing)
    vectors(tmp_path, texts, None)


def test_a_file_that_is_no_cache_is_refused_with_the_remedy(tmp_path):
    vectors(tmp_path, ["one"], Maker())
    (path,) = tmp_path.iterdir()
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(SpanbertError, match=r"cannot be used .*delete this file"):
        vectors(tmp_path, ["one"], Maker())


def test_a_damaged_vector_is_made_anew(tmp_path):
    vectors(tmp_path, ["one", "three"], Maker())
    (path,) = tmp_path.iterdir()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE vectors SET vector = x'0102030405'")
    maker = Maker()
    assert [one[0] for one in vectors(tmp_path, ["one", "three"], maker)] == [3, 5]
    assert maker.asked == ["one", "three"]
    vectors(tmp_path, ["one", "three"], None)
