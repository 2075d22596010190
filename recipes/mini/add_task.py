"""Add a further task to the model in the package: what differs from `mini`, as int8 rows.

    python recipes/mini/add_task.py runs/mini/entities DEV src/spanbert/models/mini

The first folder is a model that was fine-tuned from `mini` with `frozen_layers`, without DEV. Its thresholds
and temperature stay as they were fitted on held-out training data; what the part scores on DEV stands in its
card and chooses nothing.
"""

from __future__ import annotations

import sys
from pathlib import Path

import spanbert
from spanbert.checkpoint.folder import read_folder
from spanbert.checkpoint.parts import write_part

CARDS = Path(__file__).parent / "cards"


def main() -> None:
    """Write the part."""
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    source, dev, target = map(Path, sys.argv[1:])
    trained = read_folder(source)
    part = write_part(read_folder(target), trained)
    assert trained.task is not None  # else there would be no part
    report = spanbert.evaluate(trained.task.name, model=str(target), data=dev).report
    rows = "\n".join(f"| {name} | {value:.2f} |" for name, value in report.values.items())
    card = (CARDS / f"{trained.task.name}.md").read_text(encoding="utf-8")
    (part / "README.md").write_text(card.format(rows=rows), encoding="utf-8")
    size = sum(file.stat().st_size for file in part.iterdir())
    print(f"{part}: {size / 1e6:.1f} MB; on {dev} {report.values}")


if __name__ == "__main__":
    main()
