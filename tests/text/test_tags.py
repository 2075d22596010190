"""Tags to spans as the shared-task script reads them, and back in every scheme."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanbert.text.tags import TagFaults, spans_of_tags, tag_parts, tags_of_spans


def parts(tags):
    return [tag_parts(tag) for tag in tags.split()]


def conlleval_spans(tags):
    """The chunks of a sentence by the two tables of rules that `conlleval` is documented to use.

    A chunk ends behind E and S, or behind B and I where B, S or O follows or the type changes; it starts with
    B and S, or with I and E where O, E or S stands before or the type changes.
    """
    found, start = [], None
    for number in range(len(tags) + 1):
        before = tags[number - 1] if number else ("O", "")
        here = tags[number] if number < len(tags) else ("O", "")
        changed = before[0] != "O" and before[1] != here[1]
        if before[0] in "ES" or (before[0] in "BI" and (here[0] in "BSO" or changed)):
            found.append((start, number, before[1]))
        if here[0] in "BS" or (here[0] in "IE" and (before[0] in "OES" or changed)):
            start = number
    return found


@given(st.lists(st.sampled_from(["O", "B-X", "I-X", "E-X", "S-X", "B-Y", "I-Y", "E-Y", "S-Y"]), max_size=9))
@settings(deadline=None, max_examples=300)
def test_any_sequence_of_tags_has_the_spans_of_the_shared_task_script(tags):
    found = [tag_parts(tag) for tag in tags]
    assert spans_of_tags(found) == conlleval_spans(found)


@st.composite
def spans(draw):
    """Spans that do not overlap; adjacent ones of one type among them."""
    words = draw(st.integers(0, 10))
    ends = sorted(draw(st.sets(st.integers(0, words), max_size=8)))
    kept = []
    for start, end in pairwise(ends):
        if draw(st.booleans()):
            kept.append((start, end, draw(st.sampled_from("XY"))))
    return words, kept


@pytest.mark.parametrize("scheme", ["BIO", "IOB1", "BIOES", "BILOU"])
@given(case=spans())
@settings(deadline=None, max_examples=80)
def test_spans_survive_every_scheme(scheme, case):
    words, kept = case
    tags = [tag_parts(tag) for tag in tags_of_spans(words, kept, scheme)]
    assert spans_of_tags(tags) == kept
    faults = TagFaults()
    faults.add(tags)
    if scheme == "BIO":
        assert not faults.counts()


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        ("BIO", "B-X I-X I-X B-X O B-Y"),
        ("IOB1", "I-X I-X I-X B-X O I-Y"),
        ("BIOES", "B-X I-X E-X S-X O S-Y"),
        ("BILOU", "B-X I-X L-X U-X O U-Y"),
    ],
)
def test_each_scheme_is_spelled_as_it_is_known(scheme, expected):
    spans = [(0, 3, "X"), (3, 4, "X"), (5, 6, "Y")]
    assert tags_of_spans(6, spans, scheme) == expected.split()


def test_overlapping_spans_have_no_tags():
    for wrong in ([(0, 2, "X"), (1, 3, "Y")], [(0, 4, "X")], [(1, 1, "X")]):
        with pytest.raises(ValueError, match="overlaps another or lies outside"):
            tags_of_spans(3, wrong)


@pytest.mark.parametrize("wrong", ["", "B", "B-", "X-PER", "b-PER", "B_PER", "-PER", "o", "0"])
def test_what_is_no_tag_is_known(wrong):
    assert tag_parts(wrong) is None


def test_types_may_have_dashes():
    assert tag_parts("B-creative-work") == ("B", "creative-work")


def faults(*sentences):
    found = TagFaults()
    for sentence in sentences:
        found.add(parts(sentence))
    return found.counts()


def test_a_tag_that_continues_nothing_is_counted_unless_the_file_is_iob1():
    assert faults("O I-X I-X", "I-X B-X O") == {}
    (count,) = faults("O I-X I-X", "B-X I-Y O", "B-X O").values()
    assert count == 2


def test_an_entity_without_its_closing_tag_is_counted_where_others_have_it():
    assert faults("B-X I-X O", "B-X") == {}
    (count,) = faults("B-X I-X O", "B-X E-X", "B-X").values()
    assert count == 2
