"""What the model in the package scores on questions it never saw in training, and what its small form costs.

    python benchmarks/shipped_model.py DATA --full runs/mini/model

DATA is the folder with squad1/, squad2/ ... (SQuAD-style JSON). `--full` names the float32 folder that the
package's compact one was made of. No question of these files chose or fitted anything of the model.
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
SETS = ("squad1/dev.json", "squad2/dev.json", "disfl-qa/dev.json", "newwiki/dev.json.gz", "qed/dev.json")
COMPARED = SETS[:2]
"""Sets on which the other forms of the model are scored too."""


def row(name: str, form: str, found: Evaluation) -> dict[str, Any]:
    """One line of the result."""
    return {
        "data": name,
        "form": form,
        **found.report.values,
        **found.report.details,
        "questions": found.report.counts["questions"],
    }


def main() -> None:
    """Score and write the result file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--full", type=Path, default=None, help="float32 folder of the same model")
    parser.add_argument("--output", type=Path, default=HERE / "results" / "shipped_model.json")
    arguments = parser.parse_args()
    forms: list[tuple[str, str, str, tuple[str, ...]]] = [
        ("compact weights, float32 arithmetic (as shipped)", "mini", "float32", SETS),
        ("compact weights, int8 arithmetic", "mini", "int8", COMPARED),
    ]
    if arguments.full is not None:
        forms.append(("float32 weights and arithmetic", str(arguments.full), "float32", COMPARED))
    rows = []
    for form, model, precision, sets in forms:
        for name in sets:
            found = spanbert.evaluate(
                "question-answering",
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
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(f"written to {arguments.output}")


if __name__ == "__main__":
    main()
