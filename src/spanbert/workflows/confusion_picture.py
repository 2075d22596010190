"""The confusion matrix of a report as a picture."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from spanbert.text.files import atomic_write

MOST_NUMBERED = 20  # labels up to which each cell says its count
LONGEST_NAME = 24
CHINESE_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "PingFang SC",
    "Microsoft YaHei",
    "SimHei",
    "WenQuanYi Zen Hei",
)


def confusion_matrix(confusion: Mapping[str, Any]) -> tuple[list[str], list[list[int]]]:
    """Labels and counts [gold][predicted] of a report's `confusion`, in either of its forms.

    Args:
        confusion: `labels` with `counts` where every label has its row, else {gold: {predicted: count}}.
    """
    if isinstance(confusion.get("counts"), list):
        return confusion["labels"], confusion["counts"]
    names = sorted({*confusion, *(name for row in confusion.values() for name in row)})
    return names, [[confusion.get(gold, {}).get(made, 0) for made in names] for gold in names]


def draw_confusion(labels: Sequence[str], counts: Sequence[Sequence[int]], path: Path) -> None:
    """Write a PNG: a row a gold label, a column a predicted one, shades by the share of the row.

    Args:
        labels: names of rows and columns.
        counts: [gold][predicted].
        path: the picture; an earlier one is replaced whole.

    Raises:
        SpanbertError: the disk is full or not writable.
    """
    # Imported here because it is slow; a bare Figure touches no window system and no global state.
    from matplotlib import font_manager
    from matplotlib.figure import Figure

    names = [name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…" for name in labels]
    cells = range(len(names))
    shares = [[count / max(sum(row), 1) for count in row] for row in counts]
    inches = min(4 + 0.3 * len(names), 24)
    size = max(2.5, min(10, 60 * inches / (8 * len(names))))
    installed = {font.name for font in font_manager.fontManager.ttflist}
    fonts = ["DejaVu Sans", *(name for name in CHINESE_FONTS if name in installed)]
    figure = Figure(figsize=(inches, inches), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(cells, names, rotation=90, fontsize=size, family=fonts, parse_math=False)
    axes.set_yticks(cells, names, fontsize=size, family=fonts, parse_math=False)
    axes.set_xlabel("predicted")
    axes.set_ylabel("gold")
    if len(names) <= MOST_NUMBERED:
        for row, column in product(cells, cells):
            if counts[row][column]:
                shade = "white" if shares[row][column] > 0.5 else "black"
                axes.text(
                    column,
                    row,
                    str(counts[row][column]),
                    ha="center",
                    va="center",
                    color=shade,
                    fontsize=size,
                )
    with atomic_write(path) as stream, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a box; the report has the name
        picture = io.BytesIO()
        figure.savefig(picture, format="png", dpi=150)
        stream.buffer.write(picture.getvalue())
