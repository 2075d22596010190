"""What the tests of relations share: a tokenizer with and one without unused pieces, and short makers."""

import pytest
import tokenizers

from spanbert.tasks.relations.examples import Argument, RelationExample
from spanbert.text.spans import Span
from spanbert.text.tokenizer import SPECIAL_PIECES, Tokenizer

TEXT = "ada bob likes lives in works for rome oslo the old mill and a city per loc of by"
LETTERS = "abcdefghijklmnopqrstuvwxyz"
SIGNS = ["@", "#", "*", ".", ","]


def tokenizer_with(tmp_path, unused):
    """A WordPiece tokenizer of a few words, all letters, some signs and `unused` free pieces."""
    free = [f"[unused{number}]" for number in range(unused)]
    pieces = dict.fromkeys(
        [*SPECIAL_PIECES, *free, *TEXT.split(), *LETTERS, *SIGNS, *(f"##{c}" for c in LETTERS)]
    )
    path = tmp_path / f"vocab-{unused}.txt"
    path.write_text("".join(f"{piece}\n" for piece in pieces), encoding="utf-8")
    return Tokenizer.from_vocabulary(path, lowercase=True)


@pytest.fixture(scope="session")
def tokenizer(tmp_path_factory):
    """With unused pieces, as BERT's vocabularies have."""
    return tokenizer_with(tmp_path_factory.mktemp("with"), 40)


@pytest.fixture(scope="session")
def plain_tokenizer(tmp_path_factory):
    """Without unused pieces."""
    return tokenizer_with(tmp_path_factory.mktemp("without"), 0)


@pytest.fixture(scope="session")
def bare_tokenizer():
    """With neither unused pieces nor punctuation."""
    model = tokenizers.models.WordPiece(
        {piece: n for n, piece in enumerate(SPECIAL_PIECES)}, unk_token="[UNK]"
    )
    return Tokenizer(tokenizers.Tokenizer(model))


@pytest.fixture(scope="session")
def pair():
    """A maker of examples: text, the two entities by their words, relations, types."""

    def made(text, subject, target, relations=None, types=(None, None), name="x"):
        arguments = []
        for words, kind in zip((subject, target), types, strict=True):
            start = text.index(words)
            arguments.append(Argument(Span(start, start + len(words)), kind))
        return RelationExample(name, text, *arguments, relations)

    return made
