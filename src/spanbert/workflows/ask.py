"""Ask questions of files and folders: passages by words, answers by the model, and their places."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spanbert.errors import DataError, SettingsError
from spanbert.tasks.question_answering.decode import choice_probabilities
from spanbert.tasks.question_answering.examples import QaExample, QaPrediction
from spanbert.tasks.question_answering.settings import QaSettings
from spanbert.text.documents import Skipped
from spanbert.text.passages import Passage, sentence_around
from spanbert.text.spans import Span
from spanbert.workflows.document_index import DocumentIndex, Track, untracked
from spanbert.workflows.predict import Predictor

PASSAGES_READ = 20


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file something stands.

    Args:
        path: the file.
        chars: characters of the file's text (for PDF, .docx and HTML: of the text taken from it).
        line: line of the file from 1; None for kinds without lines.
        page: page from 1; None for kinds without pages.
    """

    path: Path
    chars: Span
    line: int | None
    page: int | None

    def __str__(self) -> str:
        line = f":{self.line}" if self.line is not None else ""
        return f"{self.path}{line}" + (f" (page {self.page})" if self.page is not None else "")

    def to_json(self) -> dict[str, Any]:
        """Plain types."""
        return {
            "file": str(self.path),
            "char_start": self.chars.start,
            "char_end": self.chars.end,
            "line": self.line,
            "page": self.page,
        }


@dataclass(frozen=True, slots=True)
class FoundAnswer:
    """An answer in a document.

    Args:
        text: the answer as it stands there.
        place: where its likeliest occurrence stands.
        sentence: the sentence around it: `sentence[chars_in_sentence.start:chars_in_sentence.end] == text`.
        chars_in_sentence: where in the sentence.
        score: log odds against "no answer" in its passage, in nats.
        probability: calibrated chance among all answers found, "no answer" among them.
        other_places: where the model found the same words, likeliest first.
    """

    text: str
    place: Place
    sentence: str
    chars_in_sentence: Span
    score: float
    probability: float
    other_places: tuple[Place, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain types."""
        return {
            "text": self.text,
            **self.place.to_json(),
            "probability": round(self.probability, 6),
            "score": round(self.score, 4),
            "sentence": self.sentence,
            "sentence_char_start": self.chars_in_sentence.start,
            "sentence_char_end": self.chars_in_sentence.end,
            "other_places": [place.to_json() for place in self.other_places],
        }


@dataclass(frozen=True, slots=True)
class AskResult:
    """What the documents say to a question.

    Args:
        question: as asked.
        answers: answers above the model's threshold, likeliest first; empty for "no answer".
        closest: the best stretch of text where there is no answer.
        no_answer_probability: calibrated chance that the documents have no answer.
        threshold: score that an answer must pass to be given.
        documents: files that were read.
        passages: passages of all files.
        passages_read: passages that the model read.
        skipped: files of the folders that were not read or only in part, and why.
        seconds: from the question to the answers; reading the files counts when this question needed it.
    """

    question: str
    answers: tuple[FoundAnswer, ...]
    closest: FoundAnswer | None
    no_answer_probability: float
    threshold: float
    documents: int
    passages: int
    passages_read: int
    skipped: tuple[Skipped, ...]
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Plain types; what `ask --json` prints."""
        return {
            "question": self.question,
            "answer": self.answers[0].to_json() if self.answers else None,
            "answers": [answer.to_json() for answer in self.answers],
            "closest": self.closest.to_json() if self.closest else None,
            "no_answer_probability": round(self.no_answer_probability, 6),
            "threshold": round(self.threshold, 4),
            "documents": self.documents,
            "passages": self.passages,
            "passages_read": self.passages_read,
            "skipped": [{"file": str(item.path), "reason": item.reason} for item in self.skipped],
            "seconds": round(self.seconds, 3),
        }


def ask(
    question: str,
    source: DocumentIndex | str | Path | Iterable[str | Path],
    predictor: Predictor,
    *,
    top: int = 3,
    passages_read: int = PASSAGES_READ,
    track: Track[Any] = untracked,
) -> AskResult:
    """Answer a question from documents.

    Args:
        question: in plain words.
        source: a file or folder or several, or an index of them where several questions are asked.
        predictor: a model of question answering.
        top: how many answers at most.
        passages_read: how many passages the model reads, those that share most words with the question.
        track: shows progress.

    Raises:
        DataError: the question is empty or too long, or a file cannot be read.
        SettingsError: `top` or `passages_read` is less than 1.
    """
    started = time.perf_counter()
    if not question.strip():
        raise DataError("the question is empty")
    for name, value in (("top", top), ("passages_read", passages_read)):
        if value < 1:
            raise SettingsError(f"{name} must be at least 1, got {value}")
    index = source if isinstance(source, DocumentIndex) else DocumentIndex(source, track, question)
    found = index.search(question, passages_read)
    examples = (QaExample(str(number), question, passage.text) for number, passage in enumerate(found))
    predictions = list(track(predictor.predict(examples), "answering", len(found)))
    settings: QaSettings = predictor.task.settings
    groups, no_answer = join(found, predictions, settings)
    given = [group for group in groups if group[0].score > settings.no_answer_threshold][:top]
    return AskResult(
        question=question,
        answers=tuple(map(_answer, given)),
        closest=_answer(groups[0]) if groups and not given else None,
        no_answer_probability=no_answer,
        threshold=settings.no_answer_threshold,
        documents=index.document_count,
        passages=len(index),
        passages_read=len(found),
        skipped=(*index.skipped, *index.notes),
        seconds=time.perf_counter() - started,
    )


@dataclass(frozen=True, slots=True)
class Hit:
    """A candidate in its document, not yet looked up by line and page: `chars` are the document's."""

    passage: Passage
    chars: Span
    score: float
    probability: float

    @property
    def text(self) -> str:
        """The words themselves."""
        return self.passage.document.text[self.chars.start : self.chars.end]


def join(
    found: Sequence[Passage], predictions: Sequence[QaPrediction], settings: QaSettings
) -> tuple[list[list[Hit]], float]:
    """Candidates of several passages as one ranking.

    A score is the log odds of a span against "no answer" in its own passage, which makes scores of
    different passages comparable; chances are shared among all spans and one "no answer". Of spans that
    overlap in their document the best is kept, and equal words at several places are one group.

    Returns:
        Groups of hits with equal words, best first, likewise in each group; and the chance of "no answer".
    """
    best: dict[tuple[Path, Span], tuple[float, Passage]] = {}
    for passage, prediction in zip(found, predictions, strict=True):
        for candidate in prediction.candidates:
            key = (passage.document.path, candidate.chars.shift(passage.chars.start))
            if key not in best or candidate.score > best[key][0]:
                best[key] = (candidate.score, passage)
    ranked = sorted(best.items(), key=lambda item: -item[1][0])
    chances = choice_probabilities([score for _, (score, _) in ranked], settings)
    kept: dict[Path, list[Span]] = {}
    groups: dict[str, list[Hit]] = {}
    for ((path, chars), (score, passage)), chance in zip(ranked, chances[1:], strict=True):
        taken = kept.setdefault(path, [])
        if not any(chars.overlaps(other) for other in taken):
            taken.append(chars)
            hit = Hit(passage, chars, score, float(chance))
            groups.setdefault(" ".join(hit.text.casefold().split()), []).append(hit)
    return list(groups.values()), float(chances[0])


def _answer(group: Sequence[Hit]) -> FoundAnswer:
    best = group[0]
    sentence = sentence_around(best.passage, best.chars)
    return FoundAnswer(
        text=best.text,
        place=_place(best),
        sentence=best.passage.document.text[sentence.start : sentence.end],
        chars_in_sentence=best.chars.shift(-sentence.start),
        score=best.score,
        probability=best.probability,
        other_places=tuple(_place(hit) for hit in group[1:]),
    )


def _place(hit: Hit) -> Place:
    document, start = hit.passage.document, hit.chars.start
    return Place(document.path, hit.chars, document.line(start), document.page(start))
