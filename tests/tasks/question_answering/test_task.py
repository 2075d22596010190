"""The verbs of the contract: what is fitted on held-out predictions, and the road of a question."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from spanbert.errors import DataError, SettingsError
from spanbert.nn.encoder import Encoder
from spanbert.scoring.calibration import expected_calibration_error
from spanbert.tasks.question_answering.examples import GoldAnswer, QaAnswer, QaExample, QaPrediction
from spanbert.tasks.question_answering.task import QaSettings, QuestionAnswering
from spanbert.text.spans import Span
from tiny_encoder import tiny_config


def held_out(count=3000, heat=4.0, passage="cat dog"):
    """Questions, half of them without answer, and predictions surer of themselves than they should be."""
    rng = np.random.default_rng(0)
    examples, predictions = [], []
    right, wrong = passage.split()
    for number in range(count):
        score = rng.normal(1.5, 2.0)
        answerable = rng.random() < 1 / (1 + math.exp(-(score - 1.0)))
        gold = (GoldAnswer(right, Span(0, len(right))),) if answerable else ()
        examples.append(QaExample(str(number), "?", passage, gold))
        candidates = (
            QaAnswer(right, Span(0, len(right)), heat * score, 0.0),
            QaAnswer(wrong, Span(len(right) + 1, len(passage)), heat * score - 40.0, 0.0),
        )
        predictions.append(QaPrediction(str(number), None, 0.0, candidates, 1, len(passage)))
    return examples, predictions


def test_the_threshold_and_its_temperature_that_made_the_predictions_are_found():
    examples, predictions = held_out()
    task = QuestionAnswering().fit(examples, predictions)
    assert task.settings.no_answer_threshold == pytest.approx(4.0, abs=1.5)
    assert task.settings.no_answer_temperature == pytest.approx(4.0, rel=0.15)
    made = [task.refit(prediction) for prediction in predictions]
    report = task.score(examples, made)
    assert report.values["calibration_error"] < 4
    sure = [one.answer.probability if one.answer else one.no_answer_probability for one in made]
    assert report.values["calibration_error"] == pytest.approx(
        expected_calibration_error(
            sure, [one.text == ("cat" if ex.answers else "") for ex, one in zip(examples, made, strict=True)]
        ),
        abs=1e-3,
    )


def test_no_other_threshold_scores_better():
    examples, predictions = held_out(200)
    best = QuestionAnswering().fit(examples, predictions)

    def value(threshold):
        task = QuestionAnswering(QaSettings(no_answer_threshold=threshold))
        return task.score(examples, [task.refit(prediction) for prediction in predictions]).values["f1"]

    fitted = value(best.settings.no_answer_threshold)
    scores = [prediction.score for prediction in predictions]
    assert fitted >= max(value(threshold) for threshold in [-math.inf, *scores[::20]])
    assert fitted > value(-math.inf)


def test_where_every_question_has_an_answer_one_is_always_given():
    examples, predictions = held_out(200)
    kept = [number for number, example in enumerate(examples) if example.answers]
    task = QuestionAnswering(QaSettings(no_answer_threshold=5.0)).fit(
        [examples[number] for number in kept], [predictions[number] for number in kept]
    )
    assert task.settings.no_answer_threshold == -math.inf


def test_chinese_is_fitted_by_character():
    """By words both candidates are plain wrong; by character the first is nearly right."""
    passage = "克里斯托弗哥伦布"
    examples, predictions = [], []
    for number in range(20):
        gold = (GoldAnswer(passage, Span(0, 8)),) if number % 2 else ()
        answer = QaAnswer(passage[:7], Span(0, 7), 5.0 if number % 2 else -5.0, 0.0)
        examples.append(QaExample(str(number), "?", passage, gold))
        predictions.append(QaPrediction(str(number), None, 0.0, (answer,), 1, 8))
    task = QuestionAnswering().fit(examples, predictions)
    assert -5.0 <= task.settings.no_answer_threshold < 5.0
    report = task.score(examples, [task.refit(prediction) for prediction in predictions])
    assert report.details["scorer"] == "cmrc-2018"
    assert report.values["f1_with_answer"] == pytest.approx(100 * 14 / 15, abs=1e-3)


def test_fitting_without_gold_or_candidates_changes_nothing_it_cannot_know():
    nothing = QaPrediction("1", None, 1.0, (), 1, 0)
    for answers in (None, ()):
        task = QuestionAnswering().fit([QaExample("1", "?", "", answers)], [nothing])
        assert (task.settings.temperature, task.settings.no_answer_temperature) == (1.0, 1.0)
        assert task.settings.no_answer_threshold == -math.inf
    assert QuestionAnswering().fit([], []).settings == QaSettings()


def test_settings_refuse_what_makes_no_sense_and_unknown_names():
    for wrong in (
        {"window_pieces": 20},
        {"temperature": 0.0},
        {"contrast": 1.5},
        {"candidates": 0},
        {"windows": 1},
    ):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            QaSettings(**wrong)


def test_a_protocol_without_no_answer_is_always_answered():
    examples, predictions = held_out(200)
    task = QuestionAnswering(QaSettings(no_answer_threshold=1e9))
    answerable = [(e, p) for e, p in zip(examples, predictions, strict=True) if e.answers]
    kept = [e for e, _ in answerable]
    refused = [task.refit(p) for _, p in answerable]
    forced = [task.refit(replace(p, always_answer=True)) for _, p in answerable]
    assert not any(made.answer for made in refused)
    assert all(made.answer is made.candidates[0] for made in forced)
    assert all(made.no_answer_probability == 0 for made in forced)
    report = task.score(kept, forced)
    assert report.values["f1"] == 100
    assert report.details["with_threshold"]["f1"] == 0
    assert report.details["with_threshold"]["answers_given"] == 0
    assert "with_threshold" not in task.score(kept, refused).details


def test_windows_fit_the_encoder_unless_longer_ones_were_chosen():
    assert QuestionAnswering().within(512).settings.window_pieces == 384
    assert QuestionAnswering().within(128).settings.window_pieces == 128
    with pytest.raises(SettingsError, match="window_pieces is 384, more than the 128 positions"):
        QuestionAnswering(QaSettings(window_pieces=384)).within(128)


def test_a_question_that_leaves_no_room_is_named(tokenizer):
    task = QuestionAnswering(QaSettings(window_pieces=60))
    examples = [QaExample("short", "what ?", "paris"), QaExample("long", "paris " * 30, "paris")]
    with pytest.raises(DataError, match="question 'long': a question of 30 pieces leaves no room"):
        task.features(examples, tokenizer)


def test_from_json_to_json(tokenizer):
    """One road: parse, features, model, decode; several windows, and a passage that is empty."""
    torch.manual_seed(0)
    config = tiny_config(tokenizer.vocabulary_size)
    task = QuestionAnswering(QaSettings(window_pieces=48, overlap_pieces=8))
    model = task.build(Encoder(config)).eval()
    items = [
        {"id": "a", "question": "what runs ?", "passage": "the river runs through paris . " * 20},
        {"id": "b", "question": "what runs ?", "context": ""},
    ]
    examples = [task.parse(item, "test", number) for number, item in enumerate(items)]
    features = task.features(examples, tokenizer)
    assert [len(found) > 1 for found in features] == [True, False]
    with torch.no_grad():
        outputs = [model(task.collate(found)).per_sequence() for found in features]
    made = [task.decode(*parts).to_json() for parts in zip(examples, features, outputs, strict=True)]
    assert json.loads(json.dumps(made)) == made
    answer = made[0]["answer"]
    assert items[0]["passage"][answer["char_start"] : answer["char_end"]] == answer["text"]
    assert (made[0]["windows"], made[0]["covered_chars"]) == (len(features[0]), len(items[0]["passage"]))
    assert (made[1]["answer"], made[1]["no_answer_probability"]) == (None, 1.0)
