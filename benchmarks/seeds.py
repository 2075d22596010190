"""Mean and spread of a recipe over seeds, on data that chose nothing.

    python benchmarks/seeds.py coreference DATA/coref/litbank/dev.jsonlines runs/seed-0 runs/seed-1

Models are made by `spanbert finetune TASK --config RECIPE --seed N --output FOLDER`. The result names the
recipe's settings as the runs recorded them, and every value of each model's report. What was fitted on the
dev set is put back by `--task-settings threshold=0.5`, `no_entity_bias=0` and the like.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path
from typing import Any

from side_by_side import HERE, write_result

import spanbert


def main() -> None:
    """Score and write the result file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("task")
    parser.add_argument("data", type=Path)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--task-settings", nargs="+", default=[], metavar="NAME=VALUE")
    parser.add_argument("--output", type=Path, help="results/seeds_TASK_DATASET.json when left out")
    arguments = parser.parse_args()
    settings = [
        json.loads((model / "run" / "settings.json").read_text(encoding="utf-8"))
        for model in arguments.models
    ]
    if len({one["seed"] for one in settings}) < len(settings) or any(
        {**one, "seed": 0} != {**settings[0], "seed": 0} for one in settings
    ):
        sys.exit("the models must differ in their seeds, and in nothing else")
    neutral = dict(one.split("=", 1) for one in arguments.task_settings)
    reports = [
        spanbert.evaluate(
            arguments.task, model=model, data=arguments.data, task_settings=neutral or None
        ).report
        for model in arguments.models
    ]
    for model, report in zip(arguments.models, reports, strict=True):
        print(f"{model}: {report.primary} {report.values[report.primary]}", flush=True)
    values = {name: [report.values[name] for report in reports] for name in reports[0].values}
    dataset = arguments.data.parent.name
    name = f"seeds_{arguments.task}_{dataset}.json"
    write_result(
        arguments.output or HERE / "results" / name,
        {
            "claim": f"{reports[0].primary} of {arguments.task} on {dataset}, mean over seeds",
            "data": str(arguments.data),
            "settings": {name: value for name, value in settings[0].items() if name != "seed"},
            "task_settings_of_the_evaluation": neutral,
            "seeds": [one["seed"] for one in settings],
            "primary": reports[0].primary,
            "values": {name: spread(found) for name, found in values.items()},
        },
    )


def spread(values: list[float]) -> dict[str, Any]:
    """Mean, standard deviation, and the value of each seed."""
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return {
        "mean": round(statistics.fmean(values), 2),
        "standard_deviation": round(deviation, 2),
        "seeds": [round(value, 2) for value in values],
    }


if __name__ == "__main__":
    main()
