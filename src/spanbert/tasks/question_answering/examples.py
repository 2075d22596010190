"""Records of question answering and the readers of its files: SQuAD 1.1 and 2.0 JSON, and JSONL."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from spanbert.errors import DataError
from spanbert.text.fields import identity, kind, shown, text_field, with_distinct_ids
from spanbert.text.files import read_json, read_jsonl, read_lines
from spanbert.text.spans import FoundSpan, Span

DATA_FORMATS = """SQuAD 1.1 or 2.0 JSON (.json, .json.gz), or JSONL (.jsonl, .jsonl.gz), one question a line:
{"id": "1", "question": "Who wrote it?", "passage": "Ada wrote it.", "answers": [{"text": "Ada", "start": 0}]}
"passage" may be called "context", and "answers" may be {"text": [...], "answer_start": [...]};
an empty "answers" says that the passage has no answer; for prediction "answers" is left out."""

JSONL_ENDINGS = (".jsonl", ".jsonlines", ".ndjson")


@dataclass(frozen=True, slots=True)
class GoldAnswer:
    """A right answer: `passage[chars.start:chars.end] == text`."""

    text: str
    chars: Span


@dataclass(frozen=True, slots=True)
class QaExample:
    """A question about a passage.

    Args:
        id: the caller's name for the question, a string or an integer as it was given.
        question: as asked.
        passage: where the answer is looked for.
        answers: right answers; empty when the passage has none; None when nobody said.
        article: what the passage is a part of, if known.
        always_answer: the data's protocol has no "no answer" (SQuAD 1.1): the best answer is given, whatever
            the threshold says.
    """

    id: str | int
    question: str
    passage: str
    answers: tuple[GoldAnswer, ...] | None = None
    article: str | None = None
    always_answer: bool = False


@dataclass(frozen=True, slots=True)
class QaAnswer(FoundSpan):
    """A stretch of the passage as an answer; its score is against "no answer" in its window."""

    def to_json(self) -> dict[str, Any]:
        """Plain types."""
        return {**FoundSpan.to_json(self), "score": round(self.score, 4)}


@dataclass(frozen=True, slots=True)
class QaPrediction:
    """What the model says to one question.

    Args:
        id: the example's id.
        answer: the best answer, or None for "no answer".
        no_answer_probability: calibrated chance that the passage has no answer.
        candidates: best answers, best first, whatever the threshold says.
        windows: how many windows of the passage were read.
        covered_chars: characters of the passage that were read.
        always_answer: as the example says.
    """

    id: str | int
    answer: QaAnswer | None
    no_answer_probability: float
    candidates: tuple[QaAnswer, ...]
    windows: int
    covered_chars: int
    always_answer: bool = False

    @property
    def text(self) -> str:
        """The answer's text; empty for "no answer", as the official scripts want it."""
        return self.answer.text if self.answer else ""

    @property
    def score(self) -> float:
        """The best candidate's score; minus infinity when the passage has no candidate at all."""
        return self.candidates[0].score if self.candidates else float("-inf")

    def to_json(self) -> dict[str, Any]:
        """Plain types; one line of `predictions.jsonl`."""
        return {
            "id": self.id,
            "answer": self.answer.to_json() if self.answer else None,
            "no_answer_probability": round(self.no_answer_probability, 6),
            "candidates": [candidate.to_json() for candidate in self.candidates],
            "windows": self.windows,
            "covered_chars": self.covered_chars,
        }


def read_examples(path: Path) -> Iterator[QaExample]:
    """Examples of a SQuAD JSON or JSONL file, plain or .gz; told apart by the name, else by the content.

    Raises:
        DataError: the file breaks its format; the message names file, line (or question id) and remedy.
    """
    found = _read_jsonl(path) if _is_jsonl(path) else _read_squad(path)
    yield from with_distinct_ids(found, path, "questions")


def parse_example(item: Mapping[str, Any], place: Path | str, line: int | None) -> QaExample:
    """One JSON object as an example; `answers` may be absent.

    Raises:
        DataError: a field is missing, has the wrong type, or an answer does not stand in the passage.
    """
    question = text_field(item, ("question",), place, line)
    if not question.strip():
        raise DataError("the question is empty", place, line)
    passage = text_field(item, ("passage", "context"), place, line)
    article = item.get("article", item.get("title"))
    return QaExample(
        identity(item, place, line),
        question,
        passage,
        _gold(item, passage, place, line),
        None if article is None else str(article),
    )


def _is_jsonl(path: Path) -> bool:
    if path.name.removesuffix(".gz").endswith(JSONL_ENDINGS):
        return True
    filled = (line for _, line in read_lines(path) if line.strip())
    first, second = next(filled, ""), next(filled, None)
    if second is None or not first.rstrip().endswith("}"):
        return False  # JSON in one line or laid out over many
    try:
        return isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False


def _read_jsonl(path: Path) -> Iterator[tuple[Path | str, int | None, QaExample]]:
    for line, item in read_jsonl(path):
        yield path, line, parse_example(item, path, line)


def _read_squad(path: Path) -> Iterator[tuple[Path | str, int | None, QaExample]]:
    root = read_json(path)
    if isinstance(root, dict) and "question" in root:  # JSONL of a single line under another name
        yield path, 1, parse_example(root, path, 1)
        return
    articles = root.get("data") if isinstance(root, dict) else None
    if not isinstance(articles, list):
        raise DataError(
            'no SQuAD file: an object with a list "data" is needed; JSONL files end in .jsonl', path
        )
    always_answer = str(root.get("version", "")).lstrip("v").startswith("1.")
    for article_number, article in enumerate(articles):
        place = f"data[{article_number}]"
        for number, paragraph in enumerate(_listed(article, "paragraphs", place, path)):
            here = f"{place}.paragraphs[{number}]"
            questions = _listed(paragraph, "qas", here, path)
            if not isinstance(paragraph.get("context"), str):
                raise DataError(f'{here} has no string "context"', path)
            title = article.get("title")
            shared = {"passage": paragraph["context"], "article": article_number if title is None else title}
            for question_number, question in enumerate(questions):
                if not isinstance(question, dict) or question.get("id") is None:
                    raise DataError(f'{here}.qas[{question_number}] has no "id"', path)
                asked = f"{path} (question {shown(question['id'])})"
                example = parse_example(question | shared, asked, None)
                yield asked, None, replace(example, always_answer=always_answer and example.answers != ())


def _listed(holder: Any, name: str, place: str, path: Path) -> list[Any]:
    value = holder.get(name) if isinstance(holder, dict) else None
    if not isinstance(value, list):
        raise DataError(f'{place} has no list "{name}"', path)
    return value


def _gold(
    item: Mapping[str, Any], passage: str, place: Path | str, line: int | None
) -> tuple[GoldAnswer, ...] | None:
    answers, impossible = item.get("answers"), item.get("is_impossible")
    if not isinstance(impossible, bool | None):
        raise DataError(f'"is_impossible" must be true or false, found {kind(impossible)}', place, line)
    if answers is None:
        return () if impossible else None
    gold = dict.fromkeys(
        _gold_answer(text, start, passage, place, line)
        for text, start in _answer_fields(answers, place, line)
    )
    if gold and impossible:
        raise DataError('"is_impossible" is true although there are answers; drop one of them', place, line)
    return tuple(gold)


def _answer_fields(answers: Any, place: Path | str, line: int | None) -> list[tuple[Any, Any]]:
    """(text, start) of each answer, still unchecked."""
    if isinstance(answers, dict):  # in columns, as Hugging Face datasets holds them
        texts, starts = answers.get("text"), answers.get("answer_start", answers.get("start"))
        if not isinstance(texts, list) or not isinstance(starts, list) or len(texts) != len(starts):
            raise DataError('"answers" needs two lists of one length, "text" and "answer_start"', place, line)
        return list(zip(texts, starts, strict=True))
    if not isinstance(answers, list) or not all(isinstance(answer, dict) for answer in answers):
        raise DataError('"answers" must be a list of objects with "text" and "start"', place, line)
    return [(answer.get("text"), answer.get("answer_start", answer.get("start"))) for answer in answers]


def _gold_answer(text: Any, start: Any, passage: str, place: Path | str, line: int | None) -> GoldAnswer:
    if not isinstance(text, str) or not isinstance(start, int) or isinstance(start, bool):
        raise DataError(
            'an answer needs a string "text" and an integer "start" (or "answer_start")', place, line
        )
    if not text.strip():
        raise DataError("an answer is empty; leave it out to say that there is none", place, line)
    if start < 0 or not passage.startswith(text, start):
        real = passage.find(text)
        remedy = "it stands nowhere in it" if real < 0 else f"it stands at character {real}"
        raise DataError(
            f"the answer {shown(text)} does not stand at character {start} of its passage; {remedy}",
            place,
            line,
        )
    return GoldAnswer(text, Span(start, start + len(text)))
