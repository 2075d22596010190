"""The verbs of the contract: clusters of characters, what is learned and fitted, and the report."""

import json
from dataclasses import replace

import numpy as np
import pytest

from spanbert.errors import DataError
from spanbert.scoring.coreference import conll_f1, document_counts
from spanbert.tasks.coreference.decode import Cluster, CoreferencePrediction, Mention
from spanbert.tasks.coreference.examples import CoreferenceExample, parse_example
from spanbert.tasks.coreference.gap import GapQuestion
from spanbert.tasks.coreference.task import Coreference, CoreferenceSettings
from spanbert.text.spans import Span

TEXT = "paris runs the city . the river runs there . what runs"
WITH_SINGLETONS = CoreferenceSettings(singletons=True, head_width=8)


def mention(start, end, score=2.0, text=TEXT):
    return Mention(text[start:end], Span(start, end), score, 0.0)


def prediction(clusters, alone=(), text=TEXT, covered=None):
    made = tuple(Cluster("", tuple(mention(*one, text=text) for one in cluster)) for cluster in clusters)
    single = tuple(mention(*one, text=text) for one in alone)
    return CoreferencePrediction("d", text, made, single, 1, len(text) if covered is None else covered)


def example(clusters, text=TEXT, identifier="d"):
    return CoreferenceExample(
        identifier, text, tuple(tuple(Span(*one) for one in cluster) for cluster in clusters)
    )


def decoded(tokenizer, spans, text, words, entities, settings=WITH_SINGLETONS, scores=None):
    """The prediction for spans of words, each of a known entity."""
    task = Coreference(settings)
    asked = CoreferenceExample("d", text)
    ((feature,),) = task.features([asked], tokenizer)
    records = spans(entities)
    records["start"], records["end"] = zip(*words, strict=True)
    if scores is not None:
        records["score"] = scores
    return task.decode(asked, [feature], [records])


def test_words_become_characters_of_the_text(tokenizer, spans):
    text = "Café 한국 runs... the\u0301 river"
    words = [(0, 0), (1, 1), (6, 7)]
    found = decoded(tokenizer, spans, text, words, [0, 1, 0])
    assert [[one.text for one in cluster.mentions] for cluster in found.clusters] == [
        ["Café", "the\u0301 river"],
        ["한국"],
    ]
    for cluster in found.clusters:
        for one in cluster.mentions:
            assert text[one.chars.start : one.chars.end] == one.text


@pytest.mark.parametrize("gap", ["\n\n", "\r\n\r\n", "\n \t\n"])
def test_no_mention_reaches_over_an_empty_line(tokenizer, spans, gap):
    text = f"the city{gap}Paris\nruns what runs"
    words = [(0, 2), (2, 2), (2, 3), (4, 4)]
    found = decoded(tokenizer, spans, text, words, [0, 0, 1, 0])
    assert [[one.text for one in cluster.mentions] for cluster in found.clusters] == [
        ["Paris", "what"],
        ["Paris\nruns"],
    ]


def test_clusters_come_in_the_order_of_the_text_with_names(tokenizer, spans):
    text = "What runs? Paris. The river, what Paris."
    words = [(0, 0), (3, 3), (5, 6), (8, 8), (9, 9)]
    found = decoded(tokenizer, spans, text, words, [0, 1, 2, 0, 1])
    assert [cluster.name for cluster in found.clusters] == ["What", "Paris", "The river"]
    assert found.windows == 1
    assert found.covered_chars == len(text)


def test_spans_without_links_are_clusters_only_where_singletons_are_wanted(tokenizer, spans):
    words, entities = [(0, 0), (1, 1), (4, 4)], [0, 1, 0]
    with_them = decoded(tokenizer, spans, TEXT, words, entities, scores=[20.0, 0.5, 20.0])
    assert [len(cluster.mentions) for cluster in with_them.clusters] == [2, 1]
    without = decoded(tokenizer, spans, TEXT, words, entities, CoreferenceSettings(head_width=8))
    assert [len(cluster.mentions) for cluster in without.clusters] == [2]
    strict = WITH_SINGLETONS.model_copy(update={"mention_threshold": 0.9})
    assert len(Coreference(strict).refit(with_them).clusters) == 1
    assert Coreference(WITH_SINGLETONS).refit(Coreference(strict).refit(with_them)) == with_them


def test_a_prediction_can_be_read_as_gold(tokenizer, spans):
    found = decoded(tokenizer, spans, TEXT, [(0, 0), (2, 3), (5, 6)], [0, 1, 0])
    line = json.loads(json.dumps(found.to_json()))
    again = parse_example(line, "here", 1)
    assert again.id == "d"
    assert [[TEXT[span.start : span.end] for span in cluster] for cluster in again.clusters] == [
        ["paris", "the river"],
        ["the city"],
    ]
    assert line["resolved_text"] == TEXT


def test_singletons_are_learned_from_the_data():
    with_them, without = example([[(0, 5)]]), example([[(0, 5), (20, 29)]])
    assert Coreference().learn([without, with_them]).settings.singletons
    assert not Coreference().learn([without]).settings.singletons
    assert not Coreference(CoreferenceSettings(singletons=False)).learn([with_them]).settings.singletons


def test_the_threshold_that_scores_best_is_fitted():
    rng = np.random.default_rng(0)
    gold, made = [], []
    for _ in range(30):
        singles = [(0, 5), (6, 10), (11, 19), (22, 31)]
        scores = rng.normal(0, 2, 4)
        # What is a mention is so from a chance of 0.7 (log odds 0.85) on.
        gold.append(example([[one] for one, score in zip(singles, scores, strict=True) if score > 0.85]))
        made.append(prediction([], [(*one, score) for one, score in zip(singles, scores, strict=True)]))
    fitted = Coreference(WITH_SINGLETONS).fit(gold, made)
    kept = [fitted.refit(one) for one in made]
    counts = [
        document_counts(key.clusters, [[one.chars for one in cluster.mentions] for cluster in found.clusters])
        for key, found in zip(gold, kept, strict=True)
    ]
    default = fitted.score(gold, [Coreference(WITH_SINGLETONS).refit(one) for one in made])
    assert fitted.score(gold, kept).values["mentions_f1"] > default.values["mentions_f1"] + 5
    assert conll_f1(np.sum(counts, axis=0)) == pytest.approx(fitted.score(gold, kept).primary_value, abs=1e-3)
    assert fitted.settings.temperature != 1.0


def test_the_report_has_scores_with_and_without_singletons_and_each_document():
    gold = [
        example([[(0, 5), (22, 31)], [(11, 19)]], identifier="a"),
        example([[(0, 5), (22, 31)]], identifier="b"),
    ]
    made = [prediction([[(0, 5), (22, 31)]]), prediction([[(0, 5), (11, 19)]])]
    report = Coreference(WITH_SINGLETONS).score(gold, made)
    assert report.primary == "conll_f1"
    assert report.values["conll_f1_without_singletons"] > report.values["conll_f1"]
    assert report.values["mentions_f1"] == pytest.approx(100 * 2 * 3 / (5 + 4), abs=1e-3)
    assert report.counts["gold_singletons"] == 1
    assert report.details["documents"]["a"]["conll_f1"] > report.details["documents"]["b"]["conll_f1"]
    low, high = report.details["conll_f1_interval_95"]
    assert low <= report.primary_value <= high
    json.dumps(report.to_json(), allow_nan=False)


def test_mentions_that_were_not_read_are_counted():
    report = Coreference().score([example([[(0, 5), (22, 31)]])], [prediction([[(0, 5)]], covered=20)])
    assert report.lost_gold == {"mentions in text that was not read": 1}


def test_gap_texts_are_scored_by_their_protocol():
    question = GapQuestion(True, Span(32, 37), (Span(0, 5), Span(26, 31)), (True, False))
    asked = replace(example([]), clusters=None, gap=question)
    task = Coreference()
    assert task.has_gold(asked)
    right = task.score([asked], [prediction([[(0, 5), (32, 37)]])])
    wrong = task.score([asked], [prediction([[(26, 31), (32, 37)]])])
    assert (right.primary, right.primary_value, wrong.primary_value) == ("gap_f1", 100.0, 0.0)
    assert task.fit([asked], [prediction([])]) is task


def test_nothing_to_score_is_refused():
    with pytest.raises(DataError, match="nothing to score"):
        Coreference().score([replace(example([]), clusters=None)], [prediction([])])
