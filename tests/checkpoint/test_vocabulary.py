"""Which tokenizer a folder has, and that a cased one never lower-cases in silence."""

import json

import pytest
from tokenizers import normalizers

import released_models as released
from spanbert.checkpoint.vocabulary import is_cased, read_tokenizer, tokenizer_from
from spanbert.errors import CheckpointError
from spanbert.text.tokenizer import Tokenizer

CASED, UNCASED = released.vocabulary_bytes(released.CASED), released.vocabulary_bytes(released.UNCASED)


def case_config(lower):
    return json.dumps({"do_lower_case": lower}).encode()


@pytest.mark.parametrize(("content", "lower"), [(CASED, False), (UNCASED, True)])
def test_vocabulary_alone_decides_and_says_so(tmp_path, content, lower):
    tokenizer, notes = read_tokenizer(released.write_files(tmp_path, {"vocab.txt": content}))
    assert tokenizer.lowercase is lower
    assert len(notes) == 1
    assert "nothing says whether text is lower-cased" in notes[0]
    known = tokenizer.unknown_id not in tokenizer.encode("Paris").ids
    assert known == (not lower) or tokenizer.piece(tokenizer.encode("A").ids[0]) == "a"


def test_config_is_believed_without_a_note(tmp_path):
    tokenizer, notes = read_tokenizer(
        released.write_files(tmp_path, {"vocab.txt": UNCASED, "tokenizer_config.json": case_config(False)})
    )
    assert not tokenizer.lowercase
    assert notes == []


def test_cased_vocabulary_with_lower_casing_is_refused(tmp_path):
    folder = released.write_files(
        tmp_path / "a", {"vocab.txt": CASED, "tokenizer_config.json": case_config(True)}
    )
    with pytest.raises(CheckpointError, match=r"vocabulary is cased.*--no-lowercase") as error:
        read_tokenizer(folder)
    assert "\n" not in str(error.value)
    tokenizer, _ = tokenizer_from(folder, False)
    assert tokenizer.piece(tokenizer.encode("Paris").ids[0]) == "Paris"


@pytest.mark.parametrize(
    "normalizer",
    [
        normalizers.BertNormalizer(lowercase=True),
        normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()]),
    ],
)
def test_cased_tokenizer_json_with_lower_casing_is_refused(tmp_path, normalizer):
    folder = released.write_files(tmp_path, {"vocab.txt": CASED})
    tokenizer = Tokenizer.from_vocabulary(folder / "vocab.txt", lowercase=False)
    tokenizer.backend.normalizer = normalizer
    tokenizer.backend.save(str(folder / "tokenizer.json"))
    with pytest.raises(CheckpointError, match=r"vocabulary is cased.*--no-lowercase"):
        read_tokenizer(folder)
    mended, _ = tokenizer_from(folder, False)
    assert mended.piece(mended.encode("Paris").ids[0]) == "Paris"


def test_special_pieces_do_not_make_a_vocabulary_cased():
    assert not is_cased(["[CLS]", "[MASK]", "<S>", "a", "##b"])
    assert is_cased(["[CLS]", "a", "##B"])
    assert not is_cased([*map(str, range(2000)), "A"])


def test_no_vocabulary_says_how_to_give_one(tmp_path):
    with pytest.raises(
        CheckpointError, match=r"no vocabulary; put the vocab.txt .* spanbert convert .* --vocab FILE"
    ):
        read_tokenizer(tmp_path)


def test_broken_config_names_its_file(tmp_path):
    folder = released.write_files(
        tmp_path, {"vocab.txt": CASED, "tokenizer_config.json": b'{"do_lower_case": tru'}
    )
    with pytest.raises(CheckpointError, match=r"tokenizer_config.json:1: broken JSON"):
        read_tokenizer(folder)
