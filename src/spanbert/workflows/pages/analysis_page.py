"""An error analysis as one HTML file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import get_args

from spanbert.scoring.analysis import Analysis, Case, ErrorKind, Side, SliceTable, Suspects
from spanbert.scoring.slices import FEWEST_FOR_INTERVAL
from spanbert.workflows.pages.excerpt import surroundings
from spanbert.workflows.pages.highlighting import SPACE, Highlight, highlighted, percent
from spanbert.workflows.pages.markup import Html, element, join, page
from spanbert.workflows.pages.score_table import in_scroller, score_table, share_bar

CASES_PER_KIND = 20
MOST_SUSPECTS = 30
LONGEST_SHORT = 160
LONGEST_IN_TABLE = 80
SIDES = get_args(Side)
ELSEWHERE = "all predictions are in predictions.jsonl beside this page"


def analysis_page(
    analysis: Analysis,
    *,
    model: str,
    data: str,
    training_data: str | None = None,
    lost_gold: Mapping[str, int] | None = None,
) -> Html:
    """A page that can be read without network and without scripts.

    Of each kind of error the `CASES_PER_KIND` most confident are shown in their text, so that its size is
    bounded whatever the number of errors.

    Args:
        analysis: what to show.
        model: what was evaluated.
        data: what it was evaluated on.
        training_data: where the analysis knows from what training has seen.
        lost_gold: gold that preprocessing could not use, by reason.
    """
    kinds = [kind for kind in analysis.kinds if kind.count]
    doubted = analysis.suspects.cases[:MOST_SUSPECTS]
    shown = {
        kind.name: _shown([case for case in analysis.errors if case.kind == kind.name], doubted)
        for kind in kinds
    }
    anchors = {
        case: f"error-{number}"
        for number, case in enumerate((case for cases in shown.values() for case in cases), start=1)
    }
    return page(
        f"Error analysis: {analysis.task}",
        _header(analysis, model, data, training_data, lost_gold or {}),
        _scores(analysis.tables, training_data),
        _errors(analysis, kinds),
        _suspects(analysis.suspects, doubted, anchors),
        *(_cases(kind, cases, anchors) for kind, cases in zip(kinds, shown.values(), strict=True)),
    )


def _shown(of_kind: Sequence[Case], doubted: Sequence[Case]) -> list[Case]:
    """The most confident errors, and those that are suspected labels."""
    wanted = {*of_kind[:CASES_PER_KIND], *doubted}
    return [case for case in of_kind if case in wanted]


def _header(
    analysis: Analysis, model: str, data: str, training_data: str | None, lost_gold: Mapping[str, int]
) -> Html:
    facts = {"Model": model, "Data": data}
    if training_data is not None:
        facts["Training data"] = training_data
    facts[_capitalised(analysis.counted)] = f"{analysis.judged:,}, with {len(analysis.errors):,} errors"
    if lost_gold:
        facts["Gold that could not be used"] = ", ".join(
            f"{count:,} × {why}" for why, count in lost_gold.items()
        )
    contents = {"scores": "Scores", "kinds": "Errors by kind", "suspects": "Suspected label errors"}
    links = [*contents.items(), *((_anchor(kind), kind.name) for kind in analysis.kinds if kind.count)]
    return element(
        "header",
        element("h1", "Error analysis: ", analysis.task.replace("-", " ")),
        _facts(facts),
        element(
            "nav",
            element("ul", *(element("li", element("a", name, href=f"#{place}")) for place, name in links)),
            aria_label="Contents",
        ),
    )


def _facts(facts: Mapping[str, str]) -> Html:
    rows = [join(element("dt", name), element("dd", element("bdi", value))) for name, value in facts.items()]
    return element("dl", *(element("div", row) for row in rows))


def _scores(tables: Sequence[SliceTable], training_data: str | None) -> Html:
    advice = (
        []
        if training_data is not None
        else [
            element(
                "p",
                "Scores by what training has seen are added when the evaluation is given the training data: ",
                element("code", "--training-data FILE"),
                ".",
            )
        ]
    )
    return element(
        "section",
        element("h2", "Scores", id="scores"),
        element(
            "p",
            f"Values are percentages, in brackets the 95{SPACE}% bootstrap interval, which parts of fewer "
            f"than {FEWEST_FOR_INTERVAL} items do not have.",
        ),
        *advice,
        element("div", *map(score_table, tables), class_="tables"),
    )


def _errors(analysis: Analysis, kinds: Sequence[ErrorKind]) -> Html:
    if not kinds:
        told = element("p", f"No errors among {analysis.judged:,} {analysis.counted}.")
        return element("section", element("h2", "Errors by kind", id="kinds"), told)
    total = len(analysis.errors)
    head = element(
        "tr",
        *(element("th", name, scope="col") for name in ("Kind", "What it means")),
        *(element("th", name, scope="col", class_="number") for name in ("Errors", "Share")),
        element("td", class_="plot"),
    )
    rows = [
        element(
            "tr",
            element("th", element("a", kind.name, href=f"#{_anchor(kind)}"), scope="row"),
            element("td", kind.meaning),
            element("td", f"{kind.count:,}", class_="number"),
            element("td", percent(kind.count / total), class_="number"),
            element("td", share_bar(100 * kind.count / total), class_="plot"),
        )
        for kind in kinds
    ]
    absent = [kind.name for kind in analysis.kinds if not kind.count]
    never = [element("p", f"Not found: {', '.join(absent)}.", class_="note")] if absent else []
    table = element("table", element("thead", head), element("tbody", *rows), class_="kinds")
    return element(
        "section",
        element("h2", "Errors by kind", id="kinds"),
        in_scroller(table, "Errors by kind"),
        *never,
    )


def _suspects(suspects: Suspects, doubted: Sequence[Case], anchors: Mapping[Case, str]) -> Html:
    title = element("h2", "Suspected label errors", id="suspects")
    if not doubted:
        return element("section", title, element("p", suspects.chosen), element("p", "There are none."))
    head = element(
        "tr",
        element("th", "Confidence", scope="col", class_="number"),
        *(element("th", name, scope="col") for name in ("Example", "Gold", "Model", "Kind")),
    )
    rows = [
        element(
            "tr",
            element("td", percent(case.confidence or 0.0), class_="number"),
            element("td", element("a", element("bdi", _short(_heading(case))), href=f"#{anchors[case]}")),
            element("td", element("bdi", _short(case.gold, LONGEST_IN_TABLE))),
            element("td", element("bdi", _short(case.predicted, LONGEST_IN_TABLE))),
            element("td", case.kind),
        )
        for case in doubted
    ]
    table = element("table", element("thead", head), element("tbody", *rows), class_="suspects")
    left = len(suspects.cases) - len(doubted)
    more = [element("p", f"{left:,} more are left out here; {ELSEWHERE}.", class_="note")] if left else []
    return element(
        "section",
        title,
        element("p", "Whether the label or the model is wrong, a person must decide. ", suspects.chosen),
        in_scroller(table, "Suspected label errors"),
        *more,
    )


def _cases(kind: ErrorKind, cases: Sequence[Case], anchors: Mapping[Case, str]) -> Html:
    ranked = any(case.confidence is not None for case in cases)
    how_many = f"{kind.count:,} {'error' if kind.count == 1 else 'errors'}"
    how_many += ", most confident first." if ranked else "."
    if len(cases) < kind.count:
        which = f"{len(cases)} most confident" if ranked else f"first {len(cases)}"
        how_many = (
            f"The {which} of {kind.count:,} errors; "
            f"{kind.count - len(cases):,} more are left out here, {ELSEWHERE}."
        )
    return element(
        "section",
        element("h2", _capitalised(kind.name), id=_anchor(kind)),
        element("p", kind.meaning, " ", how_many),
        *(_case(case, anchors[case]) for case in cases),
    )


def _case(case: Case, anchor: str) -> Html:
    marks = [Highlight(mark.chars, f"{mark.side} {mark.label}".strip(), mark.side) for mark in case.marks]
    stretches = surroundings(case.text, [mark.chars for mark in case.marks])
    sureness = "" if case.confidence is None else f" ({percent(case.confidence)})"
    answers = {"Gold": _short(case.gold), "Model": _short(case.predicted) + sureness}
    facts = [
        join(element("dt", name), element("dd", element("bdi", value))) for name, value in answers.items()
    ]
    notes = [case.note] if case.note else []
    if case.question:
        notes.append(f"id {case.id}")
    return element(
        "article",
        element("h3", _short(_heading(case)), dir="auto"),
        element("dl", *(element("div", fact) for fact in facts)),
        highlighted(case.text, marks, SIDES, stretches),
        *(element("p", element("bdi", note), class_="note") for note in notes),
        id=anchor,
    )


def _heading(case: Case) -> str:
    return case.question or f"id {case.id}"


def _anchor(kind: ErrorKind) -> str:
    return "kind-" + "-".join(kind.name.split())


def _capitalised(words: str) -> str:
    return words[:1].upper() + words[1:]


def _short(text: str, longest: int = LONGEST_SHORT) -> str:
    """A text on one line of bounded length."""
    line = " ".join(text[: 4 * longest].split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
