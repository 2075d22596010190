"""The model in the package: real weights, through the whole road, against transformers."""

import numpy as np
import pytest
import torch
from transformers import AutoModelForQuestionAnswering, AutoTokenizer

import spanbert
from spanbert.checkpoint.parts import part_names
from spanbert.checkpoint.source import shipped_models
from spanbert.workflows.convert import convert

pytestmark = pytest.mark.skipif("mini" not in shipped_models(), reason="this build carries no model")
MOST_BYTES = 60_000_000
PASSAGE = (
    "The Forth Bridge is a railway bridge near Edinburgh. It was opened on 4 March 1890 by the Prince of "
    "Wales and has a length of 2,467 metres. Sir John Fowler and Sir Benjamin Baker designed it."
)


@pytest.fixture(scope="module")
def predictor():
    return spanbert.load("mini", offline=True)


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("converted") / "mini"
    convert("mini", output=folder)
    return AutoTokenizer.from_pretrained(folder), AutoModelForQuestionAnswering.from_pretrained(folder)


@pytest.mark.parametrize(
    ("question", "answer"),
    [("When was the bridge opened?", "4 March 1890"), ("How long is the bridge?", "2,467 metres")],
)
def test_it_answers(predictor, question, answer):
    made = predictor({"question": question, "passage": PASSAGE})
    assert made.candidates[0].text == answer
    assert PASSAGE[made.candidates[0].chars.start : made.candidates[0].chars.end] == answer


def test_scores_equal_those_of_transformers_on_the_converted_folder(predictor, theirs):
    tokenizer, model = theirs
    question = "Who designed the bridge?"
    task = predictor.task
    example = task.parse({"question": question, "passage": PASSAGE}, "test", 1)
    (features,) = task.features([example], predictor.tokenizer)
    (ours,) = predictor.engine.run(features)
    encoded = tokenizer(question, PASSAGE, return_tensors="pt")
    assert encoded["input_ids"][0].tolist() == features[0].piece_ids.tolist()
    with torch.no_grad():
        found = model.eval()(**encoded)
    seen = np.isfinite(ours[0])  # question pieces are no answers, so we give them no score
    for mine, other in zip(ours, (found.start_logits, found.end_logits), strict=True):
        np.testing.assert_allclose(mine[seen], other[0].numpy()[seen], atol=1e-4)


def test_int8_arithmetic_finds_the_same_answer(predictor):
    fast = spanbert.load("mini", offline=True, precision="int8")
    item = {"question": "When was the bridge opened?", "passage": PASSAGE}
    assert fast(item).candidates[0].text == predictor(item).candidates[0].text


STORY = "Clara Brook bought a house in Boston. She painted it herself, and her neighbours came to see it."


def test_it_finds_names():
    found = spanbert.load("mini", "entities", offline=True)(STORY).entities
    assert [(one.text, one.type) for one in found] == [("Clara Brook", "person"), ("Boston", "location")]


def test_it_links_mentions():
    clusters = spanbert.load("mini", "coreference", offline=True)(STORY).clusters
    linked = [[mention.text for mention in one.mentions] for one in clusters if len(one.mentions) > 1]
    assert ["Clara Brook", "She", "herself", "her"] in linked


@pytest.mark.parametrize(
    ("text", "subject", "target", "relation"),
    [
        ("The fire was caused by a leaking pump.", "fire", "pump", ["Cause-Effect(e2,e1)"]),
        ("The letters were in a wooden box.", "letters", "box", ["Content-Container(e1,e2)"]),
        ("Clara met Grace Brook in Paris.", "Clara", "Paris", []),
    ],
)
def test_it_relates_things_and_not_names(text, subject, target, relation):
    places = {
        name: {"char_start": text.index(words), "char_end": text.index(words) + len(words)}
        for name, words in (("subject", subject), ("object", target))
    }
    made = spanbert.load("mini", "relations", offline=True)({"text": text, **places})
    assert [one.relation for one in made.relations] == relation


def test_its_vectors_bring_like_texts_together():
    texts = ["The rent is due on Friday.", "You must pay the rent by Friday.", "A dog chased the ball."]
    vectors = spanbert.embed(texts, normalize=True)
    alike, unlike = vectors[0] @ vectors[1], vectors[0] @ vectors[2]
    assert alike > 0.7 > 0.3 > unlike
    pair = {"sentence1": texts[0], "sentence2": texts[1]}
    made = spanbert.load("mini", "similarity", offline=True)(pair)
    assert made.similarity == pytest.approx(alike, abs=1e-4)


def test_training_of_similarity_goes_on_from_its_part(tmp_path):
    data = tmp_path / "pairs.tsv"
    data.write_text("sentence1\tsentence2\tscore\nthe sea\tan ocean\t4\na cat\ta tax\t0\n", encoding="utf-8")
    output = tmp_path / "model"
    told = {"train": data, "dev": data, "model": "mini", "output": output}
    spanbert.finetune("similarity", **told, steps=1, learning_rate=1e-9, dropout=0.0)
    texts = ["The rent is due on Friday.", "A dog chased the ball."]
    np.testing.assert_allclose(spanbert.embed(texts, model=output), spanbert.embed(texts), atol=1e-3)


def test_all_that_ships_is_small_and_says_where_it_comes_from(predictor):
    folder = predictor.source
    sizes = [path.stat().st_size for path in folder.parent.rglob("*") if path.is_file()]
    assert sum(sizes) < MOST_BYTES
    cards = [folder / "README.md", *(folder / "tasks" / name / "README.md" for name in part_names(folder))]
    for card, data in zip(cards, ("SQuAD", "LitBank", "WNUT", "SemEval", "Tatoeba"), strict=True):
        text = card.read_text(encoding="utf-8")
        assert data in text
        assert "## Limits" in text
        assert "## Licence" in text
    assert "all-MiniLM-L6-v2" in cards[0].read_text(encoding="utf-8")
