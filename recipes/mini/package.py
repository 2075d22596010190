"""Put a trained `mini` into the package: int8 rows instead of float32, a quarter of the size.

    python recipes/mini/package.py runs/mini/model runs/mini/held-out.json.gz src/spanbert/models/mini

Threshold and temperatures are fitted anew on the held-out questions, with the weights as they are shipped.
The parts for other tasks are carried over to the new weights: they compute what they did, and stay small if
the new weights kept the lower layers (`frozen_layers`).
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import spanbert
from spanbert.checkpoint.folder import Checkpoint, read_folder, write_compact, write_task
from spanbert.checkpoint.heads import QUESTION_ANSWERING
from spanbert.checkpoint.parts import PARTS, part_names, with_part, write_part
from spanbert.scoring.report import Report
from spanbert.workflows.model_source import describe

CARD = Path(__file__).parent / "cards" / "question-answering.md"


def main() -> None:
    """Write the compact folder with its card."""
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    source, held_out, target = map(Path, sys.argv[1:])
    with tempfile.TemporaryDirectory() as folder:
        before = Path(folder) / "before"
        if (target / PARTS).exists():
            shutil.copytree(target, before)
        write_compact(source, target)
        (target / "vocab.txt").unlink()  # tokenizer.json holds it
        for name in part_names(before):
            write_part(read_folder(target), without_answers(with_part(read_folder(before), name)))
    predictor = spanbert.load(target)
    examples = list(predictor.task.read(held_out))
    predictions = list(predictor.predict(examples))
    task = predictor.task.fit(examples, predictions)
    write_task(target, describe(task))
    report = task.score(examples, [task.refit(prediction) for prediction in predictions])
    (target / "README.md").write_text(card(report), encoding="utf-8")
    size = sum(file.stat().st_size for file in target.rglob("*") if file.is_file())
    print(f"{target}: {size / 1e6:.1f} MB; on the held-out questions {report.values}")


def without_answers(part: Checkpoint) -> Checkpoint:
    """A part without the head for questions, which is the folder's own and has just changed."""
    kept = {
        name: values for name, values in part.stored.tensors.items() if name not in QUESTION_ANSWERING.tensors
    }
    return replace(part, stored=replace(part.stored, tensors=kept))


def card(report: Report) -> str:
    """The model card with the held-out scores."""
    questions = report.counts["questions"]
    return CARD.read_text(encoding="utf-8").format(
        questions=questions,
        without=questions - report.counts["questions_with_answer"],
        rows="\n".join(f"| {name} | {value:.2f} |" for name, value in report.values.items()),
    )


if __name__ == "__main__":
    main()
