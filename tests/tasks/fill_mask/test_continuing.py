import pytest

from spanbert.tasks.fill_mask.continuing import RestOfWord, openings
from spanbert.tasks.fill_mask.examples import parse_example
from spanbert.tasks.fill_mask.features import Opening, Vocabulary

WORD, REST, EITHER = Opening.WORD, Opening.REST_OF_WORD, Opening.EITHER


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("run[MASK]", [REST]),
        ("run [MASK]", [WORD]),
        (".[MASK]", [WORD]),
        ("的[MASK]", [WORD]),
        ("か\u3099[MASK]", [WORD]),
        ("cafe\u0301[MASK]", [REST]),
        ("हिन्दी[MASK]", [REST]),
        ("\u0301[MASK]", [WORD]),
        ("run[MASK][MASK...] [MASK]", [REST, EITHER, WORD]),
        ("[MASK][MASK][MASK] run", [WORD, EITHER, EITHER]),
        ("的[MASK][MASK]", [WORD, WORD]),
        ("[MASK][MASK]的", [WORD, WORD]),
    ],
)
def test_what_stands_before_a_mask_says_what_may_begin_there(text, found):
    assert openings(text, parse_example({"text": text}, "item", 1).masks) == tuple(found)


@pytest.mark.parametrize(
    ("fill", "pieces"),
    [
        ("ing", ["##ing"]),
        ("ING", ["##ing"]),
        ("able city", ["##able", "city"]),
        ("ers the", ["##er", "##s", "the"]),
        (" ing", ["i", "##n", "##g"]),
        (", the", [",", "the"]),
        ("是s", ["是", "s"]),
        ("ж", ["[UNK]"]),
        ("[SEP]", ["[SEP]"]),
    ],
)
def test_the_rest_of_a_word_is_cut_into_pieces_that_continue_one(tokenizer, fill, pieces):
    rest = RestOfWord(tokenizer, Vocabulary.of(tokenizer.vocabulary))
    assert [tokenizer.piece(piece_id) for piece_id in rest.cut(fill, tokenizer.encode(fill))] == pieces
