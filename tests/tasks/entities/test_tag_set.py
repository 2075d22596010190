"""The best legal tags are found, and tags mean the spans that files of them mean."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanbert.errors import SettingsError
from spanbert.tasks.entities.tag_set import TagSet
from spanbert.text.tags import spans_of_tags, tag_parts, tags_of_spans

BIO = ("O", "B-X", "I-X", "B-Y", "I-Y")
BIOES = ("O", "B-X", "I-X", "E-X", "S-X")
BILOU = ("B-X", "O", "I-X", "L-X", "U-X")
IO = ("O", "I-X", "Y")
WITHOUT_S = ("O", "B-X", "I-X", "E-X")
WITHOUT_B = ("O", "I-X", "E-X")


def is_legal(labels, tags):
    """Whether writing the spans of some tags gives the same tags, as it does of well-formed ones."""
    scheme = "BIOES" if "E-X" in labels else "BILOU" if "L-X" in labels else "BIO"
    names = [labels[tag] for tag in tags]
    return tags_of_spans(len(tags), spans_of_tags(map(tag_parts, names)), scheme) == names


@pytest.mark.parametrize("labels", [BIO, BIOES, BILOU])
@given(st.data())
@settings(deadline=None, max_examples=60)
def test_no_legal_sequence_scores_better(labels, data):
    words = data.draw(st.integers(1, 4))
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    scores = rng.normal(size=(words, len(labels))).astype(np.float32)
    found = TagSet.of(labels).best(scores)
    assert is_legal(labels, found)
    best = max(
        scores[np.arange(words), list(tags)].sum()
        for tags in product(range(len(labels)), repeat=words)
        if is_legal(labels, tags)
    )
    assert scores[np.arange(words), found].sum() == pytest.approx(best, abs=1e-5)


@pytest.mark.parametrize("labels", [BIO, BIOES, BILOU])
@given(st.data())
@settings(deadline=None, max_examples=60)
def test_tags_by_number_mean_what_tags_by_name_mean(labels, data):
    """Of any sequence, not of the legal ones alone."""
    tags = np.asarray(data.draw(st.lists(st.integers(0, len(labels) - 1), max_size=9)), dtype=np.int64)
    known = TagSet.of(labels)
    starts, ends, kinds = known.spans(tags)
    names = [known.types[kind] for kind in kinds]
    assert list(zip(starts, ends, names, strict=True)) == spans_of_tags(
        tag_parts(labels[tag]) for tag in tags
    )


def test_without_b_an_entity_begins_with_i_or_with_the_bare_type():
    known = TagSet.of(IO)
    assert known.types == ("X", "Y")
    scores = np.eye(3, dtype=np.float32)[[1, 1, 2, 0, 2]]
    tags = known.best(scores)
    assert tags.tolist() == [1, 1, 2, 0, 2]
    starts, ends, kinds = known.spans(tags)
    assert list(zip(starts, ends, kinds, strict=True)) == [(0, 2, 0), (2, 3, 1), (4, 5, 1)]


def test_labels_of_another_kind_are_refused():
    with pytest.raises(SettingsError, match="the labels NEGATIVE, POSITIVE have no O"):
        TagSet.of(("NEGATIVE", "POSITIVE"))


def test_numbers_of_tags_are_those_of_the_labels():
    known = TagSet.of(TagSet.bio(("LOC", "PER")))
    assert TagSet.bio(("LOC", "PER")) == ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
    assert (known.outside, known.first.tolist(), known.inside.tolist()) == (0, [1, 3], [2, 4])
    assert (known.last.tolist(), known.single.tolist()) == ([2, 4], [1, 3])


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (BIO, ["B-X", "B-X I-X", "B-X I-X I-X"]),
        (BIOES, ["S-X", "B-X E-X", "B-X I-X E-X"]),
        (BILOU, ["U-X", "B-X L-X", "B-X I-X L-X"]),
        (IO, ["I-X", "I-X I-X", "I-X I-X I-X"]),
        (WITHOUT_S, ["B-X", "B-X E-X", "B-X I-X E-X"]),
        (WITHOUT_B, ["E-X", "I-X E-X", "I-X I-X E-X"]),
    ],
)
def test_an_entity_is_written_in_the_tags_of_its_scheme(labels, told):
    known = TagSet.of(labels)
    written = [known.of_entity(words, known.types.index("X")).tolist() for words in (1, 2, 3)]
    assert [" ".join(labels[tag] for tag in tags) for tags in written] == told


@pytest.mark.parametrize("labels", [BIO, BIOES, BILOU, WITHOUT_S, WITHOUT_B])
@given(st.data())
@settings(deadline=None, max_examples=40)
def test_written_entities_are_the_best_tags_and_come_back(labels, data):
    known = TagSet.of(labels)
    entity = st.tuples(st.integers(0, 2), st.integers(1, 4), st.integers(0, len(known.types) - 1))
    tags, spans = [], []
    for gap, words, kind in data.draw(st.lists(entity, max_size=5)):
        tags += [known.outside] * gap
        spans.append((len(tags), len(tags) + words, kind))
        tags += known.of_entity(words, kind).tolist()
    scores = np.eye(len(labels), dtype=np.float32)[tags].reshape(-1, len(labels))
    best = known.best(scores)
    assert best.tolist() == tags
    assert list(zip(*known.spans(best), strict=True)) == spans


@given(st.lists(st.integers(0, 3), max_size=5), st.integers(0, 999))
@settings(deadline=None, max_examples=60)
def test_many_texts_at_once_have_the_best_tags_that_each_has_alone(words, seed):
    known = TagSet.of(BIOES)
    texts = [
        np.random.default_rng([seed, number]).normal(size=(count, 5)) for number, count in enumerate(words)
    ]
    together = known.best_of_texts(np.concatenate([np.zeros((0, 5)), *texts]), words)
    assert together.tolist() == [tag for text in texts for tag in known.best(text)]
