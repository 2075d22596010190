"""Learning a WordPiece vocabulary: the same texts always give the same pieces under the same numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import tokenizers
from tokenizers import models, pre_tokenizers, trainers

COPIES = 10_000  # of a word in one string handed to the trainer


def learn_vocabulary(
    words: Mapping[str, int], *, size: int, min_frequency: int, special_pieces: Sequence[str]
) -> dict[str, int]:
    """Pieces of frequent words, merged from characters (the training of WordPiece in `tokenizers`).

    The library numbers the characters inside words in the order of a randomly seeded hash table, and breaks
    ties of frequency by those numbers. Here characters are numbered beforehand: nothing is left to chance.

    Args:
        words: how often each normalised word occurs.
        size: the most pieces to give. Words with a character that is too rare for it are passed over.
        min_frequency: how often two pieces must stand together to be merged.
        special_pieces: take the first numbers.

    Returns:
        Pieces and their numbers, which are 0 ... without gap.
    """
    chars: Counter[str] = Counter()
    for word, count in words.items():
        for char in word:
            chars[char] += count
    room = (size - len(special_pieces)) // 2  # a character can be two pieces: first in a word, and inside
    kept = set(sorted(chars, key=lambda char: (-chars[char], char))[:room])
    known = {word: count for word, count in words.items() if kept.issuperset(word)}
    inside = {char for word in known for char in word[1:]}
    pieces = [*special_pieces, *sorted(kept), *(f"##{char}" for char in sorted(inside))]

    backend = tokenizers.Tokenizer(models.WordPiece({}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.WordPieceTrainer(
        vocab_size=size, min_frequency=min_frequency, special_tokens=pieces, show_progress=False
    )
    backend.train_from_iterator(_written_out(known), trainer)
    vocabulary: dict[str, int] = backend.get_vocab()
    return vocabulary


def _written_out(words: Mapping[str, int]) -> Iterator[str]:
    for word, count in words.items():
        for start in range(0, count, COPIES):
            yield f"{word} " * min(COPIES, count - start)
