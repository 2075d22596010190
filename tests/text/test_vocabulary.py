from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from spanbert.text.vocabulary import COPIES, learn_vocabulary

SPECIAL = ("[PAD]", "[UNK]")
word_counts = st.dictionaries(
    st.text("abcdeé的", min_size=1, max_size=6), st.integers(1, 20), min_size=1, max_size=20
)


def learned(words, size=40, min_frequency=2):
    return learn_vocabulary(words, size=size, min_frequency=min_frequency, special_pieces=SPECIAL)


@given(word_counts, st.integers(4, 60))
def test_numbers_are_without_gap_and_at_most_as_many_as_asked(words, size):
    vocabulary = learned(words, size)
    assert sorted(vocabulary.values()) == list(range(len(vocabulary)))
    assert len(vocabulary) <= size
    assert [vocabulary[piece] for piece in SPECIAL] == [0, 1]


@given(word_counts)
def test_the_order_of_the_words_and_the_run_change_nothing(words):
    assert learned(words) == learned(dict(reversed(words.items()))) == learned(words)


def test_frequent_words_become_pieces_and_rare_ones_do_not():
    vocabulary = learned({"river": 9, "rivet": 1, "run": COPIES * 2 + 1}, min_frequency=5)
    assert {"river", "run"} <= vocabulary.keys()
    assert "rivet" not in vocabulary


def test_words_with_a_character_too_rare_for_the_size_are_passed_over():
    words = Counter({"ab": 50, "ba": 50, "a的": 3})
    assert {"a", "b", "##a", "##b"} < learned(words, size=7).keys()
    assert not {"的", "##的"} & learned(words, size=7).keys()
    assert "##的" in learned(words, size=30)
