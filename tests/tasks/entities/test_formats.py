"""Every format is read, written and read again; what breaks a format is named with file and line."""

import gzip
import json
import logging

import pytest

from spanbert.errors import DataError, SettingsError
from spanbert.tasks.entities.examples import Entity, EntityExample, Place, example_of_words
from spanbert.tasks.entities.formats import parse_item, read_examples, write_examples
from spanbert.text.spans import Span

TEXT = "Ada Byron lives in Paris 😀, near\nAcme."


def entities(*spans):
    return tuple(Entity(Span(start, end), kind) for start, end, kind in spans)


FLAT = [
    EntityExample("a", TEXT, entities((0, 9, "PER"), (19, 24, "LOC"), (33, 37, "ORG"))),
    EntityExample("b", "Nobody.", ()),
    EntityExample("c", "阿达住在巴黎。", entities((0, 2, "PER"), (4, 6, "LOC"))),
    EntityExample("d", "unsaid"),
]
NESTED = [
    EntityExample("a", TEXT, entities((0, 24, "EVENT"), (0, 9, "PER"), (0, 9, "ROLE"), (4, 24, "X"))),
    EntityExample("b", "Nobody.", ()),
]


def words(text, spans, name, document=None):
    return example_of_words(text.split(), spans, name, Place("test"), document)


def written(tmp_path, form, examples, name):
    write_examples(tmp_path / name, examples, form)
    return list(read_examples(tmp_path / name))


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ("jsonl", "x.jsonl"),
        ("doccano", "x.jsonl"),
        ("prodigy", "x.jsonl"),
        ("label-studio", "x.json"),
        ("brat", "folder"),
    ],
)
@pytest.mark.parametrize("examples", [FLAT, NESTED])
def test_formats_of_characters_keep_every_text_and_entity(tmp_path, form, name, examples):
    assert written(tmp_path, form, examples, name) == examples


@pytest.mark.parametrize("examples", [FLAT, NESTED])
def test_spacy_keeps_every_text_and_entity(tmp_path, examples):
    pytest.importorskip("spacy")
    spaced = [example for example in examples if example.text.isascii() or "😀" in example.text]
    found = written(tmp_path, "spacy", spaced, "x.spacy")
    assert [one.text for one in found] == [one.text for one in spaced]
    assert [one.entities for one in found] == [one.entities for one in spaced]
    again = written(tmp_path, "spacy", found, "y.spacy")
    assert again == found


def test_spacy_reads_what_spacy_wrote(tmp_path):
    spacy = pytest.importorskip("spacy")
    blank = spacy.blank("en")
    doc = blank(TEXT)
    doc.set_ents([doc.char_span(0, 9, label="PER"), doc.char_span(19, 24, label="LOC")])
    unsaid = blank("Nobody  said so.")
    spacy.tokens.DocBin(docs=[doc, unsaid]).to_disk(tmp_path / "x.spacy")
    first, second = read_examples(tmp_path / "x.spacy")
    assert (first.text, first.entities) == (TEXT, entities((0, 9, "PER"), (19, 24, "LOC")))
    assert [TEXT[word.start : word.end] for word in first.words][:3] == ["Ada", "Byron", "lives"]
    assert (second.text, second.entities) == ("Nobody  said so.", None)
    assert all(second.text[word.start : word.end].strip() for word in second.words)


@pytest.mark.parametrize("form", ["jsonl", "conll", "prodigy"])
def test_words_are_kept(tmp_path, form):
    sentences = [
        words("Ada Byron 's 阿 达", [(0, 2, "PER"), (3, 5, "PER")], "1", "1"),
        words("Nobody .", [], "2", "1"),
        words("Paris Rome", [(0, 1, "LOC"), (1, 2, "LOC")], "3", "2"),
    ]
    found = written(tmp_path, form, sentences, f"x.{'conll' if form == 'conll' else 'jsonl'}")
    assert [one.text for one in found] == [one.text for one in sentences]
    assert [(one.entities, one.words) for one in found] == [(one.entities, one.words) for one in sentences]
    if form != "prodigy":
        assert [one.document for one in found] == ["1", "1", "2"]


@pytest.mark.parametrize("scheme", ["BIO", "IOB1", "BIOES", "BILOU"])
def test_columns_of_every_scheme_say_the_same(tmp_path, scheme, caplog):
    from spanbert.tasks.entities.formats import conll

    sentences = [
        words("a b c d e", [(0, 3, "X"), (3, 4, "X"), (4, 5, "Y")], "1"),
        words("f", [(0, 1, "Y")], "7"),
    ]
    conll.write(tmp_path / "x.conll", sentences, scheme)
    assert list(read_examples(tmp_path / "x.conll")) == sentences
    assert not caplog.records


def test_columns_with_more_of_them_comments_documents_and_spaces(tmp_path):
    (tmp_path / "x.txt").write_text(
        "-DOCSTART- -X- -X- O\n\n# id 7 domain=en\nEU NNP B-NP B-ORG\n# SYM O O\nrejects VBZ B-VP O\n\n\n"
        "-DOCSTART- -X- -X- O\n\nPeter NNP B-NP I-PER",
        encoding="utf-8",
    )
    first, second = read_examples(tmp_path / "x.txt")
    assert (first.text, first.entities, first.document) == ("EU # rejects", entities((0, 2, "ORG")), "1")
    assert (second.text, second.entities, second.document, second.id) == (
        "Peter",
        entities((0, 5, "PER")),
        "2",
        "11",
    )


def test_columns_without_tags_and_plain_lines_are_for_prediction(tmp_path):
    (tmp_path / "x.conll").write_text("Ada\nlives\n\nhere\n", encoding="utf-8")
    assert [(one.text, one.entities) for one in read_examples(tmp_path / "x.conll")] == [
        ("Ada lives", None),
        ("here", None),
    ]
    (tmp_path / "x.txt").write_text("Ada lives.\n\nBob ends in O\n", encoding="utf-8")
    assert [(one.id, one.text, one.words) for one in read_examples(tmp_path / "x.txt")] == [
        ("1", "Ada lives.", None),
        ("3", "Bob ends in O", None),
    ]


def test_tags_that_continue_nothing_are_repaired_and_counted(tmp_path, caplog):
    (tmp_path / "x.conll").write_text("a\tB-X\nb\tI-Y\n\nc\tI-X\n", encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        first, second = read_examples(tmp_path / "x.conll")
    assert first.entities == entities((0, 1, "X"), (2, 3, "Y"))
    assert second.entities == entities((0, 1, "X"))
    (record,) = caplog.records
    assert "x.conll: 2 x tags that continue nothing" in record.getMessage()


def test_packed_files_are_read(tmp_path):
    with gzip.open(tmp_path / "x.conll.gz", "wt", encoding="utf-8") as stream:
        stream.write("Ada\tB-PER\n")
    (example,) = read_examples(tmp_path / "x.conll.gz")
    assert example.entities == entities((0, 3, "PER"))


@pytest.mark.parametrize(
    "item",
    [
        {"text": "Ada", "entities": [{"char_start": 0, "char_end": 3, "type": "X", "text": "Ada"}]},
        {"text": "Ada", "entities": [{"start": 0, "end": 3, "label": "X"}]},
        {"text": "Ada", "entities": [[0, 3, "X"]]},
        {
            "text": "Ada",
            "entities": [{"id": 9, "label": "X", "start_offset": 0, "end_offset": 3}],
            "relations": [],
        },
        {"text": "Ada", "label": [[0, 3, "X"]]},
        {"text": "Ada", "label": [{"start": 0, "end": 3, "text": "Ada", "labels": ["X"]}]},
        {"text": "Ada", "spans": [{"start": 0, "end": 3, "label": "X", "token_start": 0, "token_end": 0}]},
        {"text": "Ada", "entities": [{"start": -1, "end": 3, "label": "X"}, [0, 3, "X"]][1:]},
        {"tokens": ["Ada"], "entities": [[0, 0, "X"]]},
        {"text": None, "tokens": ["Ada"], "entities": [[0, 0, "X"]]},
        {"text": "Ada", "tokens": None, "entities": [[0, 3, "X"]]},
        {"text": "Ada", "tokens": ["Ada"], "entities": [{"char_start": 0, "char_end": 3, "type": "X"}]},
        {"text": "Ada", "tokens": [], "spans": [{"start": 0, "end": 3, "label": "X"}]},
        {"text": "Ada", "tokens": [{"start": 0, "end": 3}], "label": [[0, 3, "X"]]},
        {
            "id": 3,
            "data": {"meta": 1, "title": "Eve", "body": "Ada"},
            "annotations": [
                {"was_cancelled": True, "result": []},
                {
                    "result": [
                        {"type": "choices", "to_name": "title", "value": {"choices": ["a"]}},
                        {"type": "relation", "from_id": "1", "to_id": "2", "direction": "right"},
                        {
                            "type": "labels",
                            "to_name": "body",
                            "value": {"start": 0, "end": 3, "labels": ["X"]},
                        },
                    ]
                },
            ],
        },
    ],
)
def test_the_forms_of_all_tools_mean_the_same(item):
    example = parse_item(item, Place("test", 1))
    assert (example.text, example.entities) == ("Ada", entities((0, 3, "X")))


@pytest.mark.parametrize(
    "item",
    [
        {"text": "Ada"},
        {"text": "Ada", "entities": None},
        {"tokens": ["Ada"]},
        {"data": {"text": "Ada"}},
        {"text": "Ada", "spans": [{"start": 0, "end": 3, "label": "X"}], "answer": "reject"},
        {"text": "Ada", "tokens": [{"start": 0, "end": 3}]},
        {"text": "Ada", "tokens": ["Ada"]},
        {"data": {"text": "Ada"}, "annotations": None},
    ],
)
def test_without_annotation_there_is_no_gold(item):
    assert parse_item(item, Place("test", 1)).entities is None


def brat(folder, text, annotations):
    (folder / "x.txt").write_text(text, encoding="utf-8")
    (folder / "x.ann").write_text(annotations, encoding="utf-8")
    return list(read_examples(folder))


def test_brat_leaves_out_what_it_cannot_say_and_counts_it(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        (example,) = brat(
            tmp_path,
            "lung and\nliver cancer",
            "T1\tDIS 0 4;15 21\tlung cancer\nT2\tDIS 5 14\tand liver\n#1\tNote T2\tx\nR1\ta Arg1:T1 Arg2:T2\n"
            "T3\tDIS 9 15\tliver \nT4\tDIS 8 9\t\n",
        )
    assert example.entities == entities((5, 14, "DIS"), (9, 14, "DIS"))
    (record,) = caplog.records
    assert "1 x entities of several parts, left out" in record.getMessage()
    assert "1 x entities with spaces at their ends" in record.getMessage()
    assert "1 x entities of spaces alone" in record.getMessage()


@pytest.mark.parametrize("held", ["old.txt", "1.ann"])
def test_brat_is_not_written_among_other_texts(tmp_path, held):
    (tmp_path / held).write_text("")
    with pytest.raises(DataError, match=f"holds {held} already"):
        write_examples(tmp_path, [EntityExample("1", "lung", ())], "brat")
    assert [path.name for path in tmp_path.iterdir()] == [held]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("T1 DIS 0 4", r"x\.ann:1: 'T1 DIS 0 4' is no annotation; it must be: T1, a tab"),
        ("T1\tDIS 0 99\tlung", r"x\.ann:1: the entity DIS of characters 0 to 99 is empty or outside"),
        ("T1\tDIS 0 3\tlung", r"x\.ann:1: the entity 'lung' does not stand at characters 0 to 3"),
    ],
)
def test_a_wrong_annotation_of_brat_is_named(tmp_path, line, message):
    with pytest.raises(DataError, match=message):
        brat(tmp_path, "lung", line)


def test_a_folder_without_texts_is_named(tmp_path):
    with pytest.raises(DataError, match=r"has no \.txt file"):
        list(read_examples(tmp_path))


def test_what_a_format_cannot_say_is_refused_and_nothing_is_written(tmp_path):
    target = tmp_path / "x.conll"
    with pytest.raises(DataError, match="'a' has entities that overlap, which columns cannot say"):
        write_examples(target, NESTED, "conll")
    cut = [EntityExample("z", "Adams", entities((0, 3, "PER")))]
    with pytest.raises(DataError, match="the entity 'Ada' of text 'z' does not begin and end with words"):
        write_examples(target, cut, "conll")
    with pytest.raises(DataError, match="cannot be a file's name"):
        write_examples(tmp_path / "b", [EntityExample("../x", "a", ())], "brat")
    with pytest.raises(SettingsError, match="unknown format 'xml': choose one of jsonl, conll"):
        write_examples(target, FLAT, "xml")
    assert not target.exists()


def test_columns_keep_words_that_look_like_comments_and_types_with_spaces(tmp_path):
    sentences = [
        example_of_words(["#", "# a", "B-X", "O"], [(0, 2, "two words")], "1", Place("test")),
        words("# b", [], "6"),
    ]
    assert written(tmp_path, "conll", sentences, "x.conll") == sentences
    unsaid = [words("# B-X", None, "1")]
    assert written(tmp_path, "conll", unsaid, "y.conll") == unsaid


def test_tokens_and_the_same_text_keep_the_tokens_as_words():
    item = {"text": "Ada 's", "tokens": ["Ada", "'s"]}
    assert parse_item(item, Place("test")).words == (Span(0, 3), Span(4, 6))


@pytest.mark.parametrize("tokens", [[], [{"start": 3, "end": 4}]])
def test_a_text_whose_tokens_hold_no_word_is_read_nevertheless(tokens):
    item = {"text": "Ada came", "spans": [], "tokens": tokens}
    assert parse_item(item, Place("test")).words is None


def test_tasks_whose_id_is_null_are_called_by_their_number(tmp_path):
    tasks = [{"id": None, "data": {"text": "a"}}, {"id": None, "text": "b"}, {"data": {"text": "c"}}]
    (tmp_path / "x.json").write_text(json.dumps(tasks), encoding="utf-8")
    assert [(one.id, one.text) for one in read_examples(tmp_path / "x.json")] == [
        ("1", "a"),
        ("2", "b"),
        ("3", "c"),
    ]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("X.JSONL", '{"text": "Ada", "entities": [[0, 3, "X"]]}'),
        ("X.Json", '[{"text": "Ada", "label": [[0, 3, "X"]]}]'),
        ("X.CoNLL", "Ada B-X"),
        ("x.TXT", "Ada B-X"),
        ("eng.testa", "-DOCSTART- -X- O O\n\nAda NNP I-NP B-X"),
    ],
)
def test_names_tell_formats_in_any_case_and_columns_need_no_name(tmp_path, name, content):
    (tmp_path / name).write_text(content, encoding="utf-8")
    (example,) = read_examples(tmp_path / name)
    assert (example.text, example.entities) == ("Ada", entities((0, 3, "X")))


def test_a_line_of_many_megabytes_is_read(tmp_path):
    text = "word " * 2_000_000
    (tmp_path / "x.jsonl").write_text(json.dumps({"text": text, "entities": [[5, 9, "X"]]}), encoding="utf-8")
    (example,) = read_examples(tmp_path / "x.jsonl")
    assert len(example.text) == 10_000_000


def test_only_plain_spaces_part_columns(tmp_path):
    (tmp_path / "x.conll").write_text("San\u00a0Jose B-LOC\nis O\n", encoding="utf-8")
    (example,) = read_examples(tmp_path / "x.conll")
    assert example.text == "San\u00a0Jose is"
    assert [example.text[one.chars.start : one.chars.end] for one in example.entities] == ["San\u00a0Jose"]
