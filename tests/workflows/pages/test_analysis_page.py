from itertools import pairwise

import pytest

from html_reading import read
from spanbert.scoring.analysis import (
    Analysis,
    Case,
    Mark,
    Score,
    Slice,
    SliceTable,
    counted_kinds,
    most_confident_first,
    suspects,
)
from spanbert.text.spans import Span
from spanbert.workflows.pages.analysis_page import CASES_PER_KIND, MOST_SUSPECTS, analysis_page

HOSTILE = "<script>alert(1)</script>"
TEXT = "Ada Lovelace wrote notes on the engine. " * 500


def case(number, kind="wrong", confidence=0.5, **given):
    marks = (Mark(Span(0, 3), "gold", "PER"), Mark(Span(4, 12), "model", "LOC"))
    return Case(
        number, kind, confidence, **{"text": TEXT, "marks": marks, "gold": "Ada", "predicted": "x", **given}
    )


def analysis(cases, kinds=("wrong",), table_name="all"):
    errors = most_confident_first(cases)
    table = SliceTable(
        "All",
        "texts",
        ("F1",),
        (Slice(table_name, 20, (Score(81.25, (70.0, 90.0)),)), Slice("few", 3, (Score(5, None),))),
    )
    return Analysis(
        "entities",
        "texts",
        20_000,
        (table,),
        counted_kinds(dict.fromkeys(kinds, "It is wrong."), errors),
        errors,
        suspects(errors, {kind: [0.1] for kind in kinds}),
    )


def rendered(made, **given):
    return read(analysis_page(made, model="mini", data="dev.jsonl", **given))


def test_whatever_stands_in_the_data_stays_text():
    hostile = case(
        HOSTILE,
        HOSTILE,
        text=HOSTILE,
        marks=(Mark(Span(2, 9), "gold", HOSTILE),),
        gold=HOSTILE,
        predicted=HOSTILE,
        question=HOSTILE,
        note=HOSTILE,
    )
    reading = rendered(analysis([hostile], [HOSTILE], HOSTILE), lost_gold={HOSTILE: 2}, training_data=HOSTILE)
    assert "script" not in {tag for tag, _ in reading.elements}
    assert reading.text(without=["style"]).count(HOSTILE) > 8


def test_scores_are_in_tables_with_headers_and_intervals():
    reading = rendered(analysis([]))
    text = reading.text()
    assert "81.2 (70.0 to 90.0)" in text
    assert "5.0" in text
    scopes = [given.get("scope") for tag, given in reading.elements if tag == "th"]
    assert scopes.count("row") == 2
    assert None not in scopes


def test_headings_do_not_skip_a_level():
    reading = rendered(analysis([case(1), case(2)]))
    levels = [int(tag[1]) for tag, _ in reading.elements if tag in {"h1", "h2", "h3", "h4"}]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(following - level <= 1 for level, following in pairwise(levels))


def test_every_link_leads_somewhere():
    reading = rendered(analysis([case(number) for number in range(50)], ("wrong", "not found")))
    targets = {given["id"] for _, given in reading.elements if "id" in given}
    links = {given["href"][1:] for tag, given in reading.elements if tag == "a"}
    assert links <= targets
    assert len([link for link in links if link.startswith("error-")]) == MOST_SUSPECTS


def test_gold_and_model_are_told_apart_by_words_and_by_the_line():
    reading = rendered(analysis([case(1)]))
    inside = [(data, *around[-1]) for data, around in reading.stretches if around]
    assert [data for data, _, given in inside if given.get("class") == "label"] == ["gold PER", "model LOC"]
    looks = {data: given["class"] for data, tag, given in inside if tag == "mark"}
    assert looks["Ada"] != looks["Lovelace"]


def test_ten_thousand_errors_are_cut_to_the_surest_and_it_says_so():
    cases = [case(number, confidence=number / 10_000) for number in range(10_000)]
    page = analysis_page(analysis(cases), model="mini", data="dev.jsonl")
    text = read(page).text()
    shown = MOST_SUSPECTS
    assert f"The {shown} most confident of 10,000 errors; {10_000 - shown:,} more" in text
    assert "predictions.jsonl" in text
    assert len(page) < 500_000
    assert shown >= CASES_PER_KIND


def test_without_errors_it_says_so():
    text = rendered(analysis([])).text()
    assert "No errors among 20,000 texts." in text
    assert "There are none." in text


@pytest.mark.parametrize(("training", "advised"), [(None, True), ("train.jsonl", False)])
def test_training_data_are_named_or_asked_for(training, advised):
    text = rendered(analysis([]), training_data=training).text()
    assert ("--training-data FILE" in text) is advised
    assert ("train.jsonl" in text) is not advised


def test_gold_that_was_lost_is_told():
    assert (
        "3 × entities cut by windows"
        in rendered(analysis([]), lost_gold={"entities cut by windows": 3}).text()
    )
