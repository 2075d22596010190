"""Entities, clusters and relations of whole documents, and what is written of them."""

import csv
import json
from pathlib import Path

import networkx
import numpy as np
import pytest

from extraction_models import STORY, write_models
from spanbert.cli.main import run
from spanbert.errors import SettingsError, SpanbertError
from spanbert.tasks.relations.decode import decode
from spanbert.tasks.relations.settings import RelationSettings
from spanbert.tasks.relations.task import Relations
from spanbert.text.documents import Document, Skipped, read_documents
from spanbert.text.spans import Span
from spanbert.workflows.extraction.extract import (
    ExtractedEntity,
    ExtractedRelation,
    Extraction,
    Extractor,
    oriented,
    readable,
    without_determiner,
)
from spanbert.workflows.extraction.files import write_extractions
from spanbert.workflows.extraction.graph import json_ld, knowledge_graph, write_graphml
from spanbert.workflows.pages.extraction_page import MOST_CHARS, extraction_page


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return write_models(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def extractor(models):
    return Extractor.load(**{task: str(path) for task, path in models.items()})


@pytest.fixture(scope="module")
def made(extractor):
    return next(extractor.extract([Document(Path("story.txt"), STORY)]))


def test_entities_are_linked_to_the_clusters_that_mention_them(made):
    assert [(one.text, one.type, one.cluster) for one in made.entities] == [
        ("Ada Byron", "PER", 0),
        ("London", "LOC", None),
        ("Charles", "PER", 1),
        ("Charles", "PER", 1),
        ("Turin", "LOC", None),
    ]
    assert [(one.subject, one.relation, one.object) for one in made.relations] == [
        (0, "lives in", 1),
        (3, "lives in", 4),
    ]


def test_every_span_of_the_json_is_its_text(made):
    found = json.loads(json.dumps(made.to_json(), allow_nan=False))
    mentions = [mention for cluster in found["clusters"] for mention in cluster["mentions"]]
    assert len(mentions) == 4
    for one in [*found["entities"], *mentions]:
        assert found["text"][one["char_start"] : one["char_end"]] == one["text"]


def test_documents_together_are_extracted_as_each_alone(extractor, made):
    other = Document(Path("other.txt"), "Charles lived in London.")
    together = list(extractor.extract([made.document, other, made.document]))
    assert [one.document.path.name for one in together] == ["story.txt", "other.txt", "story.txt"]
    for one in (together[0], together[2]):
        assert [entity.chars for entity in one.entities] == [entity.chars for entity in made.entities]
        assert [cluster.name for cluster in one.clusters] == [cluster.name for cluster in made.clusters]
        for found, alone in zip(one.relations, made.relations, strict=True):
            assert (found.subject, found.object) == (alone.subject, alone.object)
            assert found.probability == pytest.approx(alone.probability, abs=1e-3)


def test_pairs_further_apart_than_wanted_are_not_judged(models, extractor):
    near = Extractor(extractor.entities, None, extractor.relations, most_chars_between=0)
    assert next(near.extract([Document(Path("story.txt"), STORY)])).relations == ()


def test_a_task_named_none_is_left_out(models):
    model, entities = str(models["coreference"]), str(models["entities"])
    assert Extractor.load(model, entities="none", relations="none").tasks == ("coreference",)
    assert Extractor.load(model, entities=entities, coreference="none").tasks == ("entities",)
    with pytest.raises(SettingsError, match="can do none of"):
        Extractor.load(model, coreference="none")


def test_a_task_without_a_model_is_left_out(models):
    only = Extractor.load(str(models["coreference"]))
    assert only.tasks == ("coreference",)
    found = next(only.extract([Document(Path("story.txt"), STORY)]))
    assert (found.entities, found.relations, len(found.clusters)) == ((), (), 2)


def test_nothing_to_extract_with_is_said(models):
    with pytest.raises(SettingsError, match=r"start: can do none of entities, coreference, relations"):
        Extractor.load(str(models["entities"].with_name("start")))
    with pytest.raises(SettingsError, match="a model of entities is needed too"):
        Extractor.load(coreference=str(models["coreference"]), relations=str(models["relations"]))


def test_what_was_found_before_an_error_is_kept(made, tmp_path):
    def broken():
        yield made
        raise SettingsError("the second document is broken")

    with pytest.raises(SettingsError, match="second document"):
        write_extractions(broken(), tmp_path / "out")
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["documents.jsonl.part"]
    kept = (tmp_path / "out" / "documents.jsonl.part").read_text(encoding="utf-8")
    assert json.loads(kept) == made.to_json()


class Told:
    """Relations by the words of both entities, in place of a model; the pairs that were asked are noted."""

    def __init__(self, labels, relations):
        self.task = Relations(RelationSettings(kind="one", labels=labels, negative="Other"))
        self.relations = relations
        self.asked = []

    def predict(self, pairs):
        for pair in pairs:
            words = tuple(pair.text[one.chars.start : one.chars.end] for one in (pair.subject, pair.object))
            self.asked.append(words)
            label, score = self.relations.get(words, ("Other", 5.0))
            scores = np.asarray([score * (name == label) for name in self.task.labels], dtype=np.float32)
            yield decode(pair, len(pair.text), scores, self.task.settings)


DIRECTED = ("Cause(e1,e2)", "Cause(e2,e1)", "Other")


def test_a_label_without_direction_is_asked_in_both_orders(extractor):
    told = Told(
        (*DIRECTED, "spouse"),
        {
            ("London", "Ada Byron"): ("spouse", 5.0),
            ("Ada Byron", "London"): ("Cause(e2,e1)", 5.0),
            ("Charles", "Turin"): ("Cause(e1,e2)", 3.0),
            ("Turin", "Charles"): ("Cause(e2,e1)", 5.0),
        },
    )
    made = next(
        Extractor(extractor.entities, None, told, most_chars_between=10).extract(
            [Document(Path("story.txt"), STORY)]
        )
    )
    texts = [one.text for one in made.entities]
    assert [(texts[one.subject], one.relation, texts[one.object]) for one in made.relations] == [
        ("London", "Cause", "Ada Byron"),
        ("London", "spouse", "Ada Byron"),
        ("Charles", "Cause", "Turin"),
    ]
    assert made.relations[2].probability == pytest.approx(np.exp(5) / (np.exp(5) + 3))  # of the surer one


def test_labels_that_all_say_the_direction_are_asked_in_one_order(extractor):
    told = Told(DIRECTED, {("Ada Byron", "London"): ("Cause(e2,e1)", 5.0)})
    made = next(Extractor(extractor.entities, None, told).extract([Document(Path("story.txt"), STORY)]))
    assert told.asked[0] == ("Ada Byron", "London")
    assert len(told.asked) == 5 * 4 // 2
    assert [(one.subject, one.object) for one in made.relations] == [(1, 0)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Cause-Effect(e1,e2)", ("Cause-Effect", (3, 7))),
        ("Cause-Effect(e2,e1)", ("Cause-Effect", (7, 3))),
        ("lives in", ("lives in", (3, 7))),
    ],
)
def test_directed_names_put_the_subject_first(name, expected):
    assert oriented(name, (3, 7)) == expected


def test_an_article_in_front_does_not_make_another_thing():
    text = "The mill. the mill. Theodore."
    assert without_determiner(text, Span(0, 8)) == Span(4, 8)
    assert without_determiner(text, Span(10, 18)) == Span(14, 18)
    assert without_determiner(text, Span(20, 28)) == Span(20, 28)


def test_the_graph_has_a_node_for_each_thing_and_an_edge_for_each_relation(made):
    nodes, edges = knowledge_graph([made, made])
    assert [(node.name, node.kind, node.mentions) for node in nodes[:4]] == [
        ("Ada Byron", "PER", 2),
        ("Charles", "PER", 2),
        ("London", "LOC", 1),
        ("Turin", "LOC", 1),
    ]
    assert len({node.id for node in nodes}) == len(nodes) == 8  # another document, other things
    assert [(edge.subject, edge.relation, edge.object) for edge in edges[:2]] == [
        ("d0c0", "lives in", "d0e0"),
        ("d0c1", "lives in", "d0e1"),
    ]
    listed = json_ld(nodes, edges)["@graph"]
    assert listed[0]["relations"][0]["to"] == listed[2]["@id"]


def test_the_folder_holds_tables_graphs_and_a_page_that_agree(made, tmp_path):
    write_extractions([made], tmp_path / "out")
    folder = tmp_path / "out"
    assert json.loads((folder / "documents.jsonl").read_text(encoding="utf-8")) == made.to_json()
    tables = {
        name: list(csv.DictReader((folder / f"{name}.csv").open(encoding="utf-8", newline="")))
        for name in ("entities", "mentions", "relations")
    }
    assert [row["text"] for row in tables["entities"]] == [one.text for one in made.entities]
    assert [row["text"] for row in tables["mentions"]] == ["Ada Byron", "She", "Charles", "Charles"]
    assert [(row["subject_text"], row["object_text"]) for row in tables["relations"]] == [
        ("Ada Byron", "London"),
        ("Charles", "Turin"),
    ]
    graph = networkx.read_graphml(folder / "graph.graphml")
    assert {data["label"] for _, _, data in graph.edges(data=True)} == {"lives in"}
    assert len(json.loads((folder / "graph.jsonld").read_text(encoding="utf-8"))["@graph"]) == 4
    html = (folder / "index.html").read_text(encoding="utf-8")
    assert "http" not in html.replace("http-equiv", "")  # nothing is fetched


def test_names_that_xml_cannot_hold_are_written_with_spaces(tmp_path):
    text = "Gustave\x0cEiffel met \x02Ada\ufffe"
    entities = tuple(
        ExtractedEntity(text[chars.start : chars.end], "A\x0bB", chars, 0.5)
        for chars in (Span(0, 14), Span(19, 24))
    )
    relations = (ExtractedRelation(0, 1, "met\x1f", 0.5),)
    made = Extraction(Document(Path("a\udcff\x07.txt"), text), entities, (), relations)
    folder = tmp_path / "out"
    assert {path.name for path in write_extractions([made], folder)} == {
        *("documents.jsonl", "entities.csv", "mentions.csv", "relations.csv"),
        *("graph.graphml", "graph.jsonld", "index.html"),
    }
    graph = networkx.read_graphml(folder / "graph.graphml")
    assert [data["label"] for _, data in graph.nodes(data=True)] == ["Gustave Eiffel", " Ada "]
    assert {(data["kind"], data["file"]) for _, data in graph.nodes(data=True)} == {("A B", "a  .txt")}
    assert [data["label"] for _, _, data in graph.edges(data=True)] == ["met "]
    listed = json.loads((folder / "graph.jsonld").read_text(encoding="utf-8"))["@graph"]
    assert listed[0]["name"] == "Gustave\x0cEiffel"
    assert listed[0]["file"].endswith("/a%FF%07.txt")
    found = json.loads((folder / "documents.jsonl").read_text(encoding="utf-8"))
    assert (found["file"], found["text"]) == ("a?\x07.txt", text)


def test_a_graph_that_cannot_be_written_leaves_the_one_before(tmp_path, monkeypatch):
    path = tmp_path / "graph.graphml"
    path.write_text("before", encoding="utf-8")

    def broken(graph, stream):
        stream.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(networkx, "write_graphml", broken)
    with pytest.raises(SpanbertError, match="cannot be written"):
        write_graphml([], [], path)
    assert path.read_text(encoding="utf-8") == "before"
    assert [file.name for file in tmp_path.iterdir()] == ["graph.graphml"]


def test_the_json_of_a_document_is_made_once(made, tmp_path, monkeypatch):
    calls = []
    to_json = Extraction.to_json
    monkeypatch.setattr(Extraction, "to_json", lambda self: calls.append(self) or to_json(self))
    write_extractions([made, made], tmp_path / "out")
    assert len(calls) == 2


def test_the_page_escapes_names_and_says_what_it_leaves_out(extractor):
    text = STORY + " <script>alert(1)</script> " + "word " * (MOST_CHARS // 5)
    found = next(extractor.extract([Document(Path("<b>.txt"), text)]))
    html = extraction_page([found])
    assert "<script>" not in html
    assert "<b>" not in html
    assert f"The last {len(text) - MOST_CHARS:,} of {len(text):,} characters are left out here" in html


def test_a_type_has_one_colour_in_all_documents(extractor):
    texts = ("Ada Byron lived in London.", "In Turin Charles lived.")
    found = list(extractor.extract([Document(Path(f"{text}.txt"), text) for text in texts]))
    assert [one.entities[0].type for one in found] == ["PER", "LOC"]
    sections = extraction_page(found).split("<h2")[1:]
    legends = [section[section.index("<ul") : section.index("</ul")] for section in sections]
    assert legends[0] == legends[1]


def test_skipped_files_and_notes_are_kept_beside_the_documents(tmp_path):
    (tmp_path / "a.txt").write_text(STORY, encoding="utf-8")
    (tmp_path / "b.bin").write_bytes(b"\x00")
    skipped: list[Skipped] = []
    assert [one.path.name for one in readable(read_documents([tmp_path]), skipped)] == ["a.txt"]
    assert [one.path.name for one in skipped] == ["b.bin"]


def test_the_command_prints_one_object_a_document(models, tmp_path, capsys):
    (tmp_path / "a.txt").write_text(STORY, encoding="utf-8")
    (tmp_path / "b.txt").write_text("Charles lived in London.", encoding="utf-8")
    flags = [part for task, path in models.items() for part in (f"--{task}", str(path))]
    assert run(["extract", str(tmp_path), *flags, "--json", "--output", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr()
    lines = [json.loads(line) for line in printed.out.splitlines()]
    assert [Path(line["file"]).name for line in lines] == ["a.txt", "b.txt"]
    assert "index.html" in printed.err
    assert run(["extract", str(tmp_path / "a.txt"), *flags]) == 0
    shown = capsys.readouterr().out
    assert "[Ada Byron] PER #0 lived in [London] LOC" in shown
    assert "#1 Charles = Charles" in shown
    assert "Charles -lives in→ Turin" in shown


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["extract"], "say which files or folders to read"),
        (["extract", "empty", "--entities", "MODEL"], "no readable document in empty"),
        (["extract", "absent.txt", "--entities", "MODEL"], "absent.txt: no such file"),
        (["extract", "a.txt", "--entities", "MODEL", "--most-chars-between", "-1"], "must not be negative"),
        (["extract", "a.txt", "--entities", "COREFERENCE"], "was trained for coreference, not for entities"),
    ],
)
def test_wrong_calls_are_one_line(models, words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.txt").write_text(STORY, encoding="utf-8")
    places = {"MODEL": str(models["entities"]), "COREFERENCE": str(models["coreference"])}
    assert run([places.get(word, word) for word in words]) == 2
    told = capsys.readouterr().err.strip().splitlines()[-1]
    assert message in told
