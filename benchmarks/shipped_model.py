"""What the model in the package scores on data that it never saw in training, and what its small form costs.

    python benchmarks/shipped_model.py question-answering DATA/qa --also "float32 weights=runs/mini/model"
    python benchmarks/shipped_model.py coreference DATA/coref --also "all layers=runs/full/coreference"

The second argument is the folder with the sets of the task (for entities, what `prepare_entities.py` of
the recipes wrote). `--also` names other forms of the model, scored beside it on the first sets. Nothing in
these files chose or fitted anything of the model.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import spanbert
from spanbert.workflows.evaluate import Evaluation
from spanbert.workflows.provenance import machine, package

HERE = Path(__file__).parent
SETS = {
    "question-answering": (
        "squad1/dev.json",
        "squad2/dev.json",
        "disfl-qa/dev.json",
        "newwiki/dev.json.gz",
        "qed/dev.json",
    ),
    "entities": (
        "dev.conll",
        *(f"dev-{source}.conll" for source in ("wnut17", "ai", "literature", "music", "politics", "science")),
    ),
    "coreference": ("litbank/dev.jsonlines", "gap/dev.tsv", "gum/dev.jsonlines"),
    "relations": ("semeval2010/dev.jsonl",),
    "similarity": ("stsb-en/dev.tsv",),
}
COMPARED = 2
"""So many sets are scored with the other forms of the model too."""


def row(name: str, form: str, found: Evaluation) -> dict[str, Any]:
    """One line of the result."""
    return {
        "data": name,
        "form": form,
        **found.report.values,
        **found.report.details,
        "counts": found.report.counts,
        "lost_gold": found.report.lost_gold,
    }


def main() -> None:
    """Score and write the result file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("task", choices=SETS)
    parser.add_argument("data", type=Path)
    parser.add_argument("--also", action="append", default=[], metavar="NAME=FOLDER", help="another form")
    arguments = parser.parse_args()
    sets = SETS[arguments.task]
    forms: list[tuple[str, str, str, tuple[str, ...]]] = [
        ("compact weights, float32 arithmetic (as shipped)", "mini", "float32", sets),
        ("compact weights, int8 arithmetic", "mini", "int8", sets[:COMPARED]),
    ]
    for also in arguments.also:
        name, _, folder = also.partition("=")
        forms.append((name, folder, "float32", sets[:COMPARED]))
    rows = []
    for form, model, precision, sets in forms:
        for name in sets:
            found = spanbert.evaluate(
                arguments.task,
                model=model,
                data=arguments.data / name,
                precision=precision,
            )
            rows.append(row(name, form, found))
            print(json.dumps(rows[-1]), flush=True)
    result = {
        "claim": "scores of the shipped model on held-out sets, and the cost of its compact form",
        "command": " ".join(["python", *sys.argv]),
        "rows": rows,
        "machine": machine(),
        "package": package(),
    }
    output = HERE / "results" / f"shipped_{arguments.task.replace('-', '_')}.json"
    output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(f"written to {output}")


if __name__ == "__main__":
    main()
