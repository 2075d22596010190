"""Scores equal those of the official scripts; the fitted threshold is the best there is."""

import json
import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from spanbert.errors import DataError
from spanbert.tasks.question_answering.examples import (
    GoldAnswer,
    QaAnswer,
    QaExample,
    QaPrediction,
    read_examples,
)
from spanbert.tasks.question_answering.metrics import (
    CMRC,
    SQUAD_1,
    SQUAD_2,
    best_threshold,
    cmrc_exact_match,
    cmrc_f1,
    cmrc_segments,
    score_answers,
    scorer_for,
)
from spanbert.text.spans import Span

OFFICIAL = json.loads((Path(__file__).parent / "official_scores.json").read_text(encoding="utf-8"))
DATA = Path(__file__).parents[4] / "shared" / "data" / "qa"
SCORERS = {scorer.name: scorer for scorer in (SQUAD_1, SQUAD_2, CMRC)}


def question(answers, number="q", passage="words of a passage"):
    """A question whose gold answers stand one after another at the end of its passage."""
    gold = []
    for text in answers or ():
        start = len(passage)
        passage += text
        gold.append(GoldAnswer(text, Span(start, len(passage))))
    return QaExample(number, "what?", passage, None if answers is None else tuple(gold))


def prediction(text, number="q", score=0.0):
    """A prediction of that text; "" for no answer."""
    answer = QaAnswer(text, Span(0, len(text)), score, 0.75) if text else None
    return QaPrediction(number, answer, 0.25, (answer,) if answer else (), 1, 10)


def test_questions_whose_answer_was_not_read_are_counted():
    examples = [
        question(["Ada"], passage="short "),
        question(["Ada"], passage="a passage that is cut "),
        question([]),
    ]
    report = score_answers(examples, [prediction("Ada"), prediction(""), prediction("")])
    assert report.lost_gold == {"questions whose answer was not read": 1}


def official(name):
    """Examples and predictions of an official result, with passages in its language."""
    passage = "一个段落里的文字" * 20 if name == "cmrc-2018" else "words of a passage "
    rows = OFFICIAL[name]["questions"]
    return (
        [question(row["answers"], row["id"], passage) for row in rows],
        [prediction(row["prediction"], row["id"]) for row in rows],
    )


@pytest.mark.parametrize("name", SCORERS)
def test_each_question_scores_as_in_the_official_script(name):
    for row in OFFICIAL[name]["questions"]:
        asked = question(row["answers"])
        found = (
            SCORERS[name].exact_match(row["prediction"], asked),
            SCORERS[name].f1(row["prediction"], asked),
        )
        assert found == pytest.approx((row["exact_match"], row["f1"])), row


@pytest.mark.parametrize("name", SCORERS)
def test_the_report_holds_the_official_values_and_names_the_scorer(name):
    report = score_answers(*official(name))
    expected = {key: value for key, value in OFFICIAL[name].items() if key not in ("questions", "best_f1_of")}
    expected.pop("best_f1", None)
    assert {key: report.values[key] for key in expected} == pytest.approx(expected, abs=1e-4)
    assert report.details["scorer"] == name
    low, high = report.details["f1_interval_95"]
    assert low < report.values["f1"] < high


def test_the_best_threshold_gives_the_official_best_f1():
    chosen = [
        row for row in OFFICIAL["squad-2.0"]["questions"] if row["id"] in OFFICIAL["squad-2.0"]["best_f1_of"]
    ]
    asked = [question(row["answers"]) for row in chosen]
    threshold = best_threshold(
        [row["score"] for row in chosen],
        [SQUAD_2.f1(row["prediction"], one) for row, one in zip(chosen, asked, strict=True)],
        [SQUAD_2.f1("", one) for one in asked],
    )
    given_texts = [row["prediction"] if row["score"] > threshold else "" for row in chosen]
    values = [SQUAD_2.f1(text, one) for text, one in zip(given_texts, asked, strict=True)]
    assert 100 * np.mean(values) == pytest.approx(OFFICIAL["squad-2.0"]["best_f1"])


SCORES = st.one_of(
    st.just(-math.inf), st.floats(-20, 20), st.sampled_from([0.0, 1.0, 1.0 + 2**-52, 1.0 + 2**-51, 3.5])
)
VALUES = st.sampled_from([0.0, 0.25, 0.5, 1.0])


@given(st.lists(st.tuples(SCORES, VALUES, VALUES), max_size=8))
@example([(1.0 + 2**-52, 0.0, 1.0), (1.0 + 2**-51, 1.0, 0.0)])  # no float between the two
@example([(-math.inf, 0.0, 1.0), (2.0, 1.0, 0.0)])
def test_no_threshold_gains_more_than_the_best(rows):
    def gained(threshold):
        return sum(answer if score > threshold else null for score, answer, null in rows)

    # Without a candidate nothing can be given, so giving it gains what saying "no answer" gains.
    rows = [(score, null if score == -math.inf else answer, null) for score, answer, null in rows]
    scores, answers, nulls = ([row[column] for row in rows] for column in range(3))
    levels = sorted({-math.inf, math.inf, *scores})
    everywhere = max(gained(level) for level in levels)
    assert gained(best_threshold(scores, answers, nulls)) == pytest.approx(everywhere)


def test_the_threshold_lies_midway_between_two_scores_and_is_infinite_when_answering_always_pays():
    assert best_threshold([1.0, 2.0, 3.0], [0.0, 1.0, 1.0], [1.0, 0.0, 0.0]) == 1.5
    assert best_threshold([1.0, 2.0], [1.0, 1.0], [0.0, 0.0]) == -math.inf
    assert best_threshold([1.0, 2.0], [0.0, 0.0], [1.0, 1.0]) == 2.0


def test_the_two_squad_scripts_differ_where_a_gold_answer_has_no_words():
    asked = question(["the", "cat"])
    assert (SQUAD_1.exact_match("a", asked), SQUAD_1.f1("a", asked)) == (1.0, 0.0)
    assert (SQUAD_2.exact_match("a", asked), SQUAD_2.f1("a", asked)) == (0.0, 0.0)
    blank = question(["the"])
    assert (SQUAD_1.f1("", blank), SQUAD_2.f1("", blank)) == (0.0, 1.0)


def test_chinese_is_cut_into_characters_and_words():
    assert cmrc_segments("《泡泡战士》由Nexon Korea开发(2V2)，99.5%。") == [
        *"泡泡战士由", "nexon", "korea", *"开发", "(", "2v2", ")", "99.5", "%"
    ]  # fmt: skip
    assert cmrc_segments("don't, stop U.S. army.") == ["do", "n't", ",", "stop", "u.s.", "army", "."]
    assert cmrc_segments("wait...what?") == ["wait", "...", "what", "?"]
    assert cmrc_segments("1,000 e-mail 'quoted'") == ["1,000", "email", "'", "quoted", "'"]


def test_chinese_matches_whatever_the_case_the_punctuation_and_the_space_around():
    assert cmrc_exact_match(" 《关岛》GUAM\n", "关岛-Guam") == 1.0
    assert cmrc_exact_match("关 岛", "关岛") == 0.0


def test_chinese_overlap_is_one_run_and_not_a_bag():
    assert cmrc_f1("一三二", "一二三") == pytest.approx(1 / 3)
    assert cmrc_f1("二三四", "一二三四五") == pytest.approx(2 * 3 / 8)


@given(st.text("一二三a b.'", max_size=12), st.text("一二三a b.'", max_size=12))
def test_chinese_overlap_is_the_longest_common_run(predicted, gold):
    found, right = cmrc_segments(predicted), cmrc_segments(gold)
    runs = {tuple(right[i:j]) for i in range(len(right)) for j in range(i + 1, len(right) + 1)}
    longest = max(
        (j - i for i in range(len(found)) for j in range(i + 1, len(found) + 1) if tuple(found[i:j]) in runs),
        default=0,
    )
    expected = 2 * longest / (len(found) + len(right)) if longest else 0.0
    assert cmrc_f1(predicted, gold) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("passage", "answers", "scorer"),
    [
        ("关岛是美国的属地。", ["美国"], CMRC),
        ("關島(Guam)於2015年人口為161,785。", [], CMRC),
        ("Guam (关岛) is a territory of the United States.", ["关岛"], SQUAD_1),
        ("1, 2, 3", [], SQUAD_2),
        ("", [], SQUAD_2),
        ("グアムはアメリカの領土です。", ["アメリカ"], SQUAD_1),
    ],
)
def test_the_scorer_follows_the_language_of_the_passages(passage, answers, scorer):
    gold = tuple(
        GoldAnswer(text, Span(passage.index(text), passage.index(text) + len(text))) for text in answers
    )
    assert scorer_for([QaExample("q", "?", passage, gold)]) is scorer


def test_in_chinese_too_saying_nothing_is_right_where_there_is_no_answer():
    asked = question([], passage="中文")
    assert (CMRC.exact_match("", asked), CMRC.f1("", asked)) == (1.0, 1.0)
    assert (CMRC.exact_match("中", asked), CMRC.f1("中", asked)) == (0.0, 0.0)


def test_questions_without_gold_are_counted_and_not_scored():
    report = score_answers(
        [question(["cat"], "1"), question(None, "2")], [prediction("cat", "1"), prediction("dog", "2")]
    )
    assert report.values["exact_match"] == 100.0
    assert (report.counts["questions"], report.counts["questions_without_gold"]) == (1, 1)


def test_data_without_any_gold_cannot_be_scored():
    with pytest.raises(DataError, match="no question of the data has gold answers"):
        score_answers([question(None)], [prediction("cat")])


def test_values_over_no_question_at_all_are_left_out():
    only_without = score_answers([question([])], [prediction("")]).values
    assert only_without["accuracy_without_answer"] == 100.0
    assert "f1_with_answer" not in only_without
    assert "accuracy_without_answer" not in score_answers([question(["cat"])], [prediction("cat")]).values


@pytest.mark.skipif(not DATA.is_dir(), reason="the data sets are not at hand")
@pytest.mark.parametrize(
    ("name", "count", "scorer"),
    [("squad1", 834, "squad-1.1"), ("squad2", 1682, "squad-2.0"), ("cmrc2018", 1000, "cmrc-2018")],
)
def test_gold_answers_of_real_data_score_full_marks(name, count, scorer):
    examples = list(read_examples(DATA / name / "dev.json"))
    report = score_answers(
        examples,
        [prediction(asked.answers[-1].text if asked.answers else "", asked.id) for asked in examples],
    )
    assert (report.values["exact_match"], report.values["f1"]) == (100.0, 100.0)
    assert (report.counts["questions"], report.details["scorer"]) == (count, scorer)
    assert all(
        asked.passage[answer.chars.start : answer.chars.end] == answer.text
        for asked in examples
        for answer in asked.answers
    )


def test_a_better_model_has_a_higher_interval():
    asked = [question(["cat"], str(number)) for number in range(200)]
    reports = [
        score_answers(asked, [prediction("cat" if number % 10 < right else "dog") for number in range(200)])
        for right in (2, 5, 8)
    ]
    intervals = [report.details["exact_match_interval_95"] for report in reports]
    assert all(before[1] < after[0] for before, after in pairwise(intervals))
