import ast
import json
import re

import pytest
import transformers

import spanbert
from spanbert.scoring.report import Report
from spanbert.tasks.question_answering.task import QaSettings, QuestionAnswering
from spanbert.workflows.model_card import CardFacts, model_card
from spanbert.workflows.settings import FinetuneSettings


@pytest.fixture
def card() -> str:
    facts = CardFacts(
        task=QuestionAnswering(),
        fitted=QuestionAnswering(QaSettings(no_answer_threshold=1.5, temperature=2.0)),
        settings=FinetuneSettings(steps=7, learning_rate=3e-4),
        start="folders/start",
        counts={"a.json": 100, "held|out.json": 20},
        report=Report(
            "question-answering",
            {"exact_match": 61.234, "f1": 72.5},
            "f1",
            counts={"questions": 20},
            lost_gold={"answers without a piece (training)": 3},
        ),
    )
    return model_card(facts, "my-model")


def test_front_matter_is_what_the_hub_reads(card):
    head = card.split("---\n")[1]
    assert head.splitlines() == [
        "library_name: spanbert",
        "pipeline_tag: question-answering",
        "tags:",
        "- spanbert",
        "- question-answering",
    ]


def test_all_that_was_measured_is_told(card):
    for line in (
        "| f1 | 72.50 |",
        "| questions | 20 |",
        "| `a.json` | 100 |",
        "| `held&#124;out.json` | 20 |",
        "| answers without a piece (training) | 3 |",
        "| no_answer_threshold | 1.5 |",
        "| temperature | 2.0 |",
        "`folders/start`",
    ):
        assert line in card
    settings = json.loads(re.search(r"```json\n(.*?)```", card, re.DOTALL)[1])
    assert (settings["steps"], settings["learning_rate"]) == (7, 3e-4)
    assert "license:" not in card
    assert "epochs" not in settings  # it had no effect


def test_the_lines_for_use_are_python_of_at_most_three_lines(card):
    blocks = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        ast.parse(block)
        assert block.count("\n") == 3


def test_the_lines_for_use_run(card, qa_model, capsys):
    for block in re.findall(r"```python\n(.*?)```", card, re.DOTALL):
        exec(block.replace("PATH/OF/THIS/FOLDER", str(qa_model)), {})
    assert "QaPrediction(id=" in capsys.readouterr().out
    assert spanbert.__version__ in card
    assert transformers.AutoModelForQuestionAnswering is not None
