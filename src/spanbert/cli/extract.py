"""`spanbert extract`: entities, clusters and relations of documents."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter
from rich.console import Console
from rich.text import Text

from spanbert.cli.ask import show_skipped
from spanbert.cli.counted import counted
from spanbert.errors import DataError, SettingsError
from spanbert.text.documents import Skipped, read_documents

if TYPE_CHECKING:
    from spanbert.workflows.extraction.extract import Extraction

STYLES = ("green", "cyan", "magenta", "yellow", "blue", "red")


def extract(
    *paths: Path,
    model: str | None = None,
    entities: str | None = None,
    coreference: str | None = None,
    relations: str | None = None,
    output: Path | None = None,
    most_chars_between: int = 250,
    precision: Literal["float32", "bfloat16", "int8"] = "float32",
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
    offline: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Extract entities, clusters of mentions and relations from files and folders.

    Args:
        paths: files and folders (.txt, .md, .rst, .html, .pdf, .docx).
        model: gives every task that it can do; `mini` when no model is named.
        entities: model of entities, in place of the general one; `none` leaves a task out.
        coreference: model of coreference.
        relations: model of relations, judged for pairs of entities.
        output: folder for documents.jsonl, tables (.csv), the graph (.graphml, .jsonld) and index.html.
        most_chars_between: pairs of entities further apart are not judged.
        precision: arithmetic of the matrix products.
        as_json: print one JSON object a document.
        offline: never go to the network.
    """
    from spanbert.workflows.extraction.extract import LEFT_OUT, Extractor, readable

    if not paths:
        raise SettingsError("say which files or folders to read: spanbert extract PATH...")
    logs = Console(stderr=True, soft_wrap=True, highlight=False)
    skipped: list[Skipped] = []
    documents = readable(read_documents(paths), skipped)
    first = next(documents, None)
    if first is None:
        show_skipped(logs, skipped)
        raise DataError(f"no readable document in {', '.join(map(str, paths))}")
    named = {model, entities, coreference, relations} - {None, LEFT_OUT}
    extractor = Extractor.load(
        model if named else "mini",
        entities=entities,
        coreference=coreference,
        relations=relations,
        precision=precision,
        offline=offline,
        most_chars_between=most_chars_between,
    )
    logs.print(Text(f"extracting {', '.join(extractor.tasks)}", style="dim"))
    console = Console(soft_wrap=True, highlight=False)
    for task in extractor.tasks:
        getattr(extractor, task).engine.track = partial(_shown_by_window, f"windows of {task}", logs)
    found = extractor.extract(chain([first], documents))
    if as_json:
        found = _printed(found)
    if output is not None:
        from spanbert.workflows.extraction.files import write_extractions

        for path in write_extractions(found, output):
            logs.print(Text(f"wrote {path}"))
    else:
        for made in found:
            if not as_json:
                show(console, made)
    show_skipped(logs, skipped)


def _printed(found: Iterable[Extraction]) -> Iterator[Extraction]:
    for made in found:
        print(json.dumps(made.to_json(), ensure_ascii=False))  # noqa: T201
        yield made


def _shown_by_window(
    what: str, logs: Console, outputs: Iterator[Any], known: Callable[[], int]
) -> Iterator[Any]:
    return counted(outputs, what, known, logs)


def show(console: Console, made: Extraction) -> None:
    """One document with its entities coloured, its clusters and relations listed."""
    console.print(Text(str(made.document.path), style="bold"))
    console.print(_coloured(made, bracketed=not console.is_terminal))
    for number, cluster in enumerate(made.clusters):
        if len(cluster.mentions) > 1:
            mentions = " = ".join(_printable(mention.text) for mention in cluster.mentions)
            console.print(Text(f"  #{number} {mentions}", style="dim"))
    for one in made.relations:
        subject, target = (_printable(made.entities[number].text) for number in (one.subject, one.object))
        line = Text.assemble("  ", subject, " ", (f"-{one.relation}→", "bold"), f" {target}  ")
        console.print(line.append(f"{one.probability:.0%}", style="dim"))
    console.print()


def _coloured(made: Extraction, *, bracketed: bool) -> Text:
    """The text with a label behind each entity; of entities that overlap the outer one is shown."""
    kinds = list(dict.fromkeys(one.type for one in made.entities))
    text = made.document.text
    shown = Text()
    end = 0
    for one in made.entities:
        if one.chars.start < end:
            continue
        shown.append(_printable(text[end : one.chars.start]))
        style = f"bold {STYLES[kinds.index(one.type) % len(STYLES)]}"
        inside = _printable(one.text)
        shown.append(f"[{inside}]" if bracketed else inside, style=style)
        linked = one.cluster is not None and len(made.clusters[one.cluster].mentions) > 1
        number = f" #{one.cluster}" if linked else ""
        shown.append(f" {one.type}{number}", style="dim")
        end = one.chars.end
    return shown.append(_printable(text[end:]).rstrip())


def _printable(text: str) -> str:
    """Without control characters, which could steer the terminal; line ends stay."""
    return "".join(" " if unicodedata.category(char) == "Cc" and char != "\n" else char for char in text)
