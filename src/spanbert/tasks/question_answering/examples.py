"""Records of question answering and the readers of its files: SQuAD 1.1 and 2.0 JSON, and JSONL."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spanbert.errors import DataError
from spanbert.text.files import json_objects, read_json, read_jsonl, read_lines
from spanbert.text.spans import Span

DATA_FORMATS = """SQuAD 1.1 or 2.0 JSON (.json, .json.gz), or JSONL (.jsonl, .jsonl.gz), one question a line:
{"id": "q1", "question": "Who wrote it?", "passage": "Ada wrote it.", "answers": [{"text": "Ada", "start": 0}]}
"passage" may be called "context"; an empty "answers" says that the passage has no answer;
for prediction "answers" is left out."""


@dataclass(frozen=True, slots=True)
class GoldAnswer:
    """A right answer: `passage[chars.start:chars.end] == text`."""

    text: str
    chars: Span


@dataclass(frozen=True, slots=True)
class QaExample:
    """A question about a passage.

    Args:
        id: the caller's name for the question.
        question: as asked.
        passage: where the answer is looked for.
        answers: right answers; empty when the passage has none; None when nobody said.
        article: what the passage is a part of, if known.
    """

    id: str
    question: str
    passage: str
    answers: tuple[GoldAnswer, ...] | None = None
    article: str | None = None


@dataclass(frozen=True, slots=True)
class QaAnswer:
    """A stretch of the passage as an answer: `passage[chars.start:chars.end] == text`."""

    text: str
    chars: Span
    score: float
    """Log odds against "no answer" in its window, in nats."""
    probability: float
    """Calibrated chance that this is the right answer."""

    def to_json(self) -> dict[str, Any]:
        """Plain types."""
        return {
            "text": self.text,
            "char_start": self.chars.start,
            "char_end": self.chars.end,
            "probability": round(self.probability, 6),
            "score": round(self.score, 4),
        }


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
    """

    id: str
    answer: QaAnswer | None
    no_answer_probability: float
    candidates: tuple[QaAnswer, ...]
    windows: int
    covered_chars: int

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
    suffixes = [suffix for suffix in path.suffixes if suffix != ".gz"]
    if suffixes[-1:] in ([".jsonl"], [".jsonlines"], [".ndjson"]):
        found = _read_jsonl(path)
    elif suffixes[-1:] == [".json"] and not _has_jsonl_content(path):
        found = _read_squad(path)
    elif _has_jsonl_content(path):
        found = _read_jsonl(path)
    else:
        found = _read_squad(path)
    empty = True
    seen: set[str] = set()
    for example in found:
        if example.id in seen:
            raise DataError(f"the id {example.id!r} stands twice; ids must differ", path)
        seen.add(example.id)
        empty = False
        yield example
    if empty:
        raise DataError("the file holds no questions", path)


def _has_jsonl_content(path: Path) -> bool:
    for _, line in read_lines(path):
        if line.strip():
            try:
                first = json.loads(line)
            except json.JSONDecodeError:
                return False
            return isinstance(first, dict) and "data" not in first
    raise DataError("the file is empty", path)


def _read_jsonl(path: Path) -> Iterator[QaExample]:
    for line, item in read_jsonl(path):
        yield parse_example(item, path, line)


def parse_lines(lines: Iterator[tuple[int, str]], place: str) -> Iterator[QaExample]:
    """Examples of numbered JSONL lines that come from no file."""
    for line, item in json_objects(lines, place):
        yield parse_example(item, place, line)


def parse_example(item: Mapping[str, Any], place: Path | str, line: int | None) -> QaExample:
    """One JSON object as an example; `answers` may be absent.

    Raises:
        DataError: a field is missing, has the wrong type, or an answer does not stand in the passage.
    """
    passage = item.get("passage", item.get("context"))
    question = item.get("question")
    fields = {"question": question, "passage": passage}
    for name, value in fields.items():
        if value is None:
            raise DataError(
                f"no {name!r} field; found {', '.join(map(repr, item)) or 'nothing'}", place, line
            )
        if not isinstance(value, str):
            raise DataError(f"{name!r} must be a string, found {type(value).__name__}", place, line)
    assert isinstance(question, str)
    assert isinstance(passage, str)
    if not question.strip():
        raise DataError("the question is empty", place, line)
    identity = item.get("id", str(line) if line is not None else "0")
    answers = item.get("answers")
    gold = None
    if answers is not None or item.get("is_impossible"):
        gold = _gold_answers(answers or [], bool(item.get("is_impossible")), passage, place, line, identity)
    article = item.get("article", item.get("title"))
    return QaExample(str(identity), question, passage, gold, str(article) if article is not None else None)


def _read_squad(path: Path) -> Iterator[QaExample]:
    root = read_json(path)
    articles = root.get("data") if isinstance(root, dict) else None
    if not isinstance(articles, list):
        raise DataError(
            'no SQuAD file: an object with a list "data" is needed (JSONL files end in .jsonl)', path
        )
    for article_number, article in enumerate(articles):
        place = f"data[{article_number}]"
        for number, paragraph in enumerate(_listed(article, "paragraphs", place, path)):
            here = f"{place}.paragraphs[{number}]"
            if not isinstance(paragraph, dict) or not isinstance(paragraph.get("context"), str):
                raise DataError(f'{here} has no string "context"', path)
            for question in _listed(paragraph, "qas", here, path):
                if not isinstance(question, dict) or "id" not in question:
                    raise DataError(f'{here}: a question has no "id"', path)
                record = {
                    **question,
                    "passage": paragraph["context"],
                    "title": article.get("title", str(article_number)),
                }
                yield parse_example(record, f"{path} (question {question['id']})", None)


def _listed(holder: Any, name: str, place: str, path: Path) -> list[Any]:
    value = holder.get(name) if isinstance(holder, dict) else None
    if not isinstance(value, list):
        raise DataError(f'{place} has no list "{name}"', path)
    return value


def _gold_answers(
    answers: Any, impossible: bool, passage: str, place: Path | str, line: int | None, identity: Any
) -> tuple[GoldAnswer, ...]:
    if not isinstance(answers, list):
        raise DataError('"answers" must be a list', place, line)
    if impossible:
        return ()
    gold: dict[GoldAnswer, None] = {}
    for answer in answers:
        text = answer.get("text") if isinstance(answer, dict) else None
        start = answer.get("answer_start", answer.get("start")) if isinstance(answer, dict) else None
        if not isinstance(text, str) or not isinstance(start, int) or isinstance(start, bool):
            raise DataError(
                'an answer needs a string "text" and an integer "start" (or "answer_start")', place, line
            )
        if not text:
            raise DataError("an answer is empty; leave it out to say that there is none", place, line)
        if start < 0 or passage[start : start + len(text)] != text:
            raise DataError(
                f"question {identity!r}: the answer {text[:40]!r} does not stand at character {start} "
                f"of its passage (found {passage[max(start, 0) : max(start, 0) + len(text)][:40]!r})",
                place,
                line,
            )
        gold[GoldAnswer(text, Span(start, start + len(text)))] = None
    return tuple(gold)
