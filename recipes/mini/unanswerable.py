"""Questions that their passage does not answer, made from questions that it does.

SQuAD 2.0's unanswerable questions were written by people from answerable ones; the kinds that they used most
(Rajpurkar et al. 2018, table 2: another entity, an antonym, a negation) can be had by rule. Some results are
answerable by accident; next to the written ones they still teach to compare every word of the question.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence

# A capitalised run that does not begin a sentence; a year; another number.
NAME = re.compile(r"(?<=[a-z,'’] )[A-Z][\w-]+(?: (?:of |the |de )?[A-Z][\w-]+)*")
YEAR = re.compile(r"\b(?:1[0-9]{3}|20[0-9]{2})\b")
NUMBER = re.compile(r"\b(?!(?:1[0-9]{3}|20[0-9]{2})\b)[0-9]+(?:[.,][0-9]+)*\b")
KINDS = {"name": NAME, "year": YEAR, "number": NUMBER}

ANTONYMS = (
    "first last, before after, more less, most least, largest smallest, larger smaller, biggest smallest, "
    "highest lowest, higher lower, oldest youngest, earliest latest, early late, best worst, better worse, "
    "increase decrease, increased decreased, began ended, begin end, start stop, started stopped, "
    "won lost, win lose, north south, northern southern, east west, eastern western, northeast southwest, "
    "inside outside, above below, over under, majority minority, maximum minimum, major minor, "
    "common rare, allowed prohibited, allow prevent, accepted rejected, created destroyed, built demolished, "
    "joined left, gained lost, added removed, included excluded, include exclude, supported opposed, "
    "support oppose, caused prevented, cause prevent, longest shortest, long short, strong weak, "
    "public private, positive negative, male female, men women, king queen, father mother, son daughter, "
    "husband wife, brother sister, modern ancient, new old, high low, hot cold, upper lower, rural urban, "
    "internal external, primary secondary, import export, true false, open closed, opened closed, "
    "arrived departed, buy sell, bought sold, born died, known unknown, successful unsuccessful, "
    "similar different, same different, never always, all none, advantage disadvantage, "
    "strengths weaknesses, benefits drawbacks, winner loser, success failure, acquired sold, "
    "attacked defended"
)
OPPOSITE: dict[str, list[str]] = {}
for pair in ANTONYMS.split(", "):
    one, other = pair.split(" ")
    OPPOSITE.setdefault(one, []).append(other)
    OPPOSITE.setdefault(other, []).append(one)
NEGATED = {
    "did": ["didn't"], "does": ["doesn't"], "do": ["don't"], "was": ["wasn't"], "were": ["weren't"],
    "is": ["isn't"], "are": ["aren't"], "can": ["can't"], "could": ["couldn't"], "has": ["hasn't"],
    "had": ["hadn't"], "would": ["wouldn't"],
}  # fmt: skip
WORD = re.compile(r"\b[a-z]+\b")


def mentions(texts: Iterable[str]) -> dict[str, list[str]]:
    """Distinct mentions of each kind in the texts, sorted."""
    found: dict[str, set[str]] = {kind: set() for kind in KINDS}
    for text in texts:
        for kind, pattern in KINDS.items():
            found[kind].update(match.group() for match in pattern.finditer(text))
    return {kind: sorted(names) for kind, names in found.items()}


def with_another_mention(
    question: str, answers: Sequence[str], pools: Sequence[dict[str, list[str]]], chance: random.Random
) -> str | None:
    """Replace one name or number by another of its kind, out of one of the pools."""
    found = [(kind, match) for kind, pattern in KINDS.items() for match in pattern.finditer(question)]
    chance.shuffle(found)
    for kind, match in found:
        old = match.group()
        for pool in chance.sample(list(pools), len(pools)):
            others = [
                new
                for new in pool[kind]
                if abs(new.count(" ") - old.count(" ")) <= 1
                and new.lower() not in question.lower()
                and old.lower() not in new.lower()
                and not any(new in answer or answer in new for answer in answers)
            ]
            if others:
                return question[: match.start()] + chance.choice(others) + question[match.end() :]
    return None


def with_another_word(question: str, words: dict[str, list[str]], chance: random.Random) -> str | None:
    """Replace one of the words that the table knows."""
    found = [match for match in WORD.finditer(question) if match.group() in words]
    if not found:
        return None
    match = found[0] if words is NEGATED else chance.choice(found)
    return question[: match.start()] + chance.choice(words[match.group()]) + question[match.end() :]


def unanswerable(
    question: str, answers: Sequence[str], pools: Sequence[dict[str, list[str]]], chance: random.Random
) -> str | None:
    """The question with one detail changed, or None where it holds none that could be."""
    ways = chance.choices(("mention", "antonym", "negation"), (0.6, 0.3, 0.1))
    for way in [*ways, "antonym", "mention"]:
        changed = (
            with_another_mention(question, answers, pools, chance)
            if way == "mention"
            else with_another_word(question, OPPOSITE if way == "antonym" else NEGATED, chance)
        )
        if changed is not None:
            return changed
    return None
