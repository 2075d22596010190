"""Peak memory and speed of bulk prediction as the file grows to a million lines.

    python benchmarks/streaming_memory.py classification --data DATA/classification/sst2/dev.tsv

Files of growing length are made of the texts of DATA, over and over, and predicted from file to file, each
in a process of its own. The network is a random one of a small size (`--preset`) with the tokenizer of
MODEL: what is asked is whether memory grows with the file, not what a network needs.
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from peers.turns import peak_memory_mib
from random_head import write_with_random_head
from side_by_side import HERE, write_result
from torch import nn

from spanbert.checkpoint.folder import write_folder
from spanbert.checkpoint.names import ENCODER_NAMES, NameTable
from spanbert.checkpoint.source import read_checkpoint
from spanbert.nn.config import EncoderConfig
from spanbert.nn.encoder import Encoder
from spanbert.tasks import task_class
from spanbert.workflows.predict import load
from spanbert.workflows.predict_file import predict_file

LINES = (10_000, 100_000, 1_000_000)


def main() -> None:
    """Measure and write the result file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("task", help="a task of one text")
    parser.add_argument("--data", type=Path, help="labelled texts in a format of the task")
    parser.add_argument("--model", default="mini", help="whose tokenizer is used")
    parser.add_argument("--preset", default="tiny", help="size of the network")
    parser.add_argument("--lines", type=int, nargs="+", default=LINES)
    parser.add_argument("--output", type=Path, help="result file; results/TASK_streaming.json when left out")
    parser.add_argument("--predict", type=Path, nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.predict:
        predict(*arguments.predict)
        return
    examples = list(task_class(arguments.task)().read(arguments.data))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_random(arguments.task, arguments.model, arguments.preset, examples, folder)
        rows = [row(arguments.task, examples, count, folder) for count in arguments.lines]
    write_result(
        arguments.output or HERE / "results" / f"{arguments.task}_streaming.json",
        {
            "claim": "memory of bulk prediction does not grow with the file",
            "task": arguments.task,
            "data": str(arguments.data),
            "preset": arguments.preset,
            "files": rows,
            "peak_memory_of_longest_to_shortest": round(
                rows[-1]["peak_memory_mib"] / rows[0]["peak_memory_mib"], 3
            ),
        },
    )


def write_random(task: str, model: str, preset: str, examples: Sequence[Any], folder: Path) -> None:
    """A random network of a size with another model's tokenizer, at `folder/model`."""
    tokenizer = read_checkpoint(model).tokenizer()
    config = EncoderConfig.preset(preset, tokenizer.vocabulary_size)
    start = folder / "start"
    module = nn.ModuleDict({"encoder": Encoder(config)})
    names = NameTable.joined({"encoder": ENCODER_NAMES})
    write_folder(start, module, names, config, tokenizer, architecture="BertModel", task=None)
    write_with_random_head(task, str(start), examples, folder / "model")


def row(task: str, examples: Sequence[Any], count: int, folder: Path) -> dict[str, Any]:
    """A file of so many lines, predicted in a process of its own."""
    source, target = folder / "texts.jsonl", folder / "predictions.jsonl"
    with source.open("w", encoding="utf-8") as stream:
        for number, example in enumerate(itertools.islice(itertools.cycle(examples), count)):
            stream.write(json.dumps({"id": number, "text": example.text}, ensure_ascii=False) + "\n")
    places = map(str, (folder / "model", source, target))
    command = [sys.executable, __file__, task, "--predict", *places]
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    made = {"lines": count, "file_mib": round(source.stat().st_size / 2**20, 2), **json.loads(answer)}
    print(made, flush=True)
    return made


def predict(model: Path, source: Path, target: Path) -> None:
    """In the process of its own: from file to file, then say what it took."""
    predictor = load(model)
    loaded = peak_memory_mib()
    began = time.perf_counter()
    written = predict_file(predictor, source, target)
    seconds = time.perf_counter() - began
    told = {
        "lines_per_second": round(written / seconds, 1),
        "memory_when_loaded_mib": round(loaded),
        "peak_memory_mib": round(peak_memory_mib()),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
