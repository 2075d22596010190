"""The verbs of the contract: labels are learned, bias and temperature fitted, scores told."""

import json

import numpy as np
import pytest

from spanbert.errors import DataError, SettingsError
from spanbert.tasks.entities.decode import reconsider
from spanbert.tasks.entities.evidence import SpanScores, TagScores
from spanbert.tasks.entities.examples import Entity, EntityExample, EntityPrediction
from spanbert.tasks.entities.settings import EntitySettings
from spanbert.tasks.entities.task import Entities
from spanbert.text.spans import Span
from spanbert.workflows.finetune import finetune
from spanbert.workflows.predict import load
from tiny_start import write_start

TAGS = ("O", "B-X", "I-X")


def one_word(number, score, gold):
    """A text of one word, scored so much more for B-X than for O."""
    example = EntityExample(str(number), "Ada", (Entity(Span(0, 3), "X"),) if gold else ())
    evidence = TagScores(np.asarray([[0.0, score, -99.0]], dtype=np.float32), np.asarray([[0, 3]]))
    return example, EntityPrediction(example, (), 1, 3, evidence)


def held_out(heat, shift, count=1200):
    """Words whose true log odds are known; the model says them `heat` times too loud and `shift` too low."""
    rng = np.random.default_rng(0)
    odds = rng.normal(0.0, 2.0, count)
    gold = rng.random(count) < 1 / (1 + np.exp(-odds))
    pairs = [one_word(number, heat * odds[number] - shift, gold[number]) for number in range(count)]
    return [example for example, _ in pairs], [made for _, made in pairs]


def test_the_bias_and_the_temperature_of_the_predictions_are_found():
    examples, predictions = held_out(heat=3.0, shift=1.5)
    task = Entities(EntitySettings(labels=TAGS)).fit(examples, predictions)
    # Best F1 takes words that are a little less likely than not.
    assert -3.0 <= task.settings.no_entity_bias <= -1.5
    made = [task.refit(prediction) for prediction in predictions]
    report = task.score(examples, made)
    before = Entities(EntitySettings(labels=TAGS))
    plain = before.score(examples, [before.refit(prediction) for prediction in predictions])
    assert report.values["f1"] > plain.values["f1"]
    assert task.settings.temperature > 1.5
    loud = Entities(task.settings.model_copy(update={"temperature": 1.0}))
    surer = loud.score(examples, [loud.refit(prediction) for prediction in predictions])
    assert surer.values["f1"] == report.values["f1"]
    assert report.values["calibration_error"] < 0.7 * surer.values["calibration_error"]


def test_no_other_bias_scores_better():
    examples, predictions = held_out(heat=1.0, shift=0.5, count=60)
    task = Entities(EntitySettings(labels=TAGS)).fit(examples, predictions)

    def f1(bias):
        biased = EntitySettings(labels=TAGS, no_entity_bias=bias)
        return (
            Entities(biased).score(examples, [reconsider(made, biased) for made in predictions]).values["f1"]
        )

    assert f1(task.settings.no_entity_bias) == max(f1(bias) for bias in np.arange(-3, 3.25, 0.25))
    assert f1(task.settings.no_entity_bias) > f1(3.0)


def test_fitting_without_gold_changes_nothing():
    task = Entities(EntitySettings(labels=TAGS))
    assert task.fit([], []).settings == task.settings
    example, made = one_word(1, 4.0, gold=False)
    assert task.fit([example], [made]).settings.no_entity_bias == 0.0


def learned(*gold, **settings):
    examples = [
        EntityExample(
            str(number), "Ada Byron in Paris", tuple(Entity(Span(*chars), kind) for *chars, kind in one)
        )
        for number, one in enumerate(gold)
    ]
    return Entities(EntitySettings(**settings)).learn(examples).settings


def test_labels_and_decoder_are_learned():
    flat = [(0, 3, "PER"), (13, 18, "LOC")]
    assert learned(flat, []).labels == ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
    assert learned(flat).decoder == "flat"
    assert learned(flat, decoder="nested").labels == ("LOC", "PER")
    nested = learned([(0, 18, "X"), (0, 3, "PER")])
    assert (nested.decoder, nested.labels) == ("nested", ("PER", "X"))
    assert learned([(0, 18, "X"), (0, 3, "PER")], decoder="flat").labels == (
        "O",
        "B-PER",
        "I-PER",
        "B-X",
        "I-X",
    )
    chosen = ("O", "B-Z", "I-Z", "B-PER", "I-PER", "B-LOC", "I-LOC")
    assert learned(flat, labels=chosen).labels == chosen


def test_what_cannot_be_learned_is_an_error():
    with pytest.raises(DataError, match="training needs entities; the data has none"):
        learned([], [])
    with pytest.raises(SettingsError, match="the chosen labels lack types of the training data: LOC"):
        learned([(13, 18, "LOC")], labels=("O", "B-PER", "I-PER"))
    with pytest.raises(SettingsError, match="have no O"):
        Entities(EntitySettings(labels=("POSITIVE",))).build(None)
    with pytest.raises(SettingsError, match="the model has no labels of entities; fine-tune it first"):
        Entities().build(None)
    with pytest.raises(DataError, match="nothing to score: no text of the data has gold"):
        Entities(EntitySettings(labels=TAGS)).score(
            [EntityExample("1", "a")], [one_word(1, 1.0, gold=False)[1]]
        )


def test_the_report_tells_errors_by_kind_and_type_and_what_the_model_cannot_know():
    example = EntityExample("1", "Ada", (Entity(Span(0, 3), "X"), Entity(Span(0, 1), "Z")))
    task = Entities(EntitySettings(labels=TAGS))
    made = task.refit(one_word(1, 4.0, gold=True)[1])
    report = task.score([example, EntityExample("2", "b")], [made, made])
    assert report.primary == "f1"
    assert (report.values["precision"], report.values["recall"]) == (100, 50)
    assert report.lost_gold == {"entities of types that the model does not know (Z)": 1}
    assert report.details["types"]["Z"] == {"precision": 0, "recall": 0, "f1": 0, "gold": 1}
    assert report.details["errors"] == {"right": 1, "missed": 1}
    assert report.details["confusion"] == {"X": {"X": 1}, "Z": {"missed": 1}}
    assert report.counts["entities_that_overlap_another"] == 1
    assert report.counts["texts_without_gold"] == 1
    low, high = report.details["f1_interval_95"]
    assert low <= report.values["f1"] <= high
    json.dumps(report.to_json(), allow_nan=False)


def test_entities_too_long_for_a_nested_model_are_counted_at_evaluation_as_in_training(
    tokenizer,
):
    chars = ((0, 11), (0, 7), (4, 7), (8, 11))
    example = EntityExample("1", "Ada von Ulm", tuple(Entity(Span(*ends), "X") for ends in chars))
    task = Entities(EntitySettings(decoder="nested", labels=("X",), longest_entity=2))
    evidence = SpanScores(np.zeros((0, 3), np.int64), np.zeros(0), np.asarray([[0, 3], [4, 7], [8, 11]]))
    report = task.score([example], [EntityPrediction(example, (), 1, 11, evidence)])
    assert report.lost_gold == {"entities longer than longest_entity": 1}
    assert report.lost_gold == dict(task.training_set([example], tokenizer).lost_gold)
    flat = Entities(EntitySettings(labels=TAGS, longest_entity=2))
    assert flat.score([example], [EntityPrediction(example, (), 1, 11, evidence)]).lost_gold == {}


def test_a_prediction_is_itself_a_line_of_data():
    task = Entities(EntitySettings(labels=TAGS))
    made = task.refit(one_word(7, 4.0, gold=True)[1])
    line = json.loads(json.dumps(made.to_json()))
    assert line == {
        "id": "7",
        "text": "Ada",
        "entities": [
            {
                "text": "Ada",
                "type": "X",
                "char_start": 0,
                "char_end": 3,
                "probability": pytest.approx(0.982014),
            }
        ],
        "windows": 1,
        "covered_chars": 3,
    }
    again = task.parse(line, "test", 1)
    assert again == made.as_example()


def test_a_nested_model_is_trained_saved_and_loaded(tmp_path):
    lines = [
        {"text": "Bob of New Lisbon went by train", "entities": [[0, 17, "PER"], [7, 17, "LOC"]]},
        {"text": "Ada of Oslo went home", "entities": [[0, 11, "PER"], [7, 11, "LOC"]]},
    ] * 6
    data = tmp_path / "train.jsonl"
    data.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    start = write_start(tmp_path / "start", [line["text"] for line in lines])
    settings = {"longest_entity": 5, "window_pieces": 64}
    report = finetune(
        "entities",
        train=data,
        dev=data,
        model=start,
        output=tmp_path / "model",
        steps=60,
        learning_rate=1e-2,
        dropout=0.0,
        precision="float32",
        evaluations=1,
        task_settings=settings,
    )
    assert report.values["f1"] == 100
    predictor = load(tmp_path / "model")
    assert (predictor.task.labels, predictor.task.settings.decoder) == (("LOC", "PER"), "nested")
    found = predictor("Ada of New Lisbon went home").entities
    assert [(entity.type, entity.text) for entity in found][:2] == [
        ("PER", "Ada of New Lisbon"),
        ("LOC", "New Lisbon"),
    ]
    config = json.loads((tmp_path / "model" / "config.json").read_text(encoding="utf-8"))
    assert (config["architectures"], config["id2label"]) == (["BertModel"], {"0": "LOC", "1": "PER"})


def test_windows_fit_the_encoder_unless_longer_ones_were_chosen():
    assert Entities().within(128).settings.window_pieces == 128
    with pytest.raises(SettingsError, match="window_pieces is 384"):
        Entities(EntitySettings(window_pieces=384)).within(128)
