"""From scores to entities: chances, nested and crossing spans, and what a long text gives."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spanbert.nn.encoder import Encoder
from spanbert.tasks.entities.decode import flat_entities, nested_entities
from spanbert.tasks.entities.evidence import SpanScores
from spanbert.tasks.entities.settings import EntitySettings
from spanbert.tasks.entities.tag_set import TagSet
from spanbert.tasks.entities.task import Entities

LABELS = ("O", "B-X", "I-X", "B-Y", "I-Y")


def test_an_entity_is_as_likely_as_its_tags_and_its_end():
    chances = np.asarray(
        [
            [0.1, 0.6, 0.1, 0.1, 0.1],
            [0.2, 0.1, 0.5, 0.1, 0.1],
            [0.6, 0.1, 0.2, 0.05, 0.05],
            [0.1, 0.1, 0.1, 0.7, 0.0001],
        ]
    )
    scores = np.log(chances / chances.sum(axis=1, keepdims=True)).astype(np.float32)
    starts, ends, kinds, found = flat_entities(scores, TagSet.of(LABELS), 0.0)
    assert (starts.tolist(), ends.tolist(), kinds.tolist()) == ([0, 3], [2, 4], [0, 1])
    probability = 1 / (1 + np.exp(-found))
    assert probability[0] == pytest.approx(0.6 * 0.5 * 0.8, abs=1e-5)
    assert probability[1] == pytest.approx(0.7 / 1.0001, abs=1e-5)


@pytest.mark.parametrize(
    ("labels", "tags", "stops"),
    [
        (("O", "B-X", "I-X"), [1, 2], 1 - 0.15),
        (("O", "I-X"), [1], 1 - 0.15),
        (("O", "PER", "LOC"), [2], 1 - 0.15),
        (("O", "B-X", "I-X", "E-X", "S-X"), [1, 3], 1),
        (("B-X", "I-X", "L-X", "U-X", "O"), [3], 1),
        (("O", "B-X", "I-X", "E-X"), [1], 1 - 0.15 - 0.15),
    ],
)
def test_the_word_behind_counts_where_it_could_go_on_with_the_entity(labels, tags, stops):
    """Behind E and S nothing goes on; behind B and I what the scheme has for it does."""
    known = TagSet.of(labels)
    rest = 0.1 / (len(labels) - 1)
    chances = np.full((len(tags) + 1, len(labels)), rest)
    chances[np.arange(len(tags)), tags] = 0.9
    chances[-1] = 0.15
    chances[-1, known.outside] = 1 - 0.15 * (len(labels) - 1)
    starts, ends, _, found = flat_entities(np.log(chances).astype(np.float32), known, bias=0.0)
    assert (starts.tolist(), ends.tolist()) == ([0], [len(tags)])
    assert 1 / (1 + np.exp(-found[0])) == pytest.approx(0.9 ** len(tags) * stops, abs=1e-5)


def test_the_bias_trades_precision_for_recall():
    scores = np.zeros((1, 5), dtype=np.float32)
    scores[0, 1] = -1.0
    tags = TagSet.of(LABELS)
    scores[0, 2:] = -9.0
    assert len(flat_entities(scores, tags, 0.0)[0]) == 0
    assert len(flat_entities(scores, tags, -1.5)[0]) == 1
    spans = SpanScores(np.asarray([[0, 1, 0]]), np.asarray([-1.0]), np.asarray([[0, 1]]))
    assert len(nested_entities(spans, 0.0)[0]) == 0
    (score,) = nested_entities(spans, -1.5)[3]
    assert score == 0.5


def test_extreme_scores_give_finite_log_odds():
    scores = np.full((3, 5), -1e6, dtype=np.float32)
    scores[:, 1] = 1e6
    found = flat_entities(scores, TagSet.of(LABELS), 0.0)[3]
    assert np.isfinite(found).all()
    assert len(flat_entities(np.zeros((0, 5), np.float32), TagSet.of(LABELS), 0.0)[0]) == 0


def test_of_spans_that_cross_the_likelier_stays_and_nested_ones_all_stay():
    rows = [(0, 5, 0, 3.0), (1, 3, 0, 1.0), (2, 7, 0, 2.0), (4, 9, 1, 4.0), (1, 3, 1, 0.5), (6, 8, 0, -0.5)]
    evidence = SpanScores(
        np.asarray([row[:3] for row in rows]), np.asarray([row[3] for row in rows]), np.zeros((9, 2), int)
    )
    starts, ends, kinds, scores = nested_entities(evidence, 0.0)
    assert set(zip(starts, ends, kinds, scores, strict=True)) == {
        (4, 9, 1, 4.0),
        (1, 3, 0, 1.0),
        (1, 3, 1, 0.5),
    }


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(1, 5), st.integers(0, 1), st.floats(-3, 3)), max_size=9)
)
@settings(deadline=None, max_examples=80)
def test_what_is_left_out_crosses_something_likelier(rows):
    evidence = SpanScores(
        np.asarray([(start, start + width, kind) for start, width, kind, _ in rows]).reshape(-1, 3),
        np.asarray([row[3] for row in rows]),
        np.zeros((12, 2), int),
    )
    found = list(zip(*nested_entities(evidence, 0.0), strict=True))

    def cross(one, other):
        return one[0] < other[0] < one[1] < other[1] or other[0] < one[0] < other[1] < one[1]

    assert not any(cross(one, other) for one in found for other in found)
    for start, width, kind, score in rows:
        if score > 0 and (start, start + width, kind, score) not in found:
            assert any(other[3] >= score and cross((start, start + width), other) for other in found)


def plain_nested_entities(evidence):
    """Each span, the likeliest first, compared with all that were kept."""
    kept = []
    for number in np.argsort(-evidence.scores, kind="stable").tolist():
        start, end, _ = evidence.spans[number]
        held = evidence.spans[kept]
        crosses = ((held[:, 0] < start) & (start < held[:, 1]) & (held[:, 1] < end)) | (
            (start < held[:, 0]) & (held[:, 0] < end) & (end < held[:, 1])
        )
        if evidence.scores[number] > 0 and not crosses.any():
            kept.append(number)
    return np.column_stack([evidence.spans[kept], evidence.scores[kept]])


@given(st.integers(0, 9999), st.integers(0, 150), st.integers(1, 30), st.integers(1, 12))
@settings(deadline=None, max_examples=60)
def test_the_spans_kept_are_those_that_cross_none_of_all_kept_before(seed, spans, words, longest):
    rng = np.random.default_rng(seed)
    starts = rng.integers(0, words, spans)
    ends = np.minimum(starts + rng.integers(1, longest + 1, spans), words)
    # Rounded, so that some are alike.
    scores = rng.normal(0.5, 1.0, spans).round(1)
    evidence = SpanScores(
        np.column_stack([starts, ends, rng.integers(0, 2, spans)]), scores, np.zeros((words, 2), int)
    )
    found = np.column_stack(nested_entities(evidence, 0.0))
    np.testing.assert_array_equal(found, plain_nested_entities(evidence))


@pytest.mark.parametrize("decoder", ["flat", "nested"])
def test_long_texts_are_read_whole_and_spans_are_the_text_they_name(config, tokenizer, decoder):
    labels = LABELS if decoder == "flat" else ("X", "Y")
    task = Entities(
        EntitySettings(
            decoder=decoder, labels=labels, window_pieces=48, overlap_pieces=16, no_entity_bias=-3.0
        )
    )
    torch.manual_seed(0)
    model = task.build(Encoder(config)).eval()
    text = "Ada é e\u0301 went 😀 to New Lisbon, 阿达住. " * 12
    examples = [task.parse({"text": one}, "test", number) for number, one in enumerate([text, "", "\ufe0f"])]
    features = task.features(examples, tokenizer)
    assert len(features[0]) > 3
    with torch.no_grad():
        outputs = [model(task.collate(found)).per_sequence() for found in features]
    long, empty, nothing = (task.decode(*parts) for parts in zip(examples, features, outputs, strict=True))
    assert long.entities
    for entity in long.entities:
        assert text[entity.chars.start : entity.chars.end] == entity.text != ""
        assert 0 <= entity.probability <= 1
    assert [one.chars.start for one in long.entities] == sorted(one.chars.start for one in long.entities)
    assert max(one.chars.end for one in long.entities) > 0.9 * len(text.rstrip())
    assert (long.windows, long.covered_chars) == (len(features[0]), len(text))
    assert (empty.entities, nothing.entities, empty.covered_chars, nothing.covered_chars) == ((), (), 0, 1)


def test_a_truncated_text_says_what_was_read(config, tokenizer):
    task = Entities(EntitySettings(labels=LABELS, window_pieces=40, on_long="truncate"))
    model = task.build(Encoder(config)).eval()
    example = task.parse({"text": "ada " * 60, "entities": [[200, 203, "X"]]}, "test", 1)
    (features,) = task.features([example], tokenizer)
    with torch.no_grad():
        made = task.decode(example, features, model(task.collate(features)).per_sequence())
    assert made.covered_chars < 200
    assert task.score([example], [made]).lost_gold == {"entities behind what was read of their text": 1}
