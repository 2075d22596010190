"""Files of pairs and documents: what is read, and what is refused with file and line."""

import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanbert.errors import DataError
from spanbert.tasks.relations.documents import RelationDocument, parse_document
from spanbert.tasks.relations.examples import Argument
from spanbert.tasks.relations.fields import Item
from spanbert.tasks.relations.reading import parse_example, read_examples
from spanbert.text.spans import Span


def written(path, *lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def words_of(example):
    return [example.text[one.chars.start : one.chars.end] for one in (example.subject, example.object)]


TOKENS = {"tokens": ["Ada", "moved", "to", "New", "York"], "subject": [0, 0], "object": [3, 4]}
TEXT = {"text": "Ada 🎻 moved to New York", "subject": [0, 3], "object": {"char_start": 15, "char_end": 23}}


def test_token_pairs_are_inclusive_and_become_characters(tmp_path):
    path = written(tmp_path / "a.jsonl", TOKENS | {"relation": "lives in", "subject_type": "PER"})
    (example,) = read_examples(path)
    assert example.text == "Ada moved to New York"
    assert words_of(example) == ["Ada", "New York"]
    assert (example.subject.type, example.object.type) == ("PER", None)
    assert example.relations == ("lives in",)
    assert example.id == "1"


def test_texts_have_half_open_code_point_spans(tmp_path):
    (example,) = read_examples(written(tmp_path / "a.jsonl", TEXT | {"id": 7}))
    assert words_of(example) == ["Ada", "New York"]
    assert example.relations is None
    assert example.id == 7


def test_a_relation_may_be_a_list_without_repeats():
    item = TEXT | {"relation": ["a", "b", "a"]}
    assert parse_example(item, "x", 1).relations == ("a", "b")
    assert parse_example(TEXT | {"relation": []}, "x", 1).relations == ()


def test_tacred_is_read_and_its_brackets_undone(tmp_path):
    item = {
        "id": "t1",
        "token": ["Ada", "-LRB-", "Rome", "-RRB-", "sings"],
        "subj_start": 0,
        "subj_end": 0,
        "obj_start": 2,
        "obj_end": 3,
        "subj_type": "PERSON",
        "obj_type": "CITY",
        "relation": "no_relation",
    }
    path = tmp_path / "train.json.gz"
    with gzip.open(path, "wt", encoding="utf-8") as stream:
        json.dump([item, item | {"id": "t2"}], stream, indent=1)
    first, second = read_examples(path)
    assert first.text == "Ada ( Rome ) sings"
    assert words_of(first) == ["Ada", "Rome )"]
    assert (first.subject.type, first.object.type) == ("PERSON", "CITY")
    assert first.relations == ("no_relation",)
    assert (first.id, second.id) == ("t1", "t2")


def test_a_document_gives_all_ordered_pairs_with_its_gold(tmp_path):
    document = {
        "id": "d",
        "text": "Ada and Bob in Rome",
        "entities": [[0, 3, "PER"], {"id": "T2", "char_start": 8, "char_end": 11}, [15, 19, "LOC"]],
        "relations": [
            {"subject": 0, "object": 2, "relation": "in"},
            {"subject": "T2", "object": 2, "relation": "in"},
            {"subject": "T2", "object": 2, "relation": "likes"},
            {"subject": 0, "object": 0, "relation": "likes"},
        ],
    }
    examples = list(read_examples(written(tmp_path / "d.jsonl", document)))
    assert [example.id for example in examples] == [
        "d:0-0",
        *(f"d:{p}" for p in ["0-1", "0-2", "1-0", "1-2", "2-0", "2-1"]),
    ]
    gold = {example.id: example.relations for example in examples}
    assert gold == {"d:0-0": ("likes",), "d:0-1": (), "d:0-2": ("in",), "d:1-0": (), "d:1-2": ("in", "likes"),
                    "d:2-0": (), "d:2-1": ()}  # fmt: skip
    assert all(example.document == "d" for example in examples)
    assert words_of(examples[2]) == ["Ada", "Rome"]


def test_pairs_of_a_document_can_be_limited_but_keep_their_gold():
    fields = {"tokens": ["a", "b", "c", "d"], "entities": [[0, 0], [1, 1], [3, 3]]}
    document = parse_document(Item(fields, "x", 4))
    assert [pair.id for pair in document.pairs(both_orders=False)] == ["4:0-1", "4:0-2", "4:1-2"]
    assert [pair.id for pair in document.pairs(both_orders=False, most_chars_between=3)] == ["4:0-1", "4:1-2"]
    assert all(pair.relations is None for pair in document.pairs())
    gold = fields | {"relations": [{"subject": 2, "object": 0, "relation": "r"}]}
    near = parse_document(Item(gold, "x", 4)).pairs(both_orders=False, most_chars_between=1)
    assert [pair.id for pair in near] == ["4:0-1", "4:2-0"]


def chars_between(first, second):
    """From the end of one to the start of the other; not above 0 where they overlap."""
    return max(first.start - second.end, second.start - first.end)


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 30)), max_size=8),
    st.sets(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=4),
    st.integers(0, 40),
    st.booleans(),
)
@settings(deadline=None, max_examples=200)
def test_near_pairs_are_those_of_all_pairs_that_are_near_or_have_gold(drawn, related, most, both_orders):
    entities = tuple(Argument(Span(start, start + length)) for start, length in drawn)
    gold = {pair: ("r",) for pair in related if max(pair) < len(entities)}
    expected = []
    for first, subject in enumerate(entities):
        for second, target in enumerate(entities):
            in_order = (subject.chars, first) < (target.chars, second)
            wanted = first != second and (both_orders or in_order)
            near = chars_between(subject.chars, target.chars) <= most
            if (first, second) in gold or (wanted and near):
                expected.append((f"d:{first}-{second}", subject, target, gold.get((first, second), ())))
    document = RelationDocument("d", "x" * 90, entities, gold)
    pairs = document.pairs(both_orders=both_orders, most_chars_between=most)
    assert [(pair.id, pair.subject, pair.object, pair.relations) for pair in pairs] == expected


def test_entities_far_apart_are_not_compared():
    class Compared(Span):
        count = 0

        def __lt__(self, other):
            Compared.count += 1
            return super().__lt__(other)

    entities = tuple(Argument(Compared(100 * number, 100 * number + 10)) for number in range(1000))
    document = RelationDocument("d", "x" * 100_000, entities)
    assert len(list(document.pairs(both_orders=False, most_chars_between=90))) == 999
    assert Compared.count < 20_000


def test_documents_without_a_pair_are_counted(tmp_path, caplog):
    alone = {"text": "Ada sings", "entities": [[0, 3]]}
    itself = alone | {"relations": [{"subject": 0, "object": 0, "relation": "likes"}]}
    lines = [alone, itself, alone | {"entities": []}, TEXT]
    path = written(tmp_path / "d.jsonl", *lines)
    assert [example.id for example in read_examples(path)] == ["2:0-0", "4"]
    assert caplog.messages == [f"{path}: 2 x documents with fewer than two entities, so without a pair"]
    caplog.clear()
    list(read_examples(written(tmp_path / "pairs.jsonl", TEXT)))
    assert not caplog.messages


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"subject": [0, 5]}, "outside of the 5 tokens"),
        ({"subject": [2, 1]}, "empty or outside"),
        ({"subject": [-1, 1]}, "empty or outside"),
        ({"subject": None}, 'no field "subject"'),
        ({"object": "New York"}, "must be a list"),
        ({"object": [1]}, "must be a list"),
        ({"object": [True, 2]}, "two integers"),
        ({"object": [0, 1, 3]}, "type"),
        ({"relation": ""}, "must be a name"),
        ({"relation": [1]}, "must be a name"),
        ({"tokens": ["Ada", " "]}, "word 1"),
        ({"tokens": "Ada"}, "list of strings"),
        ({"subject_type": ""}, "not empty"),
        ({"text": "Ada moved to York"}, '"text" is not the joined "tokens".*give one of the two'),
        ({"text": 3}, '"text" is not the joined "tokens"'),
        ({"text": "Ada moved to New York"}, r'"subject" \[0, 0\] could count the "tokens" or the characters'),
    ],
)
def test_a_wrong_pair_is_refused_with_file_and_line(tmp_path, change, message):
    path = written(tmp_path / "a.jsonl", TOKENS, TOKENS | change)
    with pytest.raises(DataError, match=message) as caught:
        list(read_examples(path))
    assert str(caught.value).startswith(f"{path}:2: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"subject": [0, 99]}, "outside of the text"),
        ({"subject": [3, 3]}, "empty"),
        ({"subject": [3, 4]}, "nothing but spaces"),
        ({"object": {"char_start": 0, "char_end": 3, "text": "Bob"}}, "'Bob'"),
        ({"object": {"start": 0}}, "two integers"),
        ({"text": None}, "null"),
        ({"text": 3}, "must be a string"),
    ],
)
def test_wrong_characters_are_refused(change, message):
    with pytest.raises(DataError, match=message):
        parse_example(TEXT | change, "a.jsonl", 3)


def test_tokens_and_the_same_text_need_entities_that_name_characters():
    ends = {"subject": {"char_start": 0, "char_end": 3}, "object": {"char_start": 13, "char_end": 21}}
    both = TOKENS | {"text": "Ada moved to New York"}
    assert words_of(parse_example(both | ends, "x", 1)) == ["Ada", "New York"]
    with pytest.raises(DataError, match=r"entity 0 \[0, 0\] could count"):
        parse_document(Item({"text": "a b", "tokens": ["a", "b"], "entities": [[0, 0]]}, "x", 4))
    for fields in ({"text": None, **TOKENS}, TOKENS):
        assert words_of(parse_example(fields, "x", 1)) == ["Ada", "New York"]
    assert words_of(parse_example({"tokens": None, **TEXT}, "x", 1)) == ["Ada", "New York"]


@pytest.mark.parametrize(
    "relation",
    [{"subject": 0, "object": 9, "relation": "r"}, {"subject": 0, "object": "T9", "relation": "r"},
     {"subject": 0, "object": 1}, {"subject": True, "object": 1, "relation": "r"}, [0, 1, "r"]],
)  # fmt: skip
def test_wrong_relations_of_a_document_are_refused(tmp_path, relation):
    document = {"text": "a b", "entities": [[0, 1], [2, 3]], "relations": [relation]}
    with pytest.raises(DataError, match=r"d\.jsonl:1: "):
        list(read_examples(written(tmp_path / "d.jsonl", document)))


def test_a_document_in_place_of_a_pair_says_what_to_do():
    with pytest.raises(DataError, match="read documents from a file"):
        parse_example({"text": "a b", "entities": []}, "x", 1)


def test_a_plain_text_is_no_pair():
    with pytest.raises(DataError, match='no field "subject"'):
        parse_example({"text": "Ada lives in Rome"}, "item", 1)


def test_an_empty_file_a_wrong_list_and_a_broken_tacred_object_are_refused(tmp_path):
    empty = tmp_path / "e.jsonl"
    empty.write_text("\n", encoding="utf-8")
    with pytest.raises(DataError, match="no pairs"):
        list(read_examples(empty))
    listed = tmp_path / "l.json"
    listed.write_text('[{"token": ["a"], "subj_start": 0}]', encoding="utf-8")
    with pytest.raises(DataError, match=r"object 1\): no field \"subj_end\""):
        list(read_examples(listed))
    listed.write_text("[3]", encoding="utf-8")
    with pytest.raises(DataError, match="found int"):
        list(read_examples(listed))
