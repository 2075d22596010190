"""The road of a pair: training, calibration, predictions, and the folder that is saved."""

import json

import numpy as np
import pytest
import torch

from spanbert.errors import SettingsError
from spanbert.nn.encoder import Encoder
from spanbert.tasks.relations.decode import decode
from spanbert.tasks.relations.settings import RelationSettings
from spanbert.tasks.relations.task import Relations
from spanbert.workflows.finetune import finetune
from spanbert.workflows.predict import load
from tiny_encoder import tiny_config
from tiny_start import write_start

SEVERAL = RelationSettings(kind="several", labels=("a", "b"))


def test_one_relation_is_given_with_its_chance_and_the_negative_class_is_not(pair):
    settings = RelationSettings(kind="one", labels=("Other", "a"), negative="Other", temperature=2.0, top=1)
    example = pair("ada likes rome", "ada", "rome", ("a",), ("PER", None), name=7)
    made = decode(example, 14, np.asarray([0.0, 2.0], dtype=np.float32), settings)
    assert made.to_json() == {
        "id": 7,
        "subject": {"text": "ada", "type": "PER", "char_start": 0, "char_end": 3},
        "object": {"text": "rome", "char_start": 10, "char_end": 14},
        "relations": [{"relation": "a", "probability": 0.731059}],
        "no_relation_probability": 0.268941,
        "top": [{"relation": "a", "probability": 0.731059}],
        "covered_chars": 14,
    }
    none = decode(example, 14, np.asarray([3.0, 2.0], dtype=np.float32), settings)
    assert none.relations == ()
    assert none.top[0].relation == "Other"


def test_several_relations_are_those_above_the_threshold(pair):
    example = pair("ada likes rome", "ada", "rome")
    made = decode(example, 14, np.asarray([0.1, 3.0], dtype=np.float32), SEVERAL)
    assert [found.relation for found in made.relations] == ["b", "a"]
    assert made.no_relation_probability == pytest.approx(
        np.prod([1 - found.probability for found in made.relations])
    )
    strict = Relations(SEVERAL.model_copy(update={"threshold": 0.9})).refit(made)
    assert strict.names == {"b"}


def test_fitting_makes_overconfident_chances_honest(pair):
    rng = np.random.default_rng(0)
    settings = RelationSettings(kind="one", labels=("Other", "a"), negative="Other")
    examples, predictions = [], []
    for number in range(2000):
        logit = rng.normal(0, 2)
        gold = () if rng.random() > 1 / (1 + np.exp(-logit)) else ("a",)
        examples.append(pair(f"ada likes rome {number}", "ada", "rome", gold))
        predictions.append(decode(examples[-1], 0, np.asarray([0, 4 * logit], dtype=np.float32), settings))
    assert Relations(settings).fit(examples, predictions).settings.temperature == pytest.approx(4, rel=0.2)


def test_fitting_several_chooses_the_threshold_of_the_best_f1(pair):
    examples, predictions = [], []
    for number, logit in enumerate([3.0, 2.0, -0.5, -1.0, -2.0]):
        examples.append(pair(f"ada likes rome {number}", "ada", "rome", ("a",) if number < 4 else ()))
        scores = np.asarray([logit, -9.0], dtype=np.float32)
        predictions.append(decode(examples[-1], 0, scores, SEVERAL))
    task = Relations(SEVERAL).fit(examples, predictions)
    assert [task.refit(made).names for made in predictions] == [{"a"}] * 4 + [set()]


@pytest.mark.parametrize("representation", ["starts", "pooled"])
@pytest.mark.parametrize("kind", ["one", "several"])
def test_scores_depend_on_which_words_are_marked_but_not_on_neighbours_in_the_batch(
    tokenizer, pair, representation, kind
):
    examples = [
        pair("ada likes rome and oslo", "ada", "rome", ("a",)),
        pair("ada likes rome and oslo", "ada", "oslo", ("b",)),
        pair("ada likes rome and oslo", "oslo", "ada", ("b",)),
    ]
    task = Relations(RelationSettings(representation=representation, kind=kind)).learn(examples)
    torch.manual_seed(0)
    config = tiny_config(tokenizer.vocabulary_size)  # fmt: skip
    model = task.within(64).build(Encoder(config)).eval()
    features = [feature for (feature,) in task.features(examples, tokenizer)]
    with torch.inference_mode():
        together = model(task.collate(features)).per_sequence()
        alone = [model(task.collate([feature])).per_sequence()[0] for feature in features]
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert all(np.abs(together[one] - together[other]).max() > 1e-3 for one, other in [(0, 1), (1, 2)])


def test_longer_windows_than_the_encoder_reads_are_refused_only_when_chosen():
    assert Relations().within(64).settings.window_pieces == 64
    with pytest.raises(SettingsError, match="window_pieces"):
        Relations(RelationSettings(window_pieces=100)).within(64)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A model that tells who lives where by the verb, for pairs of which some have two relations."""
    folder = tmp_path_factory.mktemp("relations")
    lines = []
    for name in ("ada", "bob", "eve", "dan"):
        for verb, names in (("rules", ["rules", "lives"]), ("haunts", ["lives"]), ("paints", [])):
            text = f"@ {name} {verb} rome # * {name}"
            lines.append({"text": text, "subject": [2, 5], "object": [text.index("rome"), text.index(" #")],
                          "relation": names})  # fmt: skip
    data = folder / "data.jsonl"
    data.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    start = write_start(folder / "start", [line["text"] for line in lines])
    report = finetune(
        "relations", train=data, dev=data, model=start, output=folder / "model", steps=60, batch_pieces=256,
        learning_rate=3e-3, dropout=0.0, evaluations=2, precision="float32",
    )  # fmt: skip
    return folder / "model", report, lines


def test_several_relations_are_learned_and_survive_the_folder(trained):
    folder, report, lines = trained
    assert report.primary == "micro_f1"
    assert report.primary_value == 100.0
    predictor = load(folder)
    assert predictor.task.settings.kind == "several"
    for line, made in zip(lines, predictor.predict(lines), strict=True):
        assert sorted(made.names) == sorted(line["relation"])
        assert made.example.text[made.example.object.chars.start : made.example.object.chars.end] == "rome"


def test_the_map_of_marks_travels_with_the_model(trained):
    described = json.loads((trained[0] / "task.json").read_text("utf-8"))
    assert described["settings"]["markers"]["[SUBJ]"] == "[unused1]"
    config = json.loads((trained[0] / "config.json").read_text("utf-8"))
    assert config["architectures"] == ["BertModel"]
    assert config["id2label"] == {"0": "lives", "1": "rules"}
