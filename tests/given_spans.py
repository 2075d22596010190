"""A corpus of plain text once more as JSONL in which the first word of each paragraph is a given span."""

import json


def with_given_spans(corpus):
    """The JSONL file beside it; a document for each paragraph."""
    path = corpus.with_suffix(".jsonl")
    lines = [line for line in corpus.read_text(encoding="utf-8").splitlines() if line.strip()]
    documents = [{"text": line, "spans": [[0, line.index(" ")]]} for line in lines]
    path.write_text("".join(f"{json.dumps(one)}\n" for one in documents), encoding="utf-8")
    return path
