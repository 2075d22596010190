"""What breaks a format is refused in one line with its place; what columns cannot say is not written."""

import pytest

from spanbert.errors import DataError
from spanbert.tasks.entities.examples import Entity, EntityExample, Place, example_of_words
from spanbert.tasks.entities.formats import read_examples, write_examples
from spanbert.text.spans import Span

GOLD = EntityExample("a", "Ada", (Entity(Span(0, 3), "PER"),))
UNSAID = EntityExample("d", "unsaid")


def words(text, spans, name):
    return example_of_words(text.split(), spans, name, Place("test"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.conll", "a\tO\nb\tX-PER\n", r"x\.conll:2: 'X-PER' is no tag; tags are O, B-TYPE"),
        ("x.conll", "a\tO\nb\n", r"x\.conll:2: 1 columns where lines before have 2"),
        ("x.conll", "a\tO\n\tO\n", r"x\.conll:2: the word is empty"),
        ("x.conll", "", r"x\.conll: the file holds no text"),
        ("x.conll", "\n\n", r"x\.conll: the file holds no text"),
        (
            "x.jsonl",
            '{"text": "Ada", "entities": [[0, 4, "X"]]}',
            r"x\.jsonl:1: the entity X of characters 0 to 4 is",
        ),
        ("x.jsonl", '{"text": "Ada", "entities": [[2, 1, "X"]]}', r"x\.jsonl:1: .*empty or outside"),
        ("x.jsonl", '{"text": "Ada", "entities": [[0, 1, ""]]}', r"x\.jsonl:1: an entity's type"),
        ("x.jsonl", '{"text": "Ada", "entities": [["0", 1, "X"]]}', r"x\.jsonl:1: an entity needs integers"),
        ("x.jsonl", '{"text": "Ada", "entities": [[0, 1]]}', r"x\.jsonl:1: an entity must be an object with"),
        (
            "x.jsonl",
            '{"text": "Ada", "entities": {}}',
            r"x\.jsonl:1: entities must be a list, found an object",
        ),
        (
            "x.jsonl",
            '{"text": "Ada", "entities": [{"start": 0, "end": 2, "type": "X", "text": "Ada"}]}',
            r"x\.jsonl:1: the entity 'Ada' does not stand at characters 0 to 2, which are 'Ad'",
        ),
        (
            "x.jsonl",
            '{"tokens": ["a"], "entities": [[0, 1, "X"]]}',
            r"words 0 to 1 \(both included\) does not fit 1",
        ),
        ("x.jsonl", '{"tokens": ["a"], "entities": [[0, "X"]]}', r"x\.jsonl:1: an entity of tokens must be"),
        ("x.jsonl", '{"tokens": ["a", " "]}', r'x\.jsonl:1: word 1 of "tokens" is empty'),
        ("x.jsonl", '{"tokens": "ab"}', r'x\.jsonl:1: "tokens" must be a list of strings'),
        (
            "x.jsonl",
            '{"id": "1", "text": "a"}\n{"id": "1", "text": "b"}',
            r"x\.jsonl:2: the id '1' stands twice",
        ),
        ("x.jsonl", "{", r"x\.jsonl:1: broken JSON"),
        ("x.jsonl", '{"words": []}', r'x\.jsonl:1: no field "text"; found \[\'words\'\]'),
        (
            "x.jsonl",
            '{"text": "a b", "spans": [], "tokens": [{"start": 0}]}',
            r"x\.jsonl:1: a token needs its char",
        ),
        *(
            ("x.jsonl", f'{{"text": "Ada B", "tokens": {tokens}, "entities": []}}', message)
            for tokens, message in [
                ('["Ada"]', r'x\.jsonl:1: "text" is not the joined "tokens".*give one of the two'),
                ("[]", r'x\.jsonl:1: "text" is not the joined "tokens"'),
                ('"Ada B"', r'x\.jsonl:1: "tokens" must be a list of strings'),
            ]
        ),
        *(
            (
                "x.jsonl",
                f'{{"text": "Ada B", "tokens": ["Ada", "B"], "entities": [{entity}]}}',
                r'x\.jsonl:1: the entity .* could count the "tokens" or the characters of "text"; leave',
            )
            for entity in ['[0, 1, "X"]', '{"start": 0, "end": 1, "label": "X"}']
        ),
        *(
            ("x.jsonl", f'{{"text": "ab", "spans": [], "tokens": {tokens}}}', message)
            for tokens, message in [
                ('"ab"', r'x\.jsonl:1: "tokens" must be a list, found str'),
                ("{}", r'x\.jsonl:1: "tokens" must be a list, found an object'),
                ('[{"start": false, "end": true}]', r"x\.jsonl:1: a token needs its char"),
            ]
        ),
        (
            "x.jsonl",
            '{"text": "Ada", "entities": [[false, 1, "X"]]}',
            r"x\.jsonl:1: an entity needs integers",
        ),
        (
            "x.jsonl",
            '{"tokens": ["a"], "entities": [[0, false, "X"]]}',
            r"x\.jsonl:1: an entity of tokens must",
        ),
        ("x.JSONL", "{", r"x\.JSONL:1: broken JSON"),
        ("x.csv", "text\nAda\n", r"x\.csv: cannot tell its format; the name must end in \.jsonl, .*\.conll"),
        ("README.md", "Ada lives.\n", r"README\.md: cannot tell its format"),
        ("x", "", r"x: cannot tell its format"),
        *(
            ("x.json", f'[{{"data": {{"text": "Ada"}}, "annotations": {annotations}}}]', message)
            for annotations, message in [
                ("[5]", r'x\.json \(task 1\): "annotations" must be a list of objects, found \[5\]'),
                ('{"result": []}', r'x\.json \(task 1\): "annotations" must be a list of objects'),
                ('[{"result": null}]', r'x\.json \(task 1\): "result" must be a list of objects, found None'),
                ('[{"result": ["a"]}]', r'x\.json \(task 1\): "result" must be a list of objects'),
                (
                    '[{"result": [{"type": "labels", "to_name": ["text"]}]}]',
                    r"x\.json \(task 1\): an entity must be an object with .*found None",
                ),
            ]
        ),
        ("x.json", '{"a": 1}', r'x\.json \(task 1\): no field "text"'),
        ("x.json", "3", r"x\.json: a list of tasks is needed, found int"),
        (
            "x.json",
            '[{"data": {"a": "1", "b": "2"}}]',
            r"x\.json \(task 1\): no text: \"data\" has the fields",
        ),
        ("x.spacy", "nothing", r"x\.spacy: no readable \.spacy file"),
    ],
)
def test_what_breaks_a_format_is_named_with_its_place(tmp_path, name, content, message):
    if name.endswith("spacy"):
        pytest.importorskip("spacy")
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=message) as caught:
        list(read_examples(tmp_path / name))
    assert "\n" not in str(caught.value)


def test_mixed_encodings_are_named_with_their_line(tmp_path):
    (tmp_path / "x.conll").write_bytes(b"a\tO\n" + "caf\xe9\tO\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"x\.conll:2: not UTF-8 text \(byte 0xe9\)"):
        list(read_examples(tmp_path / "x.conll"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("Ada B-PER\rin O\r", r"x\.conll:1: a carriage return within the line"),
        (" B-PER\nAda B-PER\n", r"x\.conll:1: a tag without a word"),
    ],
)
def test_lines_that_would_lose_words_are_refused(tmp_path, content, message):
    (tmp_path / "x.conll").write_bytes(content.encode())
    with pytest.raises(DataError, match=message):
        list(read_examples(tmp_path / "x.conll"))


@pytest.mark.parametrize(
    ("examples", "message"),
    [
        ([GOLD, UNSAID], "text 'd' has no gold, unlike those before.*write two files, or jsonl"),
        ([UNSAID, GOLD], "text 'a' has gold, unlike those before"),
        ([EntityExample("e", " ", ())], "text 'e' has no words"),
        *(
            (
                [words("Ada", gold, "ok"), example_of_words([word, "b"], gold, "w", Place("test"))],
                "text 'w': the",
            )
            for gold in (None, [(0, 1, "X")])
            for word in ("a\tb", "a\nb", "a\r", " a", "-DOCSTART-", "\ufeffa")
        ),
        ([example_of_words(["San Jose"], None, "w", Place("test"))], "the line 'San Jose' would be read"),
        *(([words("Ada", [(0, 1, kind)], "w")], "text 'w': the line") for kind in ("X\tY", "X\nY", "X ")),
    ],
)
def test_columns_that_would_be_read_otherwise_are_not_written(tmp_path, examples, message):
    (tmp_path / "x.conll").write_text("before")
    with pytest.raises(DataError, match=message) as caught:
        write_examples(tmp_path / "x.conll", examples, "conll")
    assert "\n" not in str(caught.value)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("x.conll", "before")]
