"""Two sequences a sample, [CLS] A [SEP] B [SEP], of blocks that may exchange their second parts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spanbert.pretraining.corpus.shards import Blocks, runs
from spanbert.pretraining.randomness import SampleRandom, Stream
from spanbert.pretraining.sequences import Pairs, Sequences

SPECIAL_PIECES = 3


def common_cuts(
    blocks: Blocks, starts: NDArray[np.int64], shorter: NDArray[np.int64], random: SampleRandom
) -> NDArray[np.int64]:
    """A place between words, in both blocks of each pair, drawn uniformly from all such places.

    Where no word begins at the same place in both, it is drawn from all places.

    Args:
        blocks: gathered.
        starts: integers (2, S), the first piece of the two blocks of each pair.
        shorter: integers (S,), pieces of the shorter block of a pair, at least 2; 0 where there is no pair.
        random: numbers of the pairs.

    Returns:
        Integers (S,), pieces before the cut; 0 where there is no pair.
    """
    one, other = (blocks.starts_word[runs(first, shorter)] for first in starts)
    ends = np.cumsum(shorter)
    begins = ends - shorter
    open_ = one & other
    open_[begins[shorter > 0]] = False
    found = np.concatenate([[0], np.cumsum(open_)])
    before, choices = found[begins], found[ends] - found[begins]
    chance = random.uniform(Stream.CUT, 0, np.arange(len(shorter)))
    chosen = np.searchsorted(found, before + (chance * choices).astype(np.int64), side="right") - 1 - begins
    anywhere = 1 + (chance * (shorter - 1)).astype(np.int64)
    return np.where(shorter == 0, 0, np.where(choices > 0, chosen, anywhere))


def framed_pairs(
    blocks: Blocks,
    samples: NDArray[np.int64],
    *,
    paired: NDArray[np.bool_],
    exchanged: NDArray[np.bool_],
    random: SampleRandom,
    start_id: int,
    end_id: int,
) -> Sequences:
    """Blocks and their partners -> pairs of sequences; a block without a partner becomes [CLS] block [SEP].

    A given span through which the cut goes is given as two.

    Args:
        blocks: 2 S of them: one for each sample, then the partner of each (where it has none, itself).
        samples: integers (S,), the number of each sample.
        paired: booleans (S,), whether it has a partner.
        exchanged: booleans (S,), whether its second part is the partner's.
        random: numbers of the pairs, the same for both samples of a pair.
        start_id: the number of [CLS].
        end_id: the number of [SEP].
    """
    count = len(samples)
    rows = np.arange(count)
    lengths = blocks.lengths.astype(np.int64)
    starts = np.cumsum(lengths) - lengths
    shorter = np.where(paired, np.minimum(lengths[:count], lengths[count:]), 0)
    cuts = common_cuts(blocks, starts.reshape(2, count), shorter, random)
    seconds = rows + count * exchanged
    firsts = np.where(paired, cuts, lengths[:count])
    # The parts of all samples in turn: A, B, A, B ...
    part_lengths = np.column_stack([firsts, lengths[seconds] - firsts]).ravel()
    part_starts = np.column_stack([starts[rows], starts[seconds] + firsts]).ravel()
    source = runs(part_starts, part_lengths)
    totals = part_lengths.reshape(count, 2).sum(axis=1) + 2 + paired
    begins = np.cumsum(totals) - totals
    special = np.zeros(int(totals.sum()), dtype=np.bool_)
    special[begins] = True
    special[begins + 1 + firsts] = True
    special[begins + totals - 1] = True
    piece_ids = np.full(len(special), end_id, dtype=np.int32)
    piece_ids[begins] = start_id
    piece_ids[~special] = blocks.piece_ids[source]
    starts_word = np.ones(len(special), dtype=np.bool_)
    starts_word[~special] = blocks.starts_word[source]
    starts_word[(begins + 2 + firsts)[paired]] = True  # B begins with a unit, even where a word was cut
    return Sequences(
        piece_ids,
        starts_word,
        special,
        totals,
        samples,
        _given(blocks, firsts, seconds, paired, begins),
        Pairs(firsts + 2, paired, exchanged),
    )


def _given(
    blocks: Blocks,
    firsts: NDArray[np.int64],
    seconds: NDArray[np.int64],
    paired: NDArray[np.bool_],
    begins: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Given spans of the parts that are used, counted over the framed sequences: integers (N, 2)."""
    given = blocks.given
    samples = given.rows % len(firsts)
    cut = firsts[samples]
    found = []
    for used, from_, to, shift in (
        (given.rows < len(firsts), 0, cut, 1),
        (paired[samples] & (given.rows == seconds[samples]), cut, np.iinfo(np.int32).max, 2),
    ):
        starts, ends = np.maximum(given.starts, from_), np.minimum(given.ends, to)
        kept = used & (starts < ends)
        found.append(np.column_stack([starts, ends])[kept] + (begins[samples] + shift)[kept, None])
    return np.concatenate(found).astype(np.int64)
