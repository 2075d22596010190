"""What a cluster is called, and the text with pronouns replaced by what they mean."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from spanbert.text.spans import Span


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


SUBJECTS_AND_OBJECTS = _words("he she it they him them")
POSSESSIVES = _words("his its their hers theirs")
CHINESE_THIRD_PERSON = _words("他 她 它 他们 她们 它们 他們 她們 它們")
OTHER_PRONOUNS = _words(
    """i me my mine myself you your yours yourself yourselves we us our ours ourselves himself herself
    itself themselves themself thou thee thy thine ye one oneself this that these those who whom whose which
    what here there 我 你 您 我们 你们 我們 你們 咱们 自己 其 这 那 这些 那些 谁"""
)
PRONOUNS = SUBJECTS_AND_OBJECTS | POSSESSIVES | {"her"} | CHINESE_THIRD_PERSON | OTHER_PRONOUNS
DETERMINERS = _words("the a an this that these those my your his her its our their")
SMALL_WORDS = _words("of the and de la le du des von van der den di da el al y & for in on at")
NO_NOUN_AFTER_HER = _words(
    """and or but to in into on onto at by for from with without of off up down out over under about after
    before again as if so that than then there here when while where who which what because until since
    through during is was are were be been has had have do did does will would can could should may might
    must not never ever a an the this these those my his its our their away back home too also now once"""
)
WORD = re.compile(r"\w[\w'’-]*")


def naming_rank(text: str) -> int:
    """How well a mention names what it means: 0 a pronoun, 1 another mention, 2 a proper name.

    Proper is what has a capital on every word but small ones ("of", "de"), an article in front aside.
    """
    if text.lower() in PRONOUNS:
        return 0
    words = WORD.findall(text)
    if words and words[0].lower() in DETERMINERS:
        words = words[1:]
    telling = [word for word in words if word.lower() not in SMALL_WORDS]
    return 2 if telling and all(word[0].isupper() for word in telling) else 1


def cluster_name(mentions: Sequence[str]) -> str:
    """The most frequent proper name or a fuller one, else the first that is no pronoun, else the first.

    A fuller name has all words of the most frequent one: "Ada Brook" for "Ada"; of several the most frequent.
    A wrong mention, which a large cluster hardly lacks, so seldom gives the name. Among equals the longest
    is taken.

    Args:
        mentions: texts of the mentions in the order of the document, at least one.
    """
    counts = Counter(text for text in mentions if naming_rank(text) == 2)
    if not counts:
        return next((text for text in mentions if naming_rank(text)), mentions[0])

    def told(name: str) -> tuple[int, int]:
        return counts[name], len(name)

    usual = max(counts, key=told)
    words = set(WORD.findall(usual))
    fuller = [name for name in counts if words < set(WORD.findall(name))]
    return max(fuller, key=told, default=usual)


def resolved(text: str, clusters: Sequence[tuple[str, Sequence[Span]]]) -> str:
    """The text with pronouns of the third person replaced by the names of their clusters.

    Reflexive pronouns stay, and so do pronouns in clusters that have no better name.

    Args:
        text: the document.
        clusters: for each its name and the characters of its mentions.
    """
    swaps: dict[Span, str] = {}
    for name, mentions in clusters:
        if not naming_rank(name):
            continue
        for span in mentions:
            new = _in_place_of(text, span, name)
            if new is not None:
                swaps[span] = new
    parts, done = [], 0
    for span in sorted(swaps):
        if span.start >= done:
            parts += [text[done : span.start], swaps[span]]
            done = span.end
    return "".join([*parts, text[done:]])


def _in_place_of(text: str, span: Span, name: str) -> str | None:
    """What a pronoun becomes; None for a mention that stays as it is."""
    mention = text[span.start : span.end]
    lower = mention.lower()
    if lower in CHINESE_THIRD_PERSON:
        return name
    possessive = lower in POSSESSIVES or (lower == "her" and _noun_follows(text, span.end))
    if not possessive and lower not in SUBJECTS_AND_OBJECTS | {"her"}:
        return None
    article = WORD.match(name)
    if mention[0].isupper():
        name = name[0].upper() + name[1:]
    elif article and article[0].lower() in DETERMINERS:
        name = name[0].lower() + name[1:]
    if not possessive or name.endswith(("'s", "’s", "s'")):
        return name
    return name + ("'" if name.endswith("s") else "'s")


def _noun_follows(text: str, place: int) -> bool:
    """Whether "her" before this place is a possessive: a word follows at once that can belong to its noun."""
    following = re.compile(r"\s+(\w+)").match(text, place)
    return following is not None and following[1].lower() not in NO_NOUN_AFTER_HER
