import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spanbert.pretraining.corpus.blocks import Packer

LINES = st.lists(st.lists(st.integers(1, 9), max_size=12), max_size=12)  # pieces of each word of each line


def starts_word(words: list[int]) -> np.ndarray:
    return np.asarray([place == 0 for word in words for place in range(word)], dtype=np.bool_)


def packed_literally(lines: list[list[int]], most: int) -> list[list[int]]:
    """Blocks as lists of word lengths, built word by word; a word longer than a block comes in stretches."""
    blocks: list[list[int]] = [[]]
    for words in lines:
        if sum(blocks[-1]) + sum(words) > most:
            blocks.append([])
        for word in words:
            if word <= most and sum(blocks[-1]) + word > most:
                blocks.append([])
            if word > most:
                if sum(words) > most and blocks[-1]:
                    blocks.append([])
                while word > most:
                    blocks += [[]] if blocks[-1] else []
                    blocks[-1].append(most)
                    word -= most
                blocks.append([])
            blocks[-1].append(word)
    return [block for block in blocks if block]


@given(LINES, st.integers(1, 20))
def test_blocks_are_those_of_the_literal_packer(lines, most):
    packer = Packer(most)
    for words in lines:
        packer.add_line(starts_word(words))
    packer.close()
    expected = packed_literally(lines, most)
    assert packer.ends == np.cumsum([sum(block) for block in expected], dtype=int).tolist()
    assert packer.split_lines == sum(sum(words) > most for words in lines)


@given(LINES, st.integers(1, 20))
def test_every_piece_is_in_a_block_and_no_block_is_too_long(lines, most):
    packer = Packer(most)
    for words in lines:
        packer.add_line(starts_word(words))
    packer.close()
    lengths = np.diff([0, *packer.ends])
    assert lengths.sum() == sum(map(sum, lines))
    assert all(0 < length <= most for length in lengths)


@given(LINES, st.integers(1, 20))
def test_a_cut_within_a_word_is_counted_and_only_made_in_words_longer_than_a_block(lines, most):
    packer = Packer(most)
    for words in lines:
        packer.add_line(starts_word(words))
    packer.close()
    flags = np.concatenate([starts_word(words) for words in lines] or [np.zeros(0, dtype=np.bool_)])
    inside = [end for end in packer.ends[:-1] if not flags[end]]
    assert packer.split_words == len(inside)
    if all(word <= most for words in lines for word in words):
        assert inside == []


@given(st.lists(st.integers(1, 5), min_size=1, max_size=30), st.integers(5, 20), st.data())
def test_a_long_line_in_parts_is_split_as_the_whole(words, most, data):
    words += [1] * most  # surely too long for one block
    whole, parts = Packer(most), Packer(most)
    whole.add_line(starts_word([2]))
    whole.add_line(starts_word(words))
    parts.add_line(starts_word([2]))
    cut = data.draw(st.integers(0, len(words)))
    parts.add_part(starts_word(words[:cut]), continues=False)
    parts.add_part(starts_word(words[cut:]), continues=True)
    assert (parts.ends, parts.filled) == (whole.ends, whole.filled)


def test_lines_share_a_block_until_one_does_not_fit():
    packer = Packer(10)
    for length in (4, 5, 2, 10, 1):
        packer.add_line(np.ones(length, dtype=np.bool_))
    packer.close()
    assert np.diff([0, *packer.ends]).tolist() == [9, 2, 10, 1]


def test_the_rest_of_a_long_line_shares_its_block_with_the_next_line():
    packer = Packer(10)
    for length in (3, 12, 8):
        packer.add_line(np.ones(length, dtype=np.bool_))
    packer.close()
    assert np.diff([0, *packer.ends]).tolist() == [3, 10, 10]
