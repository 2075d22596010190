"""The peer of `question_answering_speed.py`: runs where transformers 4 is installed and this package is not.

Reads a batch size a line from standard input, answers all questions, prints seconds and answers as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import torch
from transformers import pipeline

model, data, threads = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(threads)
items = json.loads(data.read_text(encoding="utf-8"))
answer = pipeline("question-answering", model=model, tokenizer=model, device=-1)
inputs = [{"question": item["question"], "context": item["context"]} for item in items]
for line in sys.stdin:
    began = time.perf_counter()
    with torch.inference_mode():
        found = answer(inputs, batch_size=int(line))
    seconds = time.perf_counter() - began
    answers = {item["id"]: given["answer"] for item, given in zip(items, found, strict=True)}
    print(json.dumps({"seconds": seconds, "answers": answers}), flush=True)
