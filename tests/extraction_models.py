"""Tiny models of entities, coreference and relations that know one small story by heart."""

import json
from pathlib import Path

from spanbert.workflows.finetune import finetune
from tiny_start import write_start

STORY = "Ada Byron lived in London. She wrote to Charles. Charles lived in Turin."
ENTITIES = [
    ("Ada Byron", "PER", 0),
    ("London", "LOC", 0),
    ("Charles", "PER", 0),
    ("Charles", "PER", 1),
    ("Turin", "LOC", 0),
]
CLUSTERS = [[("Ada Byron", 0), ("She", 0)], [("Charles", 0), ("Charles", 1)]]


def find(words: str, nth: int) -> dict:
    """The characters of the nth occurrence in the story."""
    start = -1
    for _ in range(nth + 1):
        start = STORY.index(words, start + 1)
    return {"char_start": start, "char_end": start + len(words)}


def write_models(folder: Path) -> dict[str, Path]:
    """A folder for each task."""
    start = write_start(folder / "start", [STORY, "@ # * ^ $ % & + = ~"])
    entities = [{"type": kind, **find(words, nth)} for words, kind, nth in ENTITIES]
    clusters = [{"mentions": [find(words, nth) for words, nth in cluster]} for cluster in CLUSTERS]
    pairs = [
        {"subject": 0, "object": 1, "relation": "lives in"},
        {"subject": 3, "object": 4, "relation": "lives in"},
    ]
    lines = {
        "entities": {"text": STORY, "entities": entities},
        "coreference": {"text": STORY, "clusters": clusters},
        "relations": {"text": STORY, "entities": entities, "relations": pairs},
    }
    models = {}
    for task, line in lines.items():
        data = folder / f"{task}.jsonl"
        data.write_text(json.dumps({"id": "story", **line}) + "\n", encoding="utf-8")
        models[task] = folder / task
        finetune(
            task,
            train=data,
            dev=data,
            model=start,
            output=models[task],
            steps=60,
            evaluations=1,
            learning_rate=3e-3,
            dropout=0.0,
            task_settings={"window_pieces": 96},
        )
    return models
