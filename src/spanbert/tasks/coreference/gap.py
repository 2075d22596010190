"""GAP: does an ambiguous pronoun mean name A, name B or neither (Webster et al. 2018)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from spanbert.errors import DataError
from spanbert.scoring.f1 import prf
from spanbert.text.fields import shown
from spanbert.text.files import read_lines
from spanbert.text.spans import Span

COLUMNS = ("ID", "Text", "Pronoun", "Pronoun-offset", "A", "A-offset", "A-coref", "B", "B-offset", "B-coref")
FEMININE = {"she", "her", "hers"}
MASCULINE = {"he", "him", "his"}


@dataclass(frozen=True, slots=True)
class GapQuestion:
    """What GAP asks of a text.

    Args:
        feminine: whether the pronoun is.
        pronoun: its characters.
        names: the characters of A and of B.
        gold: whether the pronoun means A, and whether B; None when nobody said.
    """

    feminine: bool
    pronoun: Span
    names: tuple[Span, Span]
    gold: tuple[bool, bool] | None


def read_gap(path: Path) -> Iterator[tuple[int, str, str, GapQuestion]]:
    """Line, id, text and question of each row of GAP's table; the two columns of gold may be absent.

    Raises:
        DataError: a column is missing, or a pronoun or name does not stand at its offset.
    """
    header: list[str] = []
    for line, row in read_lines(path):
        cells = row.split("\t")
        if not header:
            header = cells
            missing = [name for name in COLUMNS if name not in header and not name.endswith("-coref")]
            if missing:
                raise DataError(
                    f"GAP's table has no column {missing[0]!r}; found {shown(header)}", path, line
                )
            continue
        if not row.strip():
            continue
        if len(cells) != len(header):
            raise DataError(f"{len(cells)} cells in a table of {len(header)} columns", path, line)
        found = dict(zip(header, cells, strict=True))
        text = found["Text"]
        spans = [_place(found, name, path, line) for name in ("Pronoun", "A", "B")]
        pronoun = found["Pronoun"].lower()
        if pronoun not in FEMININE | MASCULINE:
            raise DataError(f"{shown(found['Pronoun'])} is none of GAP's pronouns", path, line)
        gold = None
        if "A-coref" in found and "B-coref" in found:
            gold = (_truth(found["A-coref"], path, line), _truth(found["B-coref"], path, line))
        question = GapQuestion(pronoun in FEMININE, spans[0], (spans[1], spans[2]), gold)
        yield line, found["ID"], text, question


def _place(row: dict[str, str], name: str, path: Path, line: int) -> Span:
    text, offset = row[name], row[f"{name}-offset"]
    if not offset.isdecimal():
        raise DataError(f"{name}-offset must be a number, found {shown(offset)}", path, line)
    start = int(offset)
    if not text or not row["Text"].startswith(text, start):
        raise DataError(f"{name} {shown(text)} does not stand at character {start} of the text", path, line)
    return Span(start, start + len(text))


def _truth(cell: str, path: Path, line: int) -> bool:
    if cell.upper() not in ("TRUE", "FALSE"):
        raise DataError(f"TRUE or FALSE is needed, found {shown(cell)}", path, line)
    return cell.upper() == "TRUE"


def says(question: GapQuestion, clusters: Sequence[Sequence[Span]]) -> tuple[bool, bool]:
    """Whether the pronoun is clustered with A, and with B.

    The pronoun must be a mention as it stands. A name is stood for by the smallest mention that holds it and
    begins or ends with it ("the singer Ada", "Ada Lovelace" for "Ada"), else by the longest inside it.

    Args:
        question: pronoun and names.
        clusters: as predicted, spans of characters.
    """
    cluster_of = {span: number for number, cluster in enumerate(clusters) for span in cluster}
    own = cluster_of.get(question.pronoun)
    if own is None:
        return False, False
    first, second = (
        stand is not None and cluster_of[stand] == own
        for stand in (_stand_in(name, list(cluster_of)) for name in question.names)
    )
    return first, second


def _stand_in(name: Span, mentions: Sequence[Span]) -> Span | None:
    holding = [
        span
        for span in mentions
        if span.contains(name) and (span.start == name.start or span.end == name.end)
    ]
    inside = [span for span in mentions if name.contains(span)]
    return min(holding, key=len, default=None) or max(inside, key=len, default=None)


def gap_scores(questions: Sequence[GapQuestion], answers: Sequence[tuple[bool, bool]]) -> dict[str, float]:
    """F1 in percent over all names, by the pronoun's gender, and their ratio, as GAP's own scorer has them.

    Args:
        questions: each with gold.
        answers: for each, whether the pronoun was said to mean A, and B.

    Returns:
        `gap_f1`, `gap_precision`, `gap_recall`, `gap_masculine_f1`, `gap_feminine_f1`, and `gap_bias`,
        feminine over masculine F1 (0 without a masculine one).
    """

    def counted(genders: tuple[bool, ...]) -> tuple[int, int, int]:
        pairs = [
            (said, true)
            for question, answer in zip(questions, answers, strict=True)
            if question.feminine in genders
            for said, true in zip(answer, question.gold or (), strict=True)
        ]
        return (
            sum(said and true for said, true in pairs),
            sum(said for said, _ in pairs),
            sum(true for _, true in pairs),
        )

    whole, masculine, feminine = (prf(*counted(genders)) for genders in ((True, False), (False,), (True,)))
    return {
        "gap_f1": round(whole.f1, 4),
        "gap_precision": round(whole.precision, 4),
        "gap_recall": round(whole.recall, 4),
        "gap_masculine_f1": round(masculine.f1, 4),
        "gap_feminine_f1": round(feminine.f1, 4),
        "gap_bias": round(feminine.f1 / masculine.f1, 4) if masculine.f1 else 0.0,
    }
