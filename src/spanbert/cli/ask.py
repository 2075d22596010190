"""`spanbert ask` and `spanbert demo`: questions answered in the terminal."""

from __future__ import annotations

import json
import math
import time
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

from cyclopts import Parameter
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from spanbert.errors import SettingsError
from spanbert.text.documents import Skipped

if TYPE_CHECKING:
    from spanbert.workflows.ask import AskResult, FoundAnswer

T = TypeVar("T")
BAR_AFTER_SECONDS = 1.0
SKIPPED_SHOWN = 5
SHOWN_CHARS = 300


def ask(
    question: str,
    /,
    *paths: Path,
    model: str = "mini",
    top: int = 3,
    threshold: float | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
    offline: bool = False,
) -> None:
    """Ask a question of files and folders (.txt, .md, .rst, .html, .pdf, .docx).

    Args:
        question: in plain words.
        paths: files and folders.
        model: a shipped name, a folder or a hub id.
        top: how many answers at most.
        threshold: score that an answer must pass; the one stored with the model when left out.
        as_json: print one JSON object.
        offline: never go to the network.
    """
    from spanbert.workflows import ask as workflow
    from spanbert.workflows.predict import load

    if not paths:
        raise SettingsError("say which files or folders to ask: spanbert ask QUESTION PATH...")
    if threshold is not None and math.isnan(threshold):
        raise SettingsError("--threshold: a number is needed, got nan")
    logs = Console(stderr=True, soft_wrap=True, highlight=False)
    changes = {} if threshold is None else {"no_answer_threshold": threshold}
    predictor = load(model, "question-answering", offline=offline, task_settings=changes)
    result = workflow.ask(question, paths, predictor, top=top, track=LateBar(logs).track)
    show_skipped(logs, result.skipped)
    if as_json:
        print(json.dumps(result.to_json(), ensure_ascii=False))  # noqa: T201
    else:
        show(Console(soft_wrap=True, highlight=False), result)


def demo(
    *paths: Path,
    question: Annotated[list[str] | None, Parameter(negative=())] = None,
    model: str = "mini",
) -> None:
    """Answer questions on the spot, offline, with the model in the package.

    Args:
        paths: files and folders of your own; the project's guide when left out.
        question: what to ask; may be given several times.
        model: a shipped name or a folder.
    """
    from spanbert.workflows import demo as demonstration

    console = Console(soft_wrap=True, highlight=False)
    logs = Console(stderr=True, soft_wrap=True, highlight=False)
    started = time.perf_counter()
    session = demonstration.start(paths, question or [], model, LateBar(logs).track)
    console.print(
        Text.assemble(
            ("spanbert demo", "bold"),
            f"  model {model}, offline: {session.index.document_count} document(s) in {len(session.index)} "
            f"passages, ready in {time.perf_counter() - started:.1f} s",
        )
    )
    first = True
    for result in session.results():
        console.print()
        show(console, result)
        if first:
            show_skipped(logs, result.skipped)
            first = False
    console.print()
    for purpose, command in demonstration.NEXT_STEPS.items():
        console.print(Text.assemble(f"{purpose}: ", (command, "bold")))


def show(console: Console, result: AskResult) -> None:
    """One question with its answers, each coloured within its sentence."""
    console.print(Text.assemble(("? ", "bold cyan"), (result.question, "bold")))
    for answer in result.answers:
        console.print(_sentence(answer, "bold black on green", bracketed=not console.is_terminal))
        console.print(_source(answer))
    if not result.answers:
        console.print(Text.assemble("  ", ("no answer", "bold yellow"), " in these documents"))
        if result.closest is not None:
            console.print(Text("  closest:", style="dim"))
            marked = _sentence(result.closest, "underline", bracketed=not console.is_terminal)
            console.print(marked, style="dim")
            console.print(_source(result.closest).append(f", below the threshold {result.threshold:.1f}"))
    console.print(
        Text(
            f"  {result.passages_read} of {result.passages} passages read in {result.seconds:.2f} s",
            style="dim",
        )
    )


def show_skipped(console: Console, skipped: Sequence[Skipped]) -> None:
    """What was not read, on one line each for the first few."""
    for item in skipped[:SKIPPED_SHOWN]:
        console.print(Text(f"skipped: {item.path}: {item.reason}", style="yellow"))
    if len(skipped) > SKIPPED_SHOWN:
        console.print(Text(f"skipped: {len(skipped) - SKIPPED_SHOWN} more files", style="yellow"))


def _sentence(answer: FoundAnswer, style: str, *, bracketed: bool) -> Text:
    """The sentence on one line with the answer marked; a very long one is shown around the answer only.

    Args:
        answer: to be shown.
        style: of the mark.
        bracketed: put the answer in brackets too, where colours do not show.
    """
    marked = answer.chars_in_sentence
    start = max(0, marked.start - SHOWN_CHARS)
    end = min(len(answer.sentence), marked.end + SHOWN_CHARS)
    lead = "  … " if start else "  "
    shown = answer.sentence[start:end] + (" …" if end < len(answer.sentence) else "")
    text = Text(lead + "".join(map(_printable, shown)))  # as many characters as before, so that the mark fits
    begin, behind = marked.start - start + len(lead), marked.end - start + len(lead)
    text.stylize(style, begin, behind)
    if bracketed:
        before, found, after = text.divide([begin, behind])
        return Text.assemble(before, "[", found, "]", after)
    return text


def _printable(char: str) -> str:
    """A blank for line ends and for control characters, which could steer the terminal."""
    return " " if char.isspace() or unicodedata.category(char) == "Cc" else char


def _source(answer: FoundAnswer) -> Text:
    more = f"  and {len(answer.other_places)} other place(s)" if answer.other_places else ""
    chars = answer.place.chars
    return Text.assemble(
        "    ",
        (str(answer.place), "cyan"),
        f"  characters {chars.start}:{chars.end}  {answer.probability:.0%}  score {answer.score:.1f}{more}",
    )


class LateBar:
    """A progress bar on a terminal that appears only when the work takes longer than a second."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def track(self, items: Iterable[T], what: str, total: int | None) -> Iterator[T]:
        """Pass items on and count them."""
        started, bar = time.monotonic(), None
        try:
            for number, item in enumerate(items, start=1):
                if bar is not None:
                    bar.update(bar.task_ids[0], completed=number)
                elif self.console.is_terminal and time.monotonic() - started > BAR_AFTER_SECONDS:
                    bar = self._bar(what, number, total)
                yield item
        finally:
            if bar is not None:
                bar.stop()

    def _bar(self, what: str, done: int, total: int | None) -> Progress:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        bar = Progress(*columns, console=self.console, transient=True)
        bar.add_task(what, total=total, completed=done)
        bar.start()
        return bar
