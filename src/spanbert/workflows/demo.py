"""The demonstration: real questions of real text, answered offline by the model in the package."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import spanbert
from spanbert.workflows.ask import AskResult, ask
from spanbert.workflows.document_index import DocumentIndex, Track, untracked
from spanbert.workflows.predict import Predictor, load

GUIDE_QUESTIONS = (
    "Who introduced SpanBERT?",
    "What is the mean length of a span?",
    "Which formula ranks the passages?",
    "Under which licence is the package published?",
    "What does the span boundary objective teach the model?",
    "When was the Eiffel Tower built?",  # the guide has no answer
)
OPEN_QUESTIONS = (
    "Who is it about?",
    "Where does it take place?",
    "When did it happen?",
    "How many colours does the flag of Kenya have?",  # hardly any text has an answer
)
NEXT_STEPS = {
    "Ask your own": 'spanbert ask "QUESTION" FILE_OR_FOLDER...',
    "Find names, mentions and relations": "spanbert extract FILE_OR_FOLDER...",
}


def guide() -> Path:
    """The documentation that travels with the package."""
    return Path(spanbert.__file__).with_name("guide.md")


@dataclass(frozen=True)
class Demonstration:
    """A loaded model, an index of texts and the questions to ask of them."""

    predictor: Predictor
    index: DocumentIndex
    questions: tuple[str, ...]
    track: Track[Any]

    def results(self) -> Iterator[AskResult]:
        """Answers, question by question. Raises DataError for a question that is empty or too long."""
        for question in self.questions:
            yield ask(question, self.index, self.predictor, top=1, track=self.track)


def start(
    paths: Sequence[Path], questions: Sequence[str], model: str = "mini", track: Track[Any] = untracked
) -> Demonstration:
    """Load the model and read the texts; never goes to the network.

    Args:
        paths: files and folders; the package's guide when there are none.
        questions: what to ask; when there are none, questions of the guide, or questions that fit most texts.
        model: a shipped name or a folder.
        track: shows progress.

    Raises:
        CheckpointError: the model cannot be loaded.
        DataError: a file cannot be read.
    """
    predictor = load(model, "question-answering", offline=True)
    index = DocumentIndex(paths or [guide()], track)
    asked = tuple(questions) or (OPEN_QUESTIONS if paths else GUIDE_QUESTIONS)
    return Demonstration(predictor, index, asked, track)
