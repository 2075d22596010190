"""What holds for every scheme, what each one's law is, and that choices depend on the sample alone."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pretraining.drawn import framed, prose, some_blocks, with_given
from spanbert.pretraining.masking import GeometricSpans, GivenSpans, LengthLaw, SinglePieces, WholeWords
from spanbert.pretraining.randomness import SampleRandom

CHI_SQUARE_9 = 33.7  # one in ten thousand exceeds it with 9 degrees of freedom
SCHEMES = [
    GeometricSpans(),
    GeometricSpans(budget=0.4),
    GeometricSpans(budget=0.3, law=LengthLaw.geometric(0, 3)),
    WholeWords(),
    WholeWords(budget=0.4),
    WholeWords(budget=0.5, apart=False),
    SinglePieces(),
    SinglePieces(budget=0.4, apart=False),
    GivenSpans(),
    GivenSpans(budget=0.4, share=1.0),
]


def choose(scheme, sequences, seed=0, epoch=0):
    return scheme.choose(sequences, SampleRandom(seed, epoch, sequences.samples))


@st.composite
def sequences_with_given_spans(draw):
    sequences = framed(draw(some_blocks))
    open_places = np.flatnonzero(~sequences.special)
    spans = []
    for place in draw(st.lists(st.integers(0, max(len(open_places) - 1, 0)), max_size=8)):
        if len(open_places):
            start = int(open_places[place])
            end = int(sequences.starts[sequences.rows_of(np.asarray([start]))[0] + 1]) - 1
            spans.append((start, draw(st.integers(start + 1, max(start + 1, end)))))
    return with_given(sequences, [span for span in spans if not sequences.special[span[0] : span[1]].any()])


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
@given(sequences=sequences_with_given_spans(), seed=st.integers(0, 2**62))
def test_rules_of_every_scheme(scheme, sequences, seed):
    spans = choose(scheme, sequences, seed)
    assert (spans.lengths > 0).all()
    assert (np.diff(spans.starts) > 0).all()
    masked = np.zeros(len(sequences.piece_ids), dtype=int)
    np.add.at(masked, spans.positions, 1)
    assert masked.max(initial=0) <= 1  # disjoint
    assert not (masked.astype(bool) & sequences.special).any()
    assert (sequences.rows_of(spans.starts) == spans.rows).all()
    assert (sequences.rows_of(spans.ends - 1) == spans.rows).all()
    if getattr(scheme, "apart", True):
        assert not masked[spans.starts - 1].any()
        assert not masked[spans.ends].any()
    if not isinstance(scheme, SinglePieces):
        assert sequences.starts_word[spans.starts].all()
        assert sequences.starts_word[spans.ends].all()


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
@given(sequences=sequences_with_given_spans(), seed=st.integers(0, 2**62), epoch=st.integers(0, 9))
def test_a_choice_depends_on_the_sample_alone(scheme, sequences, seed, epoch):
    together = choose(scheme, sequences, seed, epoch)
    for row in range(len(sequences.lengths)):
        begin, end = sequences.starts[row : row + 2]
        inside = (sequences.given[:, 0] >= begin) & (sequences.given[:, 0] < end)
        alone = replace(
            sequences,
            piece_ids=sequences.piece_ids[begin:end],
            starts_word=sequences.starts_word[begin:end],
            special=sequences.special[begin:end],
            lengths=sequences.lengths[row : row + 1],
            samples=sequences.samples[row : row + 1],
            given=sequences.given[inside] - begin,
        )
        spans = choose(scheme, alone, seed, epoch)
        mine = together.rows == row
        assert (spans.starts + begin).tolist() == together.starts[mine].tolist()
        assert (spans.ends + begin).tolist() == together.ends[mine].tolist()


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
def test_seed_and_epoch_change_the_choice(scheme):
    sequences = framed(prose(4, 60))
    chosen = [choose(scheme, sequences, *key).starts.tolist() for key in ((0, 0), (1, 0), (0, 1))]
    assert chosen[0] != chosen[1] != chosen[2] != chosen[0]


def lengths_in_words(sequences, spans):
    begins = np.searchsorted(sequences.words.starts, spans.starts)
    return np.searchsorted(sequences.words.starts, spans.ends) - begins


@pytest.mark.parametrize("law", [LengthLaw.geometric(), LengthLaw.geometric(0.4, 10)], ids=["p=0.2", "p=0.4"])
def test_span_lengths_follow_the_law(law):
    sequences = framed(prose(600, 440))
    spans = choose(GeometricSpans(law=law), sequences)
    counts = np.bincount(lengths_in_words(sequences, spans), minlength=law.longest + 1)[1:]
    expected = len(spans.starts) * np.asarray(law.probabilities)
    assert len(spans.starts) > 5000
    assert ((counts - expected) ** 2 / expected).sum() < CHI_SQUARE_9


@pytest.mark.parametrize("words", [60, 440])
@pytest.mark.parametrize(
    "scheme",
    [
        GeometricSpans(),
        GeometricSpans(budget=0.4),
        WholeWords(apart=False),
        WholeWords(),
        SinglePieces(),
        SinglePieces(apart=False),
    ],
    ids=str,
)
def test_the_expected_share_of_masked_pieces_is_the_budget(scheme, words):
    sequences = framed(prose(40_000 // words, words))
    shares = [choose(scheme, sequences, seed).lengths.sum() / (~sequences.special).sum() for seed in range(8)]
    # Pieces in a span vary with the words it takes; the shares of several seeds say how much.
    assert np.mean(shares) == pytest.approx(scheme.budget, abs=4 * np.std(shares) / 8**0.5 + 0.002)


@pytest.mark.parametrize("words", [1, 2, 5, 8])
def test_the_share_is_the_budget_in_sequences_shorter_than_the_longest_span(words):
    sequences = framed([[1] * words] * (60_000 // words))
    shares = [choose(GeometricSpans(), sequences, seed).lengths.sum() / 60_000 for seed in range(4)]
    assert np.mean(shares) == pytest.approx(0.15, abs=0.005)


@pytest.mark.parametrize("budget", [0.15, 0.4])
def test_a_second_scheme_takes_its_share_of_the_whole_sequence(budget):
    sequences = framed(prose(80, 400))
    first = choose(GeometricSpans(budget=budget / 2), sequences)
    second = choose(SinglePieces(budget=budget / 2), sequences.without(first), seed=1)
    assert second.lengths.sum() / (~sequences.special).sum() == pytest.approx(budget / 2, abs=0.003)


def test_a_sequences_share_varies_by_no_more_than_a_span():
    sequences = framed(prose(300, 440))
    spans = choose(GeometricSpans(), sequences)
    masked = np.bincount(spans.rows, lengths_in_words(sequences, spans), minlength=300)
    assert (np.abs(masked - 0.15 * 440) < 10).all()


def test_single_pieces_are_uniform_over_places():
    sequences = framed([[1] * 20] * 4000)
    spans = choose(SinglePieces(apart=False), sequences)
    counts = np.bincount(spans.starts - sequences.starts[spans.rows], minlength=22)[1:21]
    expected = len(spans.starts) / 20
    assert ((counts - expected) ** 2 / expected).sum() < 50  # 19 degrees of freedom


def test_starts_are_uniform_over_words_and_not_over_pieces():
    # One word of four pieces among nineteen of one: as a single word it is chosen as often as the others.
    sequences = framed([[1] * 10 + [4] + [1] * 9] * 6000)
    spans = choose(WholeWords(apart=False, budget=0.05), sequences)
    words = np.searchsorted(sequences.words.starts, spans.starts) - sequences.words.first[spans.rows] - 1
    counts = np.bincount(words, minlength=20)
    expected = len(words) / 20
    assert ((counts - expected) ** 2 / expected).sum() < 50


@pytest.mark.parametrize(
    "scheme", [WholeWords(budget=0.05), GeometricSpans(budget=0.05, law=LengthLaw((1.0,)))], ids=str
)
def test_starts_are_uniform_where_neighbours_stay_visible(scheme):
    # At a twentieth spans hardly meet: all words are as likely, that of four pieces too.
    sequences = framed([[1] * 10 + [4] + [1] * 9] * 6000)
    spans = choose(scheme, sequences)
    words = np.searchsorted(sequences.words.starts, spans.starts) - sequences.words.first[spans.rows] - 1
    counts = np.bincount(words, minlength=20)
    expected = len(words) / 20
    assert len(words) > 5000
    assert ((counts - expected) ** 2 / expected).sum() < 50


def test_starts_of_longer_spans_are_uniform_over_the_words_where_they_fit():
    sequences = framed([[1] * 22] * 20_000)
    spans = choose(GeometricSpans(budget=0.05, law=LengthLaw((0.0, 0.0, 1.0))), sequences)
    starts = spans.starts - sequences.starts[spans.rows] - 1
    counts = np.bincount(starts, minlength=20)
    expected = len(starts) / 20
    assert len(counts) == 20 and len(starts) > 5000
    assert ((counts - expected) ** 2 / expected).sum() < 50


def test_given_spans_take_their_share_and_are_taken_whole():
    blocks = prose(300, 200)
    sequences = framed(blocks)
    words = sequences.words
    firsts = [
        words.first[row] + 1 + place for row in range(300) for place in range(0, 190, 8)
    ]  # three words, every eighth
    given_spans = [(words.starts[first], words.starts[first + 3]) for first in firsts]
    spans = choose(GivenSpans(budget=0.2, share=0.5), with_given(sequences, given_spans))
    known = {(int(start), int(end)) for start, end in given_spans}
    found = [
        (start, end) in known for start, end in zip(spans.starts.tolist(), spans.ends.tolist(), strict=True)
    ]
    total = (~sequences.special).sum()
    assert spans.lengths[found].sum() / total == pytest.approx(0.1, abs=0.004)
    assert spans.lengths.sum() / total == pytest.approx(0.2, abs=0.004)


def test_a_given_span_that_cuts_a_word_is_grown():
    sequences = with_given(framed([[1, 3, 1, 3, 1, 1, 1, 1]]), [(3, 7)])  # from inside one word into another
    chosen = {
        (int(start), int(end))
        for seed in range(40)
        for spans in [choose(GivenSpans(budget=0.6, share=1.0), sequences, seed)]
        for start, end in zip(spans.starts, spans.ends, strict=True)
        if end - start > 3
    }
    assert chosen == {(2, 9)}
