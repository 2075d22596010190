import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from html_reading import read
from spanbert.text.spans import Span
from spanbert.workflows.pages.highlighting import Highlight, highlighted, keys_of, legend, percent

TEXT = "The University of Paris moved."
WHOLE = Highlight(Span(0, 23), "ORG", "ORG", 0.91)
INNER = Highlight(Span(18, 23), "LOC", "LOC", 0.5)


def marked(reading, key_class):
    """The text that stands in marks of a class, labels left out."""
    return "".join(
        data
        for data, around in reading.stretches
        if any(tag == "mark" and key_class in given["class"].split() for tag, given in around)
        and "small" not in [tag for tag, _ in around]
    )


@st.composite
def texts_with_spans(draw):
    text = draw(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
    spans = []
    for number in range(draw(st.integers(0, 5))):
        start = draw(st.integers(0, len(text) - 1))
        spans.append(
            Highlight(Span(start, draw(st.integers(start + 1, len(text)))), f"<{number}>", f"key {number}")
        )
    return text, spans


@settings(max_examples=60, deadline=None)
@given(texts_with_spans())
def test_the_text_stays_what_it_is_and_every_span_is_marked_whole(drawn):
    text, spans = drawn
    keys = [f"key {number}" for number in range(len(spans))]
    reading = read(highlighted(text, spans, keys))
    assert reading.text(without=["small"]) == text
    for number, span in enumerate(spans):
        assert marked(reading, f"colour-{number}") == text[span.chars.start : span.chars.end]
    assert sorted(data for data, around in reading.stretches if around[-1][0] == "small") == [
        span.label for span in spans
    ]


@settings(max_examples=60, deadline=None)
@given(texts_with_spans())
def test_spans_that_overlap_are_on_different_lines(drawn):
    text, spans = drawn
    for _, around in read(highlighted(text, spans)).stretches:
        lines = [given["style"] for tag, given in around if tag == "mark"]
        assert len(lines) == len(set(lines))


def test_a_nested_span_is_next_to_the_text_and_its_label_first():
    reading = read(highlighted(TEXT, [WHOLE, INNER]))
    inner = next(around for data, around in reading.stretches if data == "Paris")
    assert [given["style"] for tag, given in inner if tag == "mark"] == ["--line: 2", "--line: 1"]
    labels = [data for data, around in reading.stretches if around[-1][0] == "small"]
    assert labels == ["LOC 50.0\N{NO-BREAK SPACE}%", "ORG 91.0\N{NO-BREAK SPACE}%"]


def test_a_span_is_nearer_to_the_text_than_one_that_holds_it_whatever_else_overlaps():
    crossing = Highlight(Span(2, 10), "A", "A")
    outer = Highlight(Span(4, 23), "B", "B")
    reading = read(highlighted(TEXT, [crossing, outer, INNER]))
    line_of = {
        data: {given["class"][7]: given["style"] for tag, given in around if tag == "mark"}
        for data, around in reading.stretches
    }
    assert line_of["Paris"]["2"] < line_of["Paris"]["1"]


def test_a_nested_spans_label_is_underlined_by_the_span_around_it_that_goes_on():
    longer = Highlight(Span(0, 29), "X", "X")
    reading = read(highlighted(TEXT, [longer, INNER]))
    label = next(around for data, around in reading.stretches if data.startswith("LOC"))
    assert [given["class"] for tag, given in label if tag == "mark"] == ["colour-0 style-0"]


def test_keys_have_their_colour_by_appearance_or_as_given():
    assert keys_of([INNER, WHOLE]) == ["ORG", "LOC"]
    swapped = read(highlighted(TEXT, [WHOLE, INNER], ["LOC", "ORG"]))
    assert marked(swapped, "colour-0") == "Paris"


def test_more_keys_than_colours_differ_in_the_line():
    looks = [
        given["class"] for tag, given in read(legend([str(n) for n in range(18)])).elements if tag == "mark"
    ]
    assert len(set(looks)) == 18


def test_what_is_not_shown_is_dots_and_a_label_stands_where_its_span_ends():
    reading = read(highlighted(TEXT, [WHOLE], shown=[Span(0, 3), Span(18, 25)]))
    assert reading.text(without=["small"]) == "The … Paris m … "
    assert [data for data, around in reading.stretches if around[-1][0] == "small"] == [
        "ORG 91.0\N{NO-BREAK SPACE}%"
    ]


@pytest.mark.parametrize("span", [Span(25, 31), Span(3, 3)])
def test_a_span_that_is_no_stretch_of_the_text_is_refused(span):
    with pytest.raises(ValueError, match="empty or outside"):
        highlighted(TEXT, [Highlight(span, "X", "X")])


def test_the_direction_of_a_text_is_its_own():
    assert read(highlighted("שלום", [])).elements[0][1]["dir"] == "auto"


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.5, "50.0 %"), (1.0, "100.0 %"), (0.0, "0.0 %"), (0.99999, "over 99.9 %"), (1e-9, "under 0.1 %")],
)
def test_percentages_do_not_claim_certainty(share, words):
    assert percent(share).replace("\N{NO-BREAK SPACE}", " ") == words
