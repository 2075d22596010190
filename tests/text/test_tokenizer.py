import json
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st

from spanbert.errors import CheckpointError, DataError, SettingsError, SpanbertError
from spanbert.text.tokenizer import SPECIAL_PIECES, Tokenizer

HARD_TEXTS = {
    "empty": "",
    "spaces": " \t \u3000 ",
    "combining, composed": unicodedata.normalize("NFC", "Café Ångström naïve Đặng"),
    "combining, decomposed": unicodedata.normalize("NFD", "Café Ångström naïve Đặng"),
    "marks alone": "\u0301 \u0301a \u0345\u0316\u0301",
    "marks that canonical order swaps": "a\u302e\U0001d165b \u0301\u0316",
    "hangul": "한국어 각 \u1100\u1161\u11a8",
    "devanagari": "क्षत्रिय में हिन्दी",
    "thai": "ภาษาไทย น้ำ",
    "emoji joined": "a👨‍👩‍👧‍👦b 🏳️‍🌈 👍🏽 🇫🇷",
    "variation selectors": "☺\ufe0f ☺\ufe0e 葛\U000e0100",
    "CJK": "東京都、的是。中文abc漢字",
    "CJK extensions": "㐀\U00020000\U0002a6df\U0002a700\U0002b740\U0002b820\U0002ceb0\U00030000 丽\U0002f800",
    "kana": "ひらがな カタカナ ｶﾞ が か\u3099",
    "arabic": "السَّلامُ عَلَيْكُم ١٢٣",
    "hebrew with points": "בְּרֵאשִׁית בָּרָא",
    "direction marks": "\u202bאב\u202c \u200fab\u200e \u2066x\u2069",
    "zero width": "a\u200bb \u200cc\u200d \ufeffd\u2060e",
    "CRLF": "one\r\ntwo\rthree\n\nfour\u2028five\u2029six\x85seven",
    "control": "a\x00b\x01c\x07\x1b[0m\x7f\x9fd",
    "odd spaces": "a\u00a0b\u2009c\u202fd\u1680e\u180ef",
    "soft hyphen": "co\u00adop",
    "full width": "Ｆｕｌｌ，ｗｉｄｔｈ！１２３",
    "turkish": "İstanbul ISPARTA ılık i\u0307",
    "sharp s": "Straße STRASSE ẞ",
    "ligatures": "ﬁne ﬂow ﬃ ǆ Œuvre ĳ",
    "greek final sigma": "ΟΔΥΣΣΕΥΣ Σ ΐ",
    "long word": "x" * 99 + " " + "y" * 100 + " " + "z" * 101 + " paris",
    "long word of marks": "e\u0301" * 60,
    "replacement character": "a\ufffdb \ufffd",
    "private use and unassigned": "\ue000 \U000f0000 \u0378 \U0010ffff \ufdd0",
    "hashes": "## ##s paris##s #",
    "special pieces": "a [MASK] b[SEP][CLS] [PAD] [UNK] [mask] [ MASK ] [[MASK]]",
    "special pieces, other scripts": "的[MASK]的 e\u0301[SEP]\u0301",
    "punctuation": "don't—stop… “x” «y» $1,000.50 a_b ¿que? ٪ ·",
    "superscripts": "x² ½ ™ ℃ Ⅷ ①",
    "math letters": "𝓗𝓮𝓵𝓵𝓸 𝟙𝟚",
}


@pytest.fixture(scope="module", params=["uncased", "cased"])
def pair(request, vocabulary):
    """Our tokenizer and transformers' on the same small vocabulary."""
    transformers = pytest.importorskip("transformers")
    uncased = request.param == "uncased"
    pieces = vocabulary.read_text(encoding="utf-8").split("\n")[:-1]
    theirs = transformers.BertTokenizer(
        {piece: number for number, piece in enumerate(pieces)}, do_lower_case=uncased
    )
    return Tokenizer.from_vocabulary(vocabulary, lowercase=uncased), theirs


def assert_equal(ours: Tokenizer, theirs, text: str) -> None:
    found = ours.encode(text)
    expected = theirs(text, add_special_tokens=False, return_offsets_mapping=True)
    assert found.ids.tolist() == expected["input_ids"]
    offsets = list(zip(found.char_starts.tolist(), found.char_ends.tolist(), strict=True))
    assert offsets == [tuple(pair) for pair in expected["offset_mapping"]]
    assert found.words.tolist() == expected.word_ids()


@pytest.mark.parametrize("name", HARD_TEXTS)
def test_equals_transformers_on_hard_text(pair, name):
    assert_equal(*pair, HARD_TEXTS[name])


@given(text=st.text(max_size=80))
def test_equals_transformers_on_any_text(pair, text):
    assert_equal(*pair, text)


# Where transformers' two tokenizers differ from each other; ours is the faster one, the default there.
# The one in Python composes cased text first, drops private-use characters and knows fewer CJK blocks.
ONLY_AS_THE_FAST_ONE = {
    "combining, decomposed",
    "CJK extensions",
    "long word of marks",
    "private use and unassigned",
    "special pieces, other scripts",
}


@pytest.mark.parametrize("uncased", [True, False])
@pytest.mark.parametrize("name", [name for name in HARD_TEXTS if name not in ONLY_AS_THE_FAST_ONE])
def test_ids_equal_the_tokenizer_written_in_python(vocabulary, name, uncased):
    legacy = pytest.importorskip("transformers.models.bert.tokenization_bert_legacy")
    theirs = legacy.BertTokenizerLegacy(str(vocabulary), do_lower_case=uncased)
    ours = Tokenizer.from_vocabulary(vocabulary, lowercase=uncased)
    expected = theirs.convert_tokens_to_ids(theirs.tokenize(HARD_TEXTS[name]))
    assert ours.encode(HARD_TEXTS[name]).ids.tolist() == expected


@pytest.mark.parametrize("uncased", [True, False])
def test_equals_transformers_on_a_real_vocabulary(minilm, uncased):
    transformers = pytest.importorskip("transformers")
    theirs = transformers.BertTokenizer.from_pretrained(minilm, do_lower_case=uncased)
    ours = Tokenizer.from_vocabulary(minilm / "vocab.txt", lowercase=uncased)
    for text in HARD_TEXTS.values():
        assert_equal(ours, theirs, text)


@pytest.mark.parametrize("lowercase", [True, False])
@pytest.mark.parametrize("strip_accents", [None, True, False])
@pytest.mark.parametrize("split_chinese", [True, False])
def test_a_saved_folder_is_read_alike_by_us_and_by_transformers(
    vocabulary, tmp_path, lowercase, strip_accents, split_chinese
):
    transformers = pytest.importorskip("transformers")
    tokenizer = Tokenizer.from_vocabulary(
        vocabulary, lowercase=lowercase, strip_accents=strip_accents, split_chinese=split_chinese
    )
    tokenizer.save(tmp_path, max_pieces=77)
    again = Tokenizer.from_file(tmp_path / "tokenizer.json")
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    assert again.backend.to_str() == tokenizer.backend.to_str()
    assert again.lowercase is lowercase
    assert theirs.model_max_length == 77
    for text in HARD_TEXTS.values():
        assert_equal(tokenizer, theirs, text)
        whole = [tokenizer.start_id, *tokenizer.encode(text).ids.tolist(), tokenizer.end_id]
        assert theirs(text)["input_ids"] == whole
    assert theirs("paris", "france")["token_type_ids"] == [0, 0, 0, 1, 1]


def test_tokenizer_json_alone_adds_special_pieces_for_other_readers(tokenizer, tmp_path):
    tokenizer.save(tmp_path)
    other = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert other.encode("paris", "france").tokens == ["[CLS]", "paris", "[SEP]", "france", "[SEP]"]


def test_saved_vocabulary_numbers_its_pieces_by_line(vocabulary, tokenizer, tmp_path):
    tokenizer.save(tmp_path)
    assert (tmp_path / "vocab.txt").read_bytes() == vocabulary.read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {
        "tokenizer.json",
        "vocab.txt",
        "tokenizer_config.json",
    }


def test_trained_tokenizer_survives_saving(tmp_path):
    stream = (f"the river {number} runs through Paris 的是 é" for number in range(200))
    trained = Tokenizer.train(stream, size=80, lowercase=False)
    assert trained.vocabulary_size <= 80
    assert [trained.pad_id, trained.unknown_id, trained.start_id, trained.end_id, trained.mask_id] == [
        0,
        1,
        2,
        3,
        4,
    ]
    trained.save(tmp_path)
    from_json = Tokenizer.from_file(tmp_path / "tokenizer.json")
    from_lines = Tokenizer.from_vocabulary(tmp_path / "vocab.txt", lowercase=False)
    for text in ("Paris runs through the river 的", *HARD_TEXTS.values()):
        expected = trained.encode(text).ids.tolist()
        assert from_json.encode(text).ids.tolist() == expected
        assert from_lines.encode(text).ids.tolist() == expected
    assert "Paris" in [trained.piece(number) for number in trained.encode("Paris runs").ids]


def test_training_learns_the_same_vocabulary_again():
    texts = [f"the river {number} runs through paris" for number in range(100)]
    first, second = (Tokenizer.train(iter(texts), size=60, lowercase=True) for _ in range(2))
    assert first.backend.get_vocab() == second.backend.get_vocab()


def test_trained_vocabulary_keeps_to_its_size_when_characters_are_many():
    texts = [chr(0x4E00 + number) * (number + 1) for number in range(200)] + ["paris"] * 1000
    trained = Tokenizer.train(texts, size=101, lowercase=True)
    assert trained.vocabulary_size <= 101
    assert trained.unknown_id not in trained.encode("paris" + texts[-1001]).ids
    assert trained.encode(texts[0]).ids.tolist() == [trained.unknown_id]


@pytest.mark.parametrize(
    ("texts", "size", "error"),
    [([], 50, DataError), ([" \n"], 50, DataError), (["a\ud800"], 50, DataError), (["ab"], 6, SettingsError)],
)
def test_training_on_nothing_or_for_nothing_is_refused(texts, size, error):
    with pytest.raises(error):
        Tokenizer.train(texts, size=size, lowercase=True)


def test_many_texts_are_cut_as_each_alone(tokenizer):
    together = tokenizer.encode_many(list(HARD_TEXTS.values()))
    for found, text in zip(together, HARD_TEXTS.values(), strict=True):
        assert found.ids.tolist() == tokenizer.encode(text).ids.tolist()
    assert tokenizer.encode_many([]) == []


def test_a_million_characters_are_cut_whole(tokenizer):
    pieces = tokenizer.encode("paris " * 170_000)
    assert len(pieces) == 170_000
    assert pieces.char_ends[-1] == 170_000 * 6 - 1


@pytest.mark.parametrize("text", ["\ud800", "paris \udcff", "😀\ude00"])
def test_half_a_surrogate_pair_is_a_clear_error(tokenizer, text):
    with pytest.raises(DataError, match=rf"index {len(text) - 1}: half a surrogate pair") as caught:
        tokenizer.encode_many(["fine", text])
    str(caught.value).encode("utf-8")  # the message itself can be shown


def test_truncation_and_padding_of_a_loaded_file_are_switched_off(tokenizer, tmp_path):
    tokenizer.save(tmp_path)
    backend = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    backend.enable_truncation(4)
    backend.enable_padding(length=4)
    backend.save(str(tmp_path / "cut.json"))
    loaded = Tokenizer.from_file(tmp_path / "cut.json")
    assert len(loaded.encode("paris " * 10)) == 10
    assert len(loaded.encode("paris")) == 1


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_vocabulary_file_with_windows_line_ends_or_byte_order_mark(tmp_path, tokenizer, ending, mark):
    path = tmp_path / "vocab.txt"
    path.write_bytes(mark + "".join(piece + ending for piece in (*SPECIAL_PIECES, "paris")).encode())
    loaded = Tokenizer.from_vocabulary(path, lowercase=True)
    assert loaded.encode("Paris").ids.tolist() == [5]
    assert loaded.vocabulary_size == 6


def vocabulary_without_mask(path: Path) -> None:
    path.write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\nparis\n", encoding="utf-8")


def vocabulary_with_a_repeat(path: Path) -> None:
    path.write_text("".join(f"{piece}\n" for piece in (*SPECIAL_PIECES, "a", "b", "a")), encoding="utf-8")


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (vocabulary_without_mask, r"lacks \[MASK\]"),
        (vocabulary_with_a_repeat, r"vocab\.txt:8: 'a' stands in line 6 too"),
        (lambda path: path.write_bytes(b"[PAD]\n\xff\xfe\n"), r"no readable vocab\.txt"),
        (lambda path: path.write_bytes(b""), r"lacks \[PAD\], \[UNK\]"),
        (lambda path: None, r"no readable vocab\.txt"),
        (lambda path: path.mkdir(), r"no readable vocab\.txt"),
    ],
)
def test_a_file_that_is_no_vocabulary_is_refused(tmp_path, write, message):
    path = tmp_path / "vocab.txt"
    write(path)
    with pytest.raises(CheckpointError, match=message):
        Tokenizer.from_vocabulary(path, lowercase=True)


@pytest.mark.parametrize("content", [None, "", "{}", "[1, 2", json.dumps({"model": {"type": "Nonsense"}})])
def test_a_file_that_is_no_tokenizer_is_refused(tmp_path, content):
    path = tmp_path / "tokenizer.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"tokenizer\.json: no readable"):
        Tokenizer.from_file(path)


def test_a_tokenizer_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "tokenizer.json"
    tokenizers.Tokenizer(tokenizers.models.BPE({"a": 0}, [])).save(str(path))
    with pytest.raises(CheckpointError, match="vocabulary lacks"):
        Tokenizer.from_file(path)


def test_a_folder_that_cannot_be_written_is_a_clear_error(tokenizer, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(SpanbertError, match="cannot be written"):
        tokenizer.save(tmp_path / "file")


def test_piece_numbers_alone_are_those_of_the_whole_cut(tokenizer):
    texts = ["Paris, the capital", "", "\u4ec0\u4e48 [MASK] un\u00e9able"]
    for ids, pieces in zip(tokenizer.ids_of_many(texts), tokenizer.encode_many(texts), strict=True):
        assert np.array_equal(ids, pieces.ids)
        assert ids.dtype == np.int32
    with pytest.raises(DataError, match="half a surrogate pair"):
        tokenizer.ids_of_many(["\ud800"])


def small_tokenizer(tmp_path, *words: str) -> Tokenizer:
    """One that knows nothing but these words; each call has a vocabulary of its own."""
    path = tmp_path / "vocab.txt"
    path.write_text("".join(f"{piece}\n" for piece in (*SPECIAL_PIECES, *words)), encoding="utf-8")
    return Tokenizer.from_vocabulary(path, lowercase=True)


@pytest.mark.parametrize("cut", ["encode_many", "ids_of_many"])
def test_text_that_the_vocabulary_does_not_know_is_told_once(tmp_path, caplog, cut):
    tokenizer = small_tokenizer(tmp_path, "known", cut)
    for _ in range(3):
        getattr(tokenizer, cut)(["known " * 80, "strange " * 9])
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "unknown to the model's vocabulary" in caplog.text


def test_a_few_unknown_words_are_not_told(tmp_path, caplog):
    tokenizer = small_tokenizer(tmp_path, "known", "few")
    tokenizer.encode_many(["strange " * 4])
    tokenizer.encode_many(["known " * 200])
    tokenizer.encode_many(["strange " * 11])
    assert caplog.records == []
