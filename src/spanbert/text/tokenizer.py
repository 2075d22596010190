"""WordPiece on the `tokenizers` library: text to pieces that remember their characters and their word."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import tokenizers
from numpy.typing import NDArray
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors

from spanbert.errors import CheckpointError, DataError, SettingsError
from spanbert.text.files import atomic_write, write_json
from spanbert.text.vocabulary import learn_vocabulary

SPECIAL_PIECES = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
LEAST_UNKNOWN = 5
"""So many unknown pieces, and a tenth of all, are told: the model does not read what stands there."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """The pieces of one text, without special pieces; all arrays are integers (P,).

    `text[char_starts[i]:char_ends[i]]` is what piece i stands for; `words[i]` numbers its word.
    """

    ids: NDArray[np.int32]
    char_starts: NDArray[np.int32]
    char_ends: NDArray[np.int32]
    words: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.ids)


class Tokenizer:
    """BERT's WordPiece tokenizer, cased or not.

    Where a tenth of all that is cut is unknown to the vocabulary, a warning is logged, once.

    Args:
        backend: a `tokenizers.Tokenizer` whose vocabulary holds BERT's five special pieces.

    Raises:
        CheckpointError: a special piece is missing.
    """

    def __init__(self, backend: tokenizers.Tokenizer) -> None:
        ids = {piece: backend.token_to_id(piece) for piece in SPECIAL_PIECES}
        if missing := [piece for piece, piece_id in ids.items() if piece_id is None]:
            raise CheckpointError(f"tokenizer: the vocabulary lacks {', '.join(missing)}")
        backend.no_truncation()
        backend.no_padding()
        self.backend = backend
        self._cut = self._unknown = 0
        self._told = False
        self.pad_id, self.unknown_id, self.start_id, self.end_id, self.mask_id = (
            piece_id for piece_id in ids.values() if piece_id is not None
        )
        if backend.post_processor is None:  # other readers of a saved folder expect [CLS] and [SEP] from it
            backend.post_processor = processors.TemplateProcessing(
                single="[CLS]:0 $A:0 [SEP]:0",
                pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
                special_tokens=[("[CLS]", self.start_id), ("[SEP]", self.end_id)],
            )

    @property
    def vocabulary_size(self) -> int:
        """Number of pieces, special ones included."""
        return int(self.backend.get_vocab_size())

    @property
    def lowercase(self) -> bool:
        """Whether text is lower-cased before it is cut (an uncased model)."""
        normalizer = self.backend.normalizer  # of BERT's kind, or a sequence of single steps
        return normalizer is not None and "A" not in normalizer.normalize_str("A")

    @classmethod
    def from_file(cls, path: Path) -> Tokenizer:
        """Load a `tokenizer.json`.

        Raises:
            CheckpointError: the file is missing or no tokenizer.
        """
        try:
            return cls(tokenizers.Tokenizer.from_file(str(path)))
        except CheckpointError:
            raise
        except Exception as error:  # the library raises bare Exception with the cause in its text
            raise CheckpointError(f"{path}: no readable tokenizer.json ({error})") from error

    @classmethod
    def from_vocabulary(
        cls, path: Path, *, lowercase: bool, strip_accents: bool | None = None, split_chinese: bool = True
    ) -> Tokenizer:
        """Build from a `vocab.txt`, one piece a line; line number = piece number.

        Args:
            path: the vocabulary file, UTF-8.
            lowercase: whether the model is uncased. There is no default: guessing loses case in silence.
            strip_accents: remove combining marks; None follows `lowercase`, as BERT does.
            split_chinese: set CJK ideographs apart as words of their own.

        Raises:
            CheckpointError: the file is missing, not UTF-8, lacks a special piece or has one piece twice.
        """
        try:
            lines = path.read_text(encoding="utf-8-sig").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise CheckpointError(f"{path}: no readable vocab.txt ({error})") from error
        if lines and lines[-1] == "":
            lines.pop()
        vocabulary: dict[str, int] = {}
        for number, piece in enumerate(lines):
            if vocabulary.setdefault(piece, number) != number:
                raise CheckpointError(
                    f"{path}:{number + 1}: {piece!r} stands in line {vocabulary[piece] + 1} too"
                )
        return cls._of_vocabulary(vocabulary, lowercase, strip_accents, split_chinese)

    @classmethod
    def _of_vocabulary(
        cls, vocabulary: dict[str, int], lowercase: bool, strip_accents: bool | None, split_chinese: bool
    ) -> Tokenizer:
        model = models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100)
        return cls(_bert_pipeline(tokenizers.Tokenizer(model), lowercase, strip_accents, split_chinese))

    @classmethod
    def train(cls, texts: Iterable[str], *, size: int, lowercase: bool, min_frequency: int = 2) -> Tokenizer:
        """Learn a WordPiece vocabulary of at most `size` pieces from texts (a stream; read once).

        The same texts always give the same tokenizer. Where they have more different characters than fit, the
        rarest become [UNK]. Memory grows with the number of different words.

        Raises:
            SettingsError: `size` leaves no room beside the special pieces.
            DataError: the texts hold no word to learn from, or half a surrogate pair.
        """
        if size < len(SPECIAL_PIECES) + 2:
            raise SettingsError(f"tokenizer: size {size} is too small, the special pieces alone are 5")
        pipeline = _bert_pipeline(tokenizers.Tokenizer(models.WordPiece({})), lowercase, None, True)
        spaced: Counter[str] = Counter()
        for text in texts:
            spaced.update(pipeline.normalizer.normalize_str(checked_text(text)).split())
        words: Counter[str] = Counter()
        for token, count in spaced.items():
            for word, _ in pipeline.pre_tokenizer.pre_tokenize_str(token):
                words[word] += count
        if not words:
            raise DataError("tokenizer: the texts are empty, there is nothing to learn a vocabulary from")
        vocabulary = learn_vocabulary(
            words, size=size, min_frequency=min_frequency, special_pieces=SPECIAL_PIECES
        )
        return cls._of_vocabulary(vocabulary, lowercase, None, True)

    def encode(self, text: str) -> Pieces:
        """Cut one text into pieces; nothing is truncated and no special piece is added.

        A special piece that is written out in the text, such as `[MASK]`, is cut as that piece.

        Raises:
            DataError: the text holds half a surrogate pair, which is no character.
        """
        return self.encode_many([text])[0]

    def encode_many(self, texts: Sequence[str]) -> list[Pieces]:
        """Cut several texts at once (in parallel, outside Python). Raises as `encode`."""
        whole = [checked_text(text) for text in texts]
        cut = [_pieces(found) for found in self.backend.encode_batch(whole, add_special_tokens=False)]
        self._count_unknown([pieces.ids for pieces in cut])
        return cut

    def ids_of_many(self, texts: Sequence[str]) -> list[NDArray[np.int32]]:
        """Piece numbers alone, integers (P,) for each text: `encode_many` without the search for characters
        and words, and so in less time. Raises as `encode`.
        """
        whole = [checked_text(text) for text in texts]
        cut = self.backend.encode_batch_fast(whole, add_special_tokens=False)
        ids = [np.asarray(found.ids, dtype=np.int32) for found in cut]
        self._count_unknown(ids)
        return ids

    def _count_unknown(self, ids: Sequence[NDArray[np.int32]]) -> None:
        if self._told:
            return
        self._cut += sum(map(len, ids))
        self._unknown += sum(int(np.count_nonzero(some == self.unknown_id)) for some in ids)
        if self._unknown >= LEAST_UNKNOWN and 10 * self._unknown > self._cut:
            self._told = True
            _tell_of_unknown(hash(self.backend.to_str()))

    def piece(self, piece_id: int) -> str:
        """The vocabulary's string for a piece number."""
        return str(self.backend.id_to_token(piece_id))

    @cached_property
    def vocabulary(self) -> tuple[str, ...]:
        """The strings of all pieces, by number."""
        return tuple(self.piece(piece_id) for piece_id in range(self.vocabulary_size))

    def save(self, folder: Path, *, max_pieces: int = 512) -> None:
        """Write `tokenizer.json`, `vocab.txt` and `tokenizer_config.json` as Hugging Face readers expect.

        Raises:
            SpanbertError: the folder cannot be written.
        """
        vocabulary = self.backend.get_vocab()
        normalizer = self.backend.normalizer
        config = {
            "tokenizer_class": "BertTokenizer",
            "do_lower_case": self.lowercase,
            "strip_accents": getattr(normalizer, "strip_accents", None),
            "tokenize_chinese_chars": getattr(normalizer, "handle_chinese_chars", True),
            "model_max_length": max_pieces,
            "pad_token": "[PAD]",
            "unk_token": "[UNK]",
            "cls_token": "[CLS]",
            "sep_token": "[SEP]",
            "mask_token": "[MASK]",
        }
        with atomic_write(folder / "tokenizer.json") as stream:
            stream.write(self.backend.to_str(pretty=True))
        with atomic_write(folder / "vocab.txt") as stream:
            stream.writelines(f"{piece}\n" for piece in sorted(vocabulary, key=vocabulary.__getitem__))
        write_json(folder / "tokenizer_config.json", config)


def _bert_pipeline(
    backend: tokenizers.Tokenizer, lowercase: bool, strip_accents: bool | None, split_chinese: bool
) -> tokenizers.Tokenizer:
    backend.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=split_chinese,
        strip_accents=strip_accents,
        lowercase=lowercase,
    )
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece(prefix="##")
    known = [piece for piece in SPECIAL_PIECES if backend.token_to_id(piece) is not None]
    backend.add_special_tokens(known)
    return backend


@cache  # several models with one vocabulary may read the same text
def _tell_of_unknown(_vocabulary: int) -> None:
    logging.getLogger(__name__).warning(
        "more than a tenth of the text is unknown to the model's vocabulary, which reads it as [UNK]: is the "
        "model made for this language?"
    )


def checked_text(text: str) -> str:
    """The text, if all of it can be written. Raises DataError where it holds half a surrogate pair."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise DataError(
            f"a text has {text[error.start]!a} at index {error.start}: "
            "half a surrogate pair and no character; remove it"
        ) from None
    return text


def _pieces(found: tokenizers.Encoding) -> Pieces:
    offsets = np.asarray(found.offsets, dtype=np.int32).reshape(-1, 2)
    words = np.asarray([-1 if word is None else word for word in found.word_ids], dtype=np.int32)
    return Pieces(np.asarray(found.ids, dtype=np.int32), offsets[:, 0].copy(), offsets[:, 1].copy(), words)
