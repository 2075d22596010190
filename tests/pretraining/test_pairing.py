"""Who exchanges with whom, and the samples that come of it, on blocks drawn at random."""

from collections import Counter
from itertools import pairwise

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from spanbert.pretraining.corpus.shards import Blocks, GivenSpans, runs
from spanbert.pretraining.pairing import Pairing
from spanbert.pretraining.pairs import framed_pairs
from spanbert.pretraining.randomness import SampleRandom
from spanbert.pretraining.sequences import Sequences

START, END = 2, 3
SEEDS = st.integers(0, 2**62)
documents_of_words = st.lists(
    st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=12), min_size=1, max_size=5),
    min_size=1,
    max_size=8,
)
"""Documents of blocks of words, each a number of pieces."""


class Text:
    """Blocks in memory, each piece a number of its own; every third word and the next are a given span."""

    def __init__(self, documents) -> None:
        blocks = [words for document in documents for words in document]
        self.documents = np.repeat(np.arange(len(documents)), [len(document) for document in documents])
        self.lengths = np.asarray([sum(words) for words in blocks], dtype=np.int32)
        self.ends = np.cumsum(self.lengths, dtype=np.int64)
        self.piece_ids = 10 + np.arange(self.ends[-1], dtype=np.int32)
        self.starts_word = np.zeros(len(self.piece_ids), dtype=bool)
        self.starts_word[np.cumsum([0, *(size for words in blocks for size in words)])[:-1]] = True
        self.given = [
            [
                tuple(np.cumsum([0, *words])[[first, min(first + 2, len(words))]])
                for first in range(0, len(words), 3)
            ]
            for words in blocks
        ]

    def gather(self, numbers) -> Blocks:
        source = runs(self.ends[numbers] - self.lengths[numbers], self.lengths[numbers])
        spans = [(row, *span) for row, number in enumerate(numbers) for span in self.given[number]]
        return Blocks(
            self.piece_ids[source],
            self.starts_word[source],
            self.lengths[numbers],
            GivenSpans(*np.asarray(spans, dtype=np.int32).reshape(-1, 3).T),
        )

    def pairing(self, seed: int, epoch: int = 0) -> Pairing:
        return Pairing.of(np.arange(len(self.documents)), self.documents, self.lengths, seed, epoch)

    def sequences(self, pairing: Pairing, seed: int, indices=None) -> Sequences:
        numbers = np.arange(len(self.documents)) if indices is None else np.asarray(indices)
        partners = pairing.partners[numbers]
        return framed_pairs(
            self.gather(np.concatenate([numbers, partners])),
            numbers,
            paired=pairing.paired[numbers],
            exchanged=pairing.exchanged[numbers],
            random=SampleRandom(seed, 0, np.minimum(numbers, partners)),
            start_id=START,
            end_id=END,
        )


def texts_of(sequences: Sequences) -> list[list[list[int]]]:
    """The texts of each sequence, cut at its special pieces."""
    found = []
    for start, end in zip(sequences.starts[:-1], sequences.starts[1:], strict=True):
        ids, special = sequences.piece_ids[start:end], sequences.special[start:end]
        assert (ids[0], ids[-1], special[0], special[-1]) == (START, END, True, True)
        cuts = np.flatnonzero(special)
        assert (ids[cuts[1:]] == END).all()
        found.append([ids[one + 1 : other].tolist() for one, other in pairwise(cuts)])
    return found


@given(documents=documents_of_words, seed=SEEDS)
@example(documents=[[[1]], [[1]]], seed=0)
def test_partners_are_mutual_and_of_different_documents(documents, seed):
    text = Text(documents)
    pairing = text.pairing(seed)
    every = np.arange(len(text.documents))
    assert (pairing.partners[pairing.partners] == every).all()
    assert (pairing.exchanged == pairing.exchanged[pairing.partners]).all()
    assert not (pairing.exchanged & ~pairing.paired).any()
    one, other = every[pairing.paired], pairing.partners[pairing.paired]
    assert (text.documents[one] != text.documents[other]).all()
    assert (text.lengths[one] > 1).all()
    # Those left over could not be paired with one another: at most one, or all of a single document.
    left = ~pairing.paired & (text.lengths > 1)
    assert left.sum() <= 1 or len(set(text.documents[left])) == 1


@given(documents=documents_of_words, seed=SEEDS)
def test_every_piece_is_in_one_sample_and_labels_are_true(documents, seed):
    text = Text(documents)
    pairing = text.pairing(seed)
    sequences = text.sequences(pairing, seed)
    of_piece = np.repeat(text.documents, text.lengths)
    found = texts_of(sequences)
    assert sorted(piece for texts in found for one in texts for piece in one) == text.piece_ids.tolist()
    for row, texts in enumerate(found):
        paired, exchanged = sequences.pairs.paired[row], sequences.pairs.exchanged[row]
        assert len(texts) == 1 + paired
        assert all(texts)
        for one in texts:
            assert (np.diff(one) == 1).all()  # as it stands in the corpus
        assert sequences.pairs.first_pieces[row] == len(texts[0]) + 2
        assert texts[0][0] == text.piece_ids[text.ends[row] - text.lengths[row]]
        if paired:
            a, b = texts[0][-1], texts[1][0]
            assert (a + 1 == b) == (not exchanged)
            assert (of_piece[a - 10] == of_piece[b - 10]) == (not exchanged)
    ending = text.lengths[pairing.seconds]
    assert (sequences.lengths == ending + 2 + pairing.paired).all()
    assert sequences.lengths.max() <= text.lengths.max() + 3


@given(documents=documents_of_words, seed=SEEDS, data=st.data())
def test_a_sample_is_the_same_in_any_batch(documents, seed, data):
    text = Text(documents)
    pairing = text.pairing(seed)
    everything = texts_of(text.sequences(pairing, seed))
    rows = data.draw(st.lists(st.integers(0, len(everything) - 1), min_size=1, max_size=6))
    assert texts_of(text.sequences(pairing, seed, rows)) == [everything[row] for row in rows]


@given(documents=documents_of_words, seed=SEEDS)
def test_nothing_of_the_layout_tells_the_label(documents, seed):
    text = Text(documents)
    pairing = text.pairing(seed)
    other = Pairing(pairing.partners, pairing.paired & ~pairing.exchanged)
    layouts = [
        Counter(zip(one.pairs.first_pieces.tolist(), one.lengths.tolist(), strict=True))
        for one in (text.sequences(choice, seed) for choice in (pairing, other))
    ]
    assert layouts[0] == layouts[1]


@given(documents=documents_of_words, seed=SEEDS)
def test_cuts_are_between_words_where_both_blocks_have_such_a_place(documents, seed):
    text = Text(documents)
    pairing = text.pairing(seed)
    sequences = text.sequences(pairing, seed)
    assert sequences.starts_word[sequences.starts[:-1] + 1].all()
    for row in np.flatnonzero(pairing.paired):
        cut = sequences.pairs.first_pieces[row] - 2
        blocks = [text.gather(np.asarray([number])).starts_word for number in (row, pairing.partners[row])]
        places = [set(np.flatnonzero(block)[1:].tolist()) for block in blocks]
        common = places[0] & places[1]
        assert 0 < cut < min(map(len, blocks))
        assert not common or cut in common
        assert sequences.starts_word[sequences.starts[row] + cut + 2]  # B begins with a word


@given(documents=documents_of_words, seed=SEEDS)
def test_given_spans_go_with_their_pieces(documents, seed):
    text = Text(documents)
    sequences = text.sequences(text.pairing(seed), seed)
    found = []
    for start, end in sequences.given:
        assert not sequences.special[start:end].any()
        found += sequences.piece_ids[start:end].tolist()
    begins = text.ends - text.lengths
    expected = [
        piece
        for begin, spans in zip(begins, text.given, strict=True)
        for start, end in spans
        for piece in range(begin + start + 10, begin + end + 10)
    ]
    assert sorted(found) == expected


def test_half_of_the_pairs_exchange_and_partners_are_alike_in_length():
    rng = np.random.default_rng(0)
    documents = np.sort(rng.integers(0, 700, 4000))
    lengths = rng.integers(2, 510, 4000)
    blocks = np.sort(rng.permutation(9000)[:4000])
    made = [Pairing.of(blocks, documents, lengths, seed=3, epoch=epoch) for epoch in (0, 1)]
    for pairing in made:
        assert pairing.paired.sum() >= 3999 // 2 * 2
        coins = pairing.exchanged.sum() / 2
        assert abs(coins - 1000) < 4 * (2000 * 0.25) ** 0.5
        ratio = lengths / lengths[pairing.partners]
        assert (np.abs(np.log2(ratio)) < 1).mean() > 0.95
    assert (made[0].partners != made[1].partners).mean() > 0.9
    again = Pairing.of(blocks, documents, lengths, seed=3, epoch=0)
    assert (again.partners == made[0].partners).all()
    assert (again.exchanged == made[0].exchanged).all()


def test_a_document_with_most_of_the_blocks_leaves_some_alone():
    documents = np.asarray([0] * 30 + [1] * 4 + [2] * 3)
    pairing = Pairing.of(np.arange(37), documents, np.full(37, 50), seed=0, epoch=0)
    assert pairing.paired.sum() == 14
    assert pairing.paired[30:].all()


def test_cuts_are_uniform_over_the_common_places():
    text = Text([[[1] * 11]] * 2000)
    pairing = text.pairing(seed=1)
    cuts = text.sequences(pairing, seed=1).pairs.first_pieces - 2
    counts = np.bincount(cuts[pairing.partners > np.arange(2000)], minlength=11)[1:]
    assert counts.sum() == 1000
    assert ((counts - 100) ** 2 / 100).sum() < 33.7  # 9 degrees of freedom; one in ten thousand exceeds it
