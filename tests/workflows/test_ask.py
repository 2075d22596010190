"""Questions asked of files: places, the joined ranking, the index, and the terminal view."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from spanbert.checkpoint.folder import write_folder
from spanbert.cli import ask as cli
from spanbert.cli.main import run
from spanbert.errors import DataError, SettingsError
from spanbert.inference.engine import Engine
from spanbert.nn.config import EncoderConfig
from spanbert.nn.encoder import Encoder
from spanbert.tasks.question_answering.examples import QaAnswer, QaPrediction
from spanbert.tasks.question_answering.task import QaSettings, QuestionAnswering
from spanbert.text.documents import Document
from spanbert.text.passages import Passage
from spanbert.text.spans import Span
from spanbert.workflows import document_index
from spanbert.workflows.ask import ask, join
from spanbert.workflows.demo import GUIDE_QUESTIONS, guide
from spanbert.workflows.document_index import DocumentIndex
from spanbert.workflows.model_source import describe, name_table
from spanbert.workflows.predict import Predictor


@pytest.fixture
def predictor(cased_tokenizer):
    """A random tiny model that always answers."""
    config = EncoderConfig.preset("tiny", cased_tokenizer.vocabulary_size)
    task = QuestionAnswering(QaSettings(window_pieces=128, overlap_pieces=32, candidates=5))
    model = task.build(Encoder(config)).eval()
    return Predictor(task, Engine(model, task.collate), cased_tokenizer)


def never_answering(predictor: Predictor) -> Predictor:
    task = QuestionAnswering(predictor.task.settings.model_copy(update={"no_answer_threshold": 1e9}))
    return Predictor(task, predictor.engine, predictor.tokenizer)


@pytest.fixture
def folder(tmp_path):
    texts = {
        "a.txt": "The river runs through Paris.\r\nIt is long.\n\nThe city is old. 東京は首都です。",
        "deep/b.md": "# France\n\nThe capital of France is Paris. " + "The river runs on. " * 200,
        "c.html": "<p>Where is\nthe capital?</p><p>It is in <b>France</b>.</p>",
        "image.png": "binary",
    }
    for name, text in texts.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode())
    return tmp_path


def passage(text: str, name: str = "a.txt") -> Passage:
    return Passage(Document(Path(name), text), Span(0, len(text)))


def prediction(text: str, *scored: tuple[str, float]) -> QaPrediction:
    found = [
        QaAnswer(words, Span(text.index(words), text.index(words) + len(words)), score, 0.5)
        for words, score in scored
    ]
    return QaPrediction("0", found[0], 0.1, tuple(found), 1, len(text))


# places


def test_answers_stand_where_they_are_said_to_stand(folder, predictor):
    result = ask("Where is the capital?", [folder], predictor, top=50)
    assert result.documents == 3
    assert len(result.answers) > 5
    for answer in result.answers:
        assert answer.sentence[answer.chars_in_sentence.start : answer.chars_in_sentence.end] == answer.text
        for place in (answer.place, *answer.other_places):
            if place.path.suffix != ".html":
                content = place.path.read_bytes().decode()
                found = content[place.chars.start : place.chars.end]
                assert " ".join(found.casefold().split()) == " ".join(answer.text.casefold().split())
                assert place.line == content[: place.chars.start].count("\n") + 1


def test_answers_are_sorted_and_do_not_overlap(folder, predictor):
    result = ask("Where is the capital?", [folder], predictor, top=50)
    chances = [answer.probability for answer in result.answers]
    assert chances == sorted(chances, reverse=True)
    assert len({answer.text.casefold() for answer in result.answers}) == len(result.answers)
    assert sum(chances) + result.no_answer_probability <= 1 + 1e-6
    places = [answer.place for answer in result.answers]
    for number, one in enumerate(places):
        for other in places[number + 1 :]:
            assert one.path != other.path or not one.chars.overlaps(other.chars)


def test_no_answer_keeps_the_closest_apart(folder, predictor):
    result = ask("Where is the capital?", [folder], never_answering(predictor))
    assert result.answers == ()
    assert result.closest is not None
    assert result.no_answer_probability > 0.99
    assert result.to_json()["answer"] is None


def test_what_was_not_read_is_said(folder, predictor):
    (item,) = ask("Where?", [folder], predictor).skipped
    assert (item.path.name, item.reason) == ("image.png", "files named .png are not read")


def test_one_path_may_stand_alone(folder, predictor):
    assert ask("Where?", folder / "a.txt", predictor).documents == 1
    assert ask("Where?", str(folder / "a.txt"), predictor).documents == 1


def test_result_is_json_of_plain_types(folder, predictor):
    found = json.loads(json.dumps(ask("Where is the capital?", [folder], predictor).to_json()))
    assert found["answer"] == found["answers"][0]
    assert found["answer"].keys() >= {"text", "file", "char_start", "char_end", "line", "page", "probability"}


# the joined ranking


def test_scores_of_several_passages_make_one_ranking():
    first, second = "Ada wrote it in 1843.", "Babbage built it."
    groups, no_answer = join(
        [passage(first, "a.txt"), passage(second, "b.txt")],
        [prediction(first, ("Ada", 2.0), ("1843", -1.0)), prediction(second, ("Babbage", 5.0))],
        QaSettings(no_answer_threshold=0.0),
    )
    assert [group[0].text for group in groups] == ["Babbage", "Ada", "1843"]
    assert sum(group[0].probability for group in groups) + no_answer == pytest.approx(1)
    assert no_answer == pytest.approx(1 / (1 + math.exp(5)))
    assert groups[0][0].probability / groups[1][0].probability == pytest.approx(math.exp(3))


def test_a_span_seen_in_two_passages_counts_once():
    document = Document(Path("a.txt"), "One. Ada wrote it. End.")
    left, right = Passage(document, Span(0, 18)), Passage(document, Span(5, 23))
    groups, no_answer = join(
        [left, right],
        [prediction(left.text, ("Ada", 3.0), ("Ada wrote", 2.0)), prediction(right.text, ("Ada", 1.0))],
        QaSettings(no_answer_threshold=0.0),
    )
    ((hit,),) = groups
    assert (hit.chars, hit.score) == (Span(5, 8), 3.0)
    assert hit.probability < 1 - no_answer  # the wider span keeps its share of the chances


def test_equal_words_at_several_places_are_one_answer():
    texts = ["It was 1843.", "In 1843 it was.", "Perhaps 1844."]
    groups, _ = join(
        [passage(text, f"{number}.txt") for number, text in enumerate(texts)],
        [
            prediction(text, (year, score))
            for text, year, score in zip(texts, ("1843", "1843", "1844"), (1, 3, 2), strict=True)
        ],
        QaSettings(no_answer_threshold=0.0),
    )
    assert [[hit.passage.document.path.name for hit in group] for group in groups] == [
        ["1.txt", "0.txt"],
        ["2.txt"],
    ]


# the index


def test_an_index_answers_as_the_files_do_and_is_read_once(folder, predictor):
    index = DocumentIndex([folder])
    fresh = ask("Where is the capital?", [folder], predictor)
    for path in folder.rglob("*.*"):
        path.unlink()  # texts asked lately are in memory
    again = ask("Where is the capital?", index, predictor)
    assert replace(again, seconds=0) == replace(fresh, seconds=0)


def test_texts_that_no_longer_fit_are_read_again(folder, monkeypatch):
    whole = [passage.text for passage in DocumentIndex([folder]).search("capital river", 50)]
    monkeypatch.setattr(document_index, "KEPT_CHARS", 10)
    index = DocumentIndex([folder])
    assert [passage.text for passage in index.search("capital river", 50)] == whole
    (folder / "deep/b.md").write_text("Something else.")
    with pytest.raises(DataError, match=r"b\.md: the file changed"):
        index.search("capital river", 50)


def test_passages_of_the_question_are_found(folder):
    index = DocumentIndex([folder])
    for question, words in [("Is the city old?", "The city is old."), ("日本の首都", "東京は首都です。")]:
        assert words in index.search(question, 1)[0].text


def test_nothing_to_read_is_an_error_that_says_why(tmp_path):
    with pytest.raises(DataError, match="no readable document in "):
        DocumentIndex([tmp_path])
    (tmp_path / "a.png").write_bytes(b"x")
    with pytest.raises(
        DataError, match=r"no readable document in .*\(.*a\.png: files named \.png are not read\)"
    ):
        DocumentIndex([tmp_path])


@pytest.mark.parametrize(("question", "top", "error"), [(" ", 3, DataError), ("Where?", 0, SettingsError)])
def test_bad_requests(folder, predictor, question, top, error):
    with pytest.raises(error):
        ask(question, [folder], predictor, top=top)


# the terminal


def shown(result) -> str:
    console = Console(
        force_terminal=True, color_system="standard", width=100, soft_wrap=True, highlight=False
    )
    with console.capture() as capture:
        cli.show(console, result)
    return capture.get()


def test_the_answer_is_coloured_within_its_sentence(tmp_path, predictor):
    path = tmp_path / "a.txt"
    path.write_text("First line.\nThe river \x1b[31mruns\tthrough Paris.\n")
    result = ask("Where?", [path], predictor, top=1)
    answer = result.answers[0]
    view = shown(result)
    assert "\x1b[31m" not in view  # what stands in a file cannot steer the terminal
    flat = "".join(" " if char.isspace() or char == "\x1b" else char for char in answer.text)
    assert f"\x1b[1;30;42m{flat}\x1b[0m" in view
    assert f":{answer.place.line}" in view
    assert f"{answer.probability:.0%}" in view


def test_no_answer_is_said(folder, predictor):
    assert "no answer" in shown(ask("Where is the capital?", [folder], never_answering(predictor)))


def test_a_long_sentence_is_shown_around_its_answer(tmp_path, predictor):
    path = tmp_path / "a.txt"
    path.write_text("where " * 2000)
    result = ask("Where?", [path], predictor, top=1)
    assert len(max(shown(result).splitlines(), key=len)) < 1000


def test_the_guide_travels_with_the_package():
    assert "Apache-2.0" in guide().read_text(encoding="utf-8")


# the commands


@pytest.fixture
def model_folder(predictor, tmp_path):
    model = predictor.engine.model
    write_folder(
        tmp_path / "model",
        model,
        name_table(predictor.task),
        model.encoder.config,
        predictor.tokenizer,
        architecture=predictor.task.architecture,
        task=describe(predictor.task),
    )
    return str(tmp_path / "model")


def test_ask_prints_one_json_object_and_nothing_else(folder, model_folder, capsys):
    arguments = ["ask", "Where is the capital?", str(folder / "deep"), str(folder / "c.html")]
    assert run([*arguments, "--model", model_folder, "--top", "2", "--json"]) == 0
    out, _ = capsys.readouterr()
    found = json.loads(out)
    assert out.count("\n") == 1
    assert len(found["answers"]) == 2
    assert found["documents"] == 2


def test_ask_says_on_stderr_what_it_did_not_read(folder, model_folder, capsys):
    assert run(["ask", "Where is the capital?", str(folder), "--model", model_folder, "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["skipped"][0]["file"].endswith("image.png")
    assert "image.png: files named .png are not read" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["Where?"], "say which files or folders to ask"),
        (["Where?", "absent.txt"], "absent.txt: no such file"),
        ([" ", "README.md"], "the question is empty"),
    ],
)
def test_wrong_requests_are_one_line_and_exit_code_2(model_folder, capsys, arguments, message):
    assert run(["ask", *arguments, "--model", model_folder]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.count("\n") == 1


def test_demo_asks_the_guide(model_folder, capsys):
    assert run(["demo", "--model", model_folder]) == 0
    out, _ = capsys.readouterr()
    assert all(question in out for question in GUIDE_QUESTIONS)
    assert "guide.md:" in out


def test_demo_asks_the_users_text(folder, model_folder, capsys):
    arguments = ["demo", str(folder / "a.txt"), "--question", "Where?", "--question", "What?"]
    assert run([*arguments, "--model", model_folder]) == 0
    out, _ = capsys.readouterr()
    assert out.count("a.txt:") == 2
    assert "? Where?" in out
    assert "? What?" in out
