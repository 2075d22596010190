"""A text with its spans: underlined in colours, nested and overlapping ones on lines of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count

from spanbert.text.spans import Span
from spanbert.workflows.pages.markup import Html, element, join

COLOURS = 6
STYLES = 3
SPACE = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class Highlight:
    """A span to be shown.

    Args:
        chars: where it stands in the text.
        label: written behind it.
        key: spans of one key have one colour and one style of line.
        probability: written behind the label, if known.
    """

    chars: Span
    label: str
    key: str
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A span with its line: 1 is the one next to the text."""

    highlight: Highlight
    line: int


def highlighted(
    text: str,
    spans: Sequence[Highlight],
    keys: Sequence[str] | None = None,
    shown: Sequence[Span] | None = None,
) -> Html:
    """A text with its spans underlined and labelled, as one block.

    Where spans overlap or nest, each has a line of its own under the text, longer spans further down.

    Args:
        text: as it is; line ends are kept.
        spans: in any order, with any overlaps.
        keys: what gets the first, second ... colour; by first appearance in the text where left out.
        shown: stretches of the text, in order and disjoint, with dots for the rest; all where left out.

    Raises:
        ValueError: a span is empty or reaches behind the text.
        KeyError: a span has a key that `keys` lacks.
    """
    number = {key: place for place, key in enumerate(keys_of(spans) if keys is None else keys)}
    for span in spans:
        if not len(span.chars) or span.chars.end > len(text):
            raise ValueError(f"{span} is empty or outside a text of {len(text)} characters")
    stretches = [Span(0, len(text))] if shown is None else shown
    drawn = [_lines(_clipped(spans, stretch)) for stretch in stretches]
    parts: list[Html] = [] if not stretches or stretches[0].start == 0 else [_gap()]
    for stretch, inside in zip(stretches, drawn, strict=True):
        parts += _segments(text[stretch.start : stretch.end], inside, number)
        parts += [] if stretch.end == len(text) else [_gap()]
    depth = max((one.line for inside in drawn for one in inside), default=0)
    return element("p", *parts, class_="passage", dir="auto", style=f"--depth: {depth}")


def keys_of(spans: Sequence[Highlight]) -> list[str]:
    """The keys of spans in the order in which they first appear in the text."""
    return list(dict.fromkeys(span.key for span in sorted(spans, key=_reading_order)))


def legend(keys: Sequence[str]) -> Html:
    """What each colour and style of line stands for."""
    items = [
        element("li", element("mark", key, class_=_look(number), style="--line: 1"))
        for number, key in enumerate(keys)
    ]
    return element("ul", *items, class_="legend")


def _gap() -> Html:
    return element("span", " … ", class_="gap")


def _clipped(spans: Sequence[Highlight], stretch: Span) -> list[Highlight]:
    """What of the spans lies in a stretch, in its own characters; a span keeps its label where it ends."""
    found = []
    for span in spans:
        start, end = max(span.chars.start, stretch.start), min(span.chars.end, stretch.end)
        if start < end:
            chars = Span(start, end).shift(-stretch.start)
            ends = span.chars.end <= stretch.end
            found.append(
                replace(span, chars=chars) if ends else replace(span, chars=chars, label="", probability=None)
            )
    return found


def _reading_order(span: Highlight) -> tuple[int, int]:
    return span.chars.start, -span.chars.end


def _lines(spans: Sequence[Highlight]) -> list[_Drawn]:
    """Spans in reading order, each on a line that no span it overlaps has, above those that hold it whole."""
    found: list[_Drawn] = []
    group: list[_Drawn] = []
    current: list[_Drawn] = []
    for span in sorted(spans, key=_reading_order):
        current = [one for one in current if one.highlight.chars.end > span.chars.start]
        if not current:
            found += _turned(group)
            group = []
        around = [one.line for one in current if one.highlight.chars.contains(span.chars)]
        taken = {one.line for one in current}
        line = next(number for number in count(max(around, default=0) + 1) if number not in taken)
        drawn = _Drawn(span, line)
        current.append(drawn)
        group.append(drawn)
    return found + _turned(group)


def _turned(group: Sequence[_Drawn]) -> list[_Drawn]:
    """Lines counted from the other side: what was placed first, the outer spans, is far from the text."""
    depth = max((one.line for one in group), default=0)
    return [replace(one, line=depth + 1 - one.line) for one in group]


def _segments(text: str, drawn: Sequence[_Drawn], number: Mapping[str, int]) -> Iterator[Html]:
    """The text cut wherever a span begins or ends; labels stand where their spans end."""
    edges = sorted({0, len(text), *(edge for one in drawn for edge in _ends(one))})
    active: list[_Drawn] = []
    waiting = list(reversed(drawn))
    for start, end in zip(edges, [*edges[1:], len(text)], strict=True):
        ending = [one for one in active if one.highlight.chars.end == start]
        active = [one for one in active if one.highlight.chars.end > start]
        # The innermost label comes first.
        labels = [_label(one.highlight) for one in sorted(ending, key=lambda one: one.line)]
        if labels:
            yield _underlined(join(*labels), active, number)
        while waiting and waiting[-1].highlight.chars.start == start:
            active.append(waiting.pop())
        if start < end:
            yield _underlined(text[start:end], active, number)


def _ends(one: _Drawn) -> tuple[int, int]:
    return one.highlight.chars.start, one.highlight.chars.end


def _underlined(content: str, active: Sequence[_Drawn], number: Mapping[str, int]) -> Html:
    shown = join(content)
    for one in sorted(active, key=lambda one: one.line):
        look = _look(number[one.highlight.key])
        shown = element("mark", shown, class_=look, style=f"--line: {one.line}")
    return shown


def _look(number: int) -> str:
    return f"colour-{number % COLOURS} style-{number // COLOURS % STYLES}"


def _label(highlight: Highlight) -> Html:
    words = highlight.label
    if highlight.probability is not None:
        words = f"{words} {percent(highlight.probability)}".strip()
    return element("small", words, class_="label", dir="auto") if words else Html("")


def percent(share: float) -> str:
    """A share as a percentage that does not claim to be 0 or 100 unless it is."""
    if 0.999 < share < 1:
        return f"over 99.9{SPACE}%"
    if 0 < share < 0.001:
        return f"under 0.1{SPACE}%"
    return f"{100 * share:.1f}{SPACE}%"
