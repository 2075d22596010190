"""The README.md of a trained model, written from what the run measured."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import spanbert
from spanbert.scoring.report import Report
from spanbert.training.settings import TrainingSettings
from spanbert.workflows.settings import FinetuneSettings, PretrainSettings

PIPELINE_TAGS = {
    "BertForQuestionAnswering": "question-answering",
    "BertForTokenClassification": "token-classification",
    "BertForSequenceClassification": "text-classification",
    "BertForMaskedLM": "fill-mask",
}
SAMPLES = {
    "single": "single sequences",
    "pairs": "pairs of sequences with next-sentence prediction",
}


@dataclass(frozen=True)
class CardFacts:
    """What a card is written from.

    Args:
        task: as it was trained.
        fitted: the same task with what was fitted on held-out data.
        settings: of the run.
        start: the model it started from.
        counts: examples of each data file.
        report: dev scores of this checkpoint.
    """

    task: Any
    fitted: Any
    settings: FinetuneSettings
    start: str
    counts: dict[str, int]
    report: Report


def model_card(facts: CardFacts, name: str) -> str:
    """Markdown with the front matter that the Hugging Face hub reads.

    Args:
        facts: what was trained and measured.
        name: title of the card.
    """
    sections = [
        _front_matter(facts),
        f"# {name}",
        f"Does {facts.task.name}; fine-tuned from `{facts.start}` with spanbert {spanbert.__version__}.",
        "## Scores",
        f"On the dev data, by which this checkpoint was chosen (so these values flatter it a little); "
        f"`{facts.report.primary}` decided.",
        _table("metric", "value", {key: f"{value:.2f}" for key, value in facts.report.values.items()}),
        _table("counted", "number", facts.report.counts),
        "## Data",
        _table("file", "examples", {f"`{path}`": count for path, count in facts.counts.items()}),
        _lost_gold(facts.report.lost_gold),
        "## Fitted on held-out data",
        _fitted(facts),
        "## Use",
        _use(facts),
        "## Settings",
        _settings(facts.settings),
        "## Licence",
        "None is stated. Whoever passes this model on chooses one that its data and its start model allow.",
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def pretraining_card(
    report: Report, settings: PretrainSettings, start: str, corpus_pieces: int, name: str
) -> str:
    """Markdown of a pretrained encoder.

    Args:
        report: validation report of this checkpoint.
        settings: of the run.
        start: the model or preset it started from.
        corpus_pieces: pieces in the corpus.
        name: title of the card.
    """
    front = "---\nlibrary_name: spanbert\npipeline_tag: fill-mask\ntags:\n- spanbert\n- pretraining\n---"
    sections = [
        front,
        f"# {name}",
        f"An encoder with the objective `{settings.objective}` on {SAMPLES[settings.sequences]}, from "
        f"`{start}`, on a corpus of {corpus_pieces:,} pieces; trained with spanbert {spanbert.__version__}.",
        "## Validation",
        "Held-out blocks of the corpus under fixed masks; losses in nats, accuracies in percent.",
        _table("metric", "value", {key: f"{value:.4f}" for key, value in report.values.items()}),
        "## Use",
        _code(
            "console",
            "spanbert finetune TASK --train FILE --dev FILE --model PATH/OF/THIS/FOLDER --output DIR",
        ),
        "## Settings",
        _settings(settings),
        "## Licence",
        "None is stated. Whoever passes this model on chooses one that its data and its start model allow.",
    ]
    return "\n\n".join(sections) + "\n"


def _front_matter(facts: CardFacts) -> str:
    tag = PIPELINE_TAGS.get(facts.task.architecture)
    lines = ["library_name: spanbert"]
    lines += [f"pipeline_tag: {tag}"] if tag else []
    lines += ["tags:", "- spanbert", f"- {facts.task.name}"]
    return "---\n" + "\n".join(lines) + "\n---"


def _settings(settings: TrainingSettings) -> str:
    unused = {"steps"} if settings.steps is None else {"epochs"}
    return _code("json", json.dumps(settings.model_dump(mode="json", exclude=unused), indent=2))


def _table(left: str, right: str, rows: dict[str, Any]) -> str:
    if not rows:
        return ""
    head = [f"| {left} | {right} |", "|---|---:|"]
    return "\n".join(head + [f"| {key.replace('|', '&#124;')} | {value} |" for key, value in rows.items()])


def _lost_gold(lost: dict[str, int]) -> str:
    if not lost:
        return "All gold could be used."
    return "Gold that could not be used:\n\n" + _table("reason", "count", dict(lost))


def _fitted(facts: CardFacts) -> str:
    before, after = facts.task.settings.model_dump(), facts.fitted.settings.model_dump()
    changed = {key: value for key, value in after.items() if value != before[key]}
    return _table("setting", "value", changed) or "Nothing."


def _use(facts: CardFacts) -> str:
    example = next((line for line in facts.task.data_formats.splitlines() if line.startswith("{")), "{}")
    item = {key: value for key, value in json.loads(example).items() if key not in facts.task.gold_fields}
    head = re.sub("^Bert(Model)?", "AutoModel", facts.task.architecture)
    return "\n\n".join(
        [
            _code(
                "python",
                f'import spanbert\nmodel = spanbert.load("PATH/OF/THIS/FOLDER")\nprint(model({item!r}))',
            ),
            "The weights alone, in transformers (without windows, thresholds and calibration):",
            _code(
                "python",
                f"from transformers import AutoTokenizer, {head}\n"
                'tokenizer = AutoTokenizer.from_pretrained("PATH/OF/THIS/FOLDER")\n'
                f'model = {head}.from_pretrained("PATH/OF/THIS/FOLDER")',
            ),
        ]
    )


def _code(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```"
