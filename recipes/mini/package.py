"""Put a trained `mini` into the package: int8 rows instead of float32, a quarter of the size.

    python recipes/mini/package.py runs/mini/model runs/mini/held-out.json.gz src/spanbert/models/mini

Threshold and temperatures are fitted anew on the held-out questions, with the weights as they are shipped.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import spanbert
from spanbert.checkpoint.folder import write_compact, write_task
from spanbert.workflows.model_source import describe


def main() -> None:
    """Write the compact folder with the model card beside the weights."""
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    source, held_out, target = map(Path, sys.argv[1:])
    write_compact(source, target)
    shutil.copyfile(source / "README.md", target / "README.md")
    (target / "vocab.txt").unlink()  # tokenizer.json holds it
    predictor = spanbert.load(target)
    examples = list(predictor.task.read(held_out))
    predictions = list(predictor.predict(examples))
    task = predictor.task.fit(examples, predictions)
    write_task(target, describe(task))
    report = task.score(examples, [task.refit(prediction) for prediction in predictions])
    size = sum(file.stat().st_size for file in target.iterdir())
    print(f"{target}: {size / 1e6:.1f} MB; on the held-out questions {report.values}")


if __name__ == "__main__":
    main()
