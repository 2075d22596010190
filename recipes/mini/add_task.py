"""Add a further task to the model in the package: what differs from `mini`, as int8 rows.

    python recipes/mini/add_task.py runs/mini/entities DEV src/spanbert/models/mini

The first folder is a model that was fine-tuned from `mini` with `frozen_layers`. Its temperature and
thresholds are fitted anew on DEV with the weights as they are shipped; its card is copied beside them.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import spanbert
from spanbert.checkpoint.folder import read_folder, write_task
from spanbert.checkpoint.parts import write_part
from spanbert.workflows.model_source import describe


def main() -> None:
    """Write the part."""
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    source, held_out, target = map(Path, sys.argv[1:])
    trained = read_folder(source)
    part = write_part(read_folder(target), trained)
    assert trained.task is not None  # else there would be no part
    predictor = spanbert.load(target, trained.task.name)
    examples = list(predictor.task.read(held_out))
    predictions = list(predictor.predict(examples))
    task = predictor.task.fit(examples, predictions)
    write_task(part, describe(task))
    shutil.copy(source / "README.md", part / "README.md")
    report = task.score(examples, [task.refit(prediction) for prediction in predictions])
    size = sum(file.stat().st_size for file in part.iterdir())
    print(f"{part}: {size / 1e6:.1f} MB; on {held_out} {report.values}")


if __name__ == "__main__":
    main()
