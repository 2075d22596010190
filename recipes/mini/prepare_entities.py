"""Names of one small set of types from two freely licensed sets that have types of their own.

    python recipes/mini/prepare_entities.py DATA/ner runs/mini/entities-data

Posts of social media (WNUT 2017, CC BY 4.0) and five Wikipedia domains (CrossNER, MIT). A type without a
place in the set is left out, so that its mentions teach "no name of these types".
"""

from __future__ import annotations

import sys
from pathlib import Path

TYPES = {
    "person": "person researcher writer musicalartist politician scientist",
    "organization": "corporation group organisation university band politicalparty",
    "location": "location country",
    "event": "event conference election",
    "work": "creative-work book poem album song magazine academicjournal",
    "product": "product programlang",
}
COMMON = {own: common for common, names in TYPES.items() for own in names.split()}
DOMAINS = ("ai", "literature", "music", "politics", "science")
SOURCES = ("wnut17", *(f"crossner/{domain}" for domain in DOMAINS))


def main() -> None:
    """Write train.conll and dev.conll; dev.conll of each source too, for scores by domain."""
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    data, target = map(Path, sys.argv[1:])
    target.mkdir(parents=True, exist_ok=True)
    for part in ("train", "dev"):
        texts = {source: mapped(data / source / f"{part}.conll") for source in SOURCES}
        (target / f"{part}.conll").write_text("\n".join(texts.values()), encoding="utf-8")
        if part == "dev":
            for source, text in texts.items():
                (target / f"dev-{Path(source).name}.conll").write_text(text, encoding="utf-8")


def mapped(path: Path) -> str:
    """A CoNLL file with common types."""
    lines = []
    for line in path.read_text(encoding="utf-8").split("\n"):
        word, tab, tag = line.partition("\t")
        common = COMMON.get(tag[2:])
        lines.append(f"{word}\t{tag[:2]}{common}" if common else f"{word}\tO" if tab else line)
    return "\n".join(lines)


if __name__ == "__main__":
    main()
