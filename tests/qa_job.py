"""A small question-answering job: two data files, a model to start from, a model trained on them."""

import json
from pathlib import Path

from spanbert.workflows.finetune import finetune
from tiny_start import write_start

PLACES = ["Paris", "Rome", "Oslo", "Lima", "Cairo", "Delhi", "Seoul", "Quito", "Accra", "Dakar", "Tunis"]
NAMES = ["Ada", "Bob", "Eve", "Dan", "Ida", "Max", "Zoe", "Kim", "Leo", "Mia", "Ned", "Ora", "Pam"]


def qa_lines(start: int, count: int) -> list[dict]:
    lines = []
    for number in range(start, start + count):
        name, place = NAMES[number % 13], PLACES[number * 7 % 11]
        passage = f"In the year {1900 + number} {name} went to {place} by train and stayed there for a while."
        lines.append(
            {
                "id": f"q{number}",
                "question": f"Where did {name} go?",
                "passage": passage,
                "answers": [] if number % 5 == 4 else [{"text": place, "start": passage.index(place)}],
                "article": f"travels {number % 4}",
            }
        )
    return lines


def write_jsonl(path: Path, lines: list[dict]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def write_job(folder: Path) -> Path:
    """A folder with `train.jsonl`, `dev.jsonl` and `start/`, a model to start from."""
    lines = qa_lines(0, 40)
    write_jsonl(folder / "train.jsonl", lines)
    write_jsonl(folder / "dev.jsonl", qa_lines(40, 10))
    write_start(folder / "start", [f"{line['question']} {line['passage']}" for line in lines])
    return folder


def train_model(job: Path, output: Path) -> Path:
    """A model trained for a moment on that job."""
    finetune(
        "question-answering",
        train=job / "train.jsonl",
        dev=job / "dev.jsonl",
        model=job / "start",
        output=output,
        steps=8,
        evaluations=2,
        batch_pieces=256,
        learning_rate=3e-3,
        task_settings={"window_pieces": 96},
    )
    return output
