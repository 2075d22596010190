"""Answers are slices of their passage, the best ones by their definition, with chances that add up."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbert.tasks.question_answering.decode import best_spans, choice_probabilities, decode, reconsider
from spanbert.tasks.question_answering.examples import QaExample
from spanbert.tasks.question_answering.features import QaEncoder
from spanbert.tasks.question_answering.settings import QaSettings
from spanbert.text.alignment import chars_of_pieces, whole_words, with_marks
from spanbert.text.spans import Span

QUESTION = "what runs through the capital"


@pytest.fixture(scope="module")
def windowed(tokenizer):
    """(passage, settings) -> (example, features)."""

    def cut(passage, settings):
        example = QaExample("q", QUESTION, passage)
        ((question, pieces),) = QaEncoder(tokenizer, settings).encode([example])
        return example, QaEncoder(tokenizer, settings).features(question, pieces)

    return cut


def random_scores(features, seed, distinct=True):
    """Scores as the model gives them: minus infinity at question and separators."""
    rng = np.random.default_rng(seed)
    outputs = []
    for feature in features:
        scores = rng.normal(scale=3, size=(2, feature.piece_count)).astype(np.float32)
        if not distinct:
            scores = np.round(scores)
        scores[:, 1 : feature.passage_piece_start] = -np.inf
        scores[:, -1] = -np.inf
        outputs.append(scores)
    return outputs


def all_spans(feature, scores, longest):
    """Every span that the window may give, best first, written as the definition says it."""
    null = float(scores[0, 0]) + float(scores[1, 0])
    shift = feature.passage_piece_start - feature.window.pieces.start
    found = [
        (Span(start, end), float(scores[0, start + shift] + scores[1, end - 1 + shift]) - null)
        for start in range(feature.window.owned.start, feature.window.owned.end)
        for end in range(start + 1, min(start + longest, feature.window.pieces.end) + 1)
    ]
    return sorted(found, key=lambda item: (-item[1], item[0]))


SETTINGS = st.builds(
    QaSettings,
    window_pieces=st.integers(48, 60),
    overlap_pieces=st.integers(0, 40),
    max_answer_pieces=st.integers(1, 40),
    candidates=st.integers(1, 30),
    no_answer_threshold=st.one_of(st.just(float("-inf")), st.floats(-10, 10)),
    temperature=st.floats(0.05, 20),
    no_answer_temperature=st.floats(0.05, 20),
    on_long=st.sampled_from(["window", "truncate"]),
)


@given(st.data(), SETTINGS, st.integers(0, 1000), st.booleans())
def test_any_text_and_scores(windowed, texts, data, settings, seed, distinct):
    example, features = windowed(data.draw(texts), settings)
    outputs = random_scores(features, seed, distinct)
    made = decode(example, features, outputs, settings)

    best = {}
    for feature, scores in zip(features, outputs, strict=True):
        for pieces, score in all_spans(feature, scores, settings.max_answer_pieces)[: settings.candidates]:
            words = whole_words(feature.passage, pieces)
            chars = with_marks(example.passage, chars_of_pieces(feature.passage, words))
            best[chars] = max(score, best.get(chars, -np.inf))
    expected = sorted(best.items(), key=lambda item: (-item[1], item[0]))[: settings.candidates]
    assert [(found.chars, found.score) for found in made.candidates] == expected

    for found in made.candidates:
        assert example.passage[found.chars.start : found.chars.end] == found.text
        assert found.text
    chances = [made.no_answer_probability, *(found.probability for found in made.candidates)]
    assert sum(chances) == pytest.approx(1)
    assert min(chances) >= 0
    assert chances[1:] == sorted(chances[1:], reverse=True)
    if made.answer:
        assert made.answer is made.candidates[0]
        assert made.answer.score > settings.no_answer_threshold
        assert made.no_answer_probability <= 0.5
    else:
        assert made.no_answer_probability >= 0.5
    if settings.no_answer_threshold == float("-inf"):
        assert (made.answer is not None) == bool(made.candidates)
    assert made.windows == len(features)
    assert made.covered_chars == len(example.passage) or settings.on_long == "truncate"


@given(st.integers(1, 40), st.integers(1, 50), st.integers(0, 1000), st.booleans())
def test_the_best_spans_of_a_window_are_those_of_all(windowed, longest, count, seed, distinct):
    _, features = windowed(
        "the river runs through paris " * 12, QaSettings(window_pieces=50, overlap_pieces=14)
    )
    assert len(features) > 1
    for feature, scores in zip(features, random_scores(features, seed, distinct), strict=True):
        found = best_spans(feature, scores, longest, count)
        assert found == all_spans(feature, scores, longest)[:count]
        assert all(1 <= len(span) <= longest for span, _ in found)


def test_no_piece_outside_the_passage_is_ever_answered(windowed):
    settings = QaSettings(window_pieces=48, overlap_pieces=8, max_answer_pieces=48)
    example, features = windowed("the river runs through paris " * 12, settings)
    outputs = random_scores(features, 0)
    for scores, feature in zip(outputs, features, strict=True):
        scores[:, : feature.passage_piece_start] = 100.0  # a model that did not hide the question
        scores[:, -1] = 100.0
    spans = [best_spans(feature, scores, 48, 20) for feature, scores in zip(features, outputs, strict=True)]
    for feature, found in zip(features, spans, strict=True):
        assert all(feature.window.pieces.contains(span) for span, _ in found)
    assert decode(example, features, outputs, settings).candidates


def test_the_windows_share_one_scale(windowed):
    """An answer's score counts against "no answer" of its own window."""
    settings = QaSettings(window_pieces=48, overlap_pieces=8, max_answer_pieces=1, candidates=2)
    example, features = windowed("paris " * 60, settings)
    outputs = [np.full((2, feature.piece_count), -50, np.float32) for feature in features]
    place = features[0].passage_piece_start + 15
    outputs[0][:, [0, place]] = 9.0, 10.0
    outputs[1][:, [0, place]] = 1.0, 5.0
    assert len(features) == 2
    made = decode(example, features, outputs, settings)
    assert [found.score for found in made.candidates] == [8.0, 2.0]
    assert made.answer.chars.start == 6 * (features[1].window.pieces.start + 15)


@pytest.mark.parametrize("passage", ["", " \n\t", "\u200b\u200d", "\x00"])
def test_passages_without_pieces_have_no_answer(windowed, passage):
    example, features = windowed(passage, QaSettings())
    made = decode(example, features, random_scores(features, 0), QaSettings())
    assert (made.answer, made.candidates, made.no_answer_probability) == (None, (), 1.0)
    assert (made.windows, made.covered_chars) == (1, len(passage))


def test_zero_width_characters_inside_an_answer_stay_and_outside_are_left(windowed):
    example, features = windowed("\u200bpa\u200dris\u200b runs", QaSettings(max_answer_pieces=1))
    scores = np.full((2, features[0].piece_count), -9.0, np.float32)
    scores[:, features[0].passage_piece_start] = 9.0
    assert decode(example, features, [scores], QaSettings()).answer.text == "pa\u200dris"


def test_an_accent_that_is_a_character_of_its_own_stays_with_its_letter(windowed):
    example, features = windowed("cafe\u0301 paris", QaSettings())
    end = int(np.searchsorted(features[0].passage.char_starts, 5))
    scores = np.full((2, features[0].piece_count), -9.0, np.float32)
    scores[0, features[0].passage_piece_start] = 9.0
    scores[1, features[0].passage_piece_start + end - 1] = 9.0
    assert decode(example, features, [scores], QaSettings()).answer.text == "cafe\u0301"


def test_an_answer_is_never_part_of_a_word(windowed):
    example, features = windowed("unable paris", QaSettings())
    assert features[0].passage.words.tolist()[:2] == [0, 0]
    scores = np.full((2, features[0].piece_count), -9.0, np.float32)
    scores[:, features[0].passage_piece_start] = 9.0
    assert decode(example, features, [scores], QaSettings()).answer.text == "unable"


def test_a_truncated_passage_says_how_far_it_was_read(windowed):
    settings = QaSettings(window_pieces=48, on_long="truncate")
    example, features = windowed("paris " * 100, settings)
    made = decode(example, features, random_scores(features, 0), settings)
    assert made.windows == 1
    assert example.passage[: made.covered_chars].split() == ["paris"] * len(features[0].window.pieces)


@given(st.lists(st.floats(-30, 30), max_size=5), st.floats(-30, 30), st.floats(0.1, 10), st.floats(0.1, 10))
def test_chances_compare_as_scores_do(scores, threshold, temperature, no_answer_temperature):
    scores = sorted(scores, reverse=True)
    settings = QaSettings(
        no_answer_threshold=threshold,
        temperature=temperature,
        no_answer_temperature=no_answer_temperature,
    )
    chances = choice_probabilities(scores, settings)
    assert len(chances) == len(scores) + 1
    assert chances.sum() == pytest.approx(1)
    for score, chance in zip(scores, chances[1:], strict=True):
        assert chance == pytest.approx(chances[1] * np.exp((score - scores[0]) / temperature), abs=1e-12)
    if scores:
        odds = np.exp((scores[0] - threshold) / no_answer_temperature)
        assert chances[1:].sum() == pytest.approx(odds / (1 + odds), abs=1e-9)


def test_reconsidering_is_decoding_under_the_other_settings(windowed):
    first = QaSettings(window_pieces=48, overlap_pieces=8)
    example, features = windowed("the river runs through paris " * 12, first)
    outputs = random_scores(features, 3)
    for threshold in (float("-inf"), 0.0, 100.0):
        other = first.model_copy(
            update={"no_answer_threshold": threshold, "temperature": 3.0, "no_answer_temperature": 2.0}
        )
        again = reconsider(decode(example, features, outputs, first), other)
        assert again == decode(example, features, outputs, other)
        assert (again.answer is None) == (threshold == 100.0)
