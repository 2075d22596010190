"""`spanbert tokenizer`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from spanbert.errors import SettingsError


def tokenizer(
    *corpus: str,
    output: Path,
    size: int = 30000,
    uncased: Annotated[bool, Parameter(negative="")] = False,
    text_field: str = "text",
    split: str = "train",
    offline: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Learn a WordPiece vocabulary from text files.

    Args:
        corpus: files and folders of the kinds that `pretrain` or `ask` reads, or ids of hub data sets.
        output: folder for the tokenizer.
        size: pieces at most, special ones included.
        uncased: lower-case all text.
        text_field: of JSONL objects, or column of Parquet tables, that holds the text.
        split: part of a data set on the hub.
        offline: never go to the network.
    """
    from spanbert.workflows.train_tokenizer import train_tokenizer

    if not corpus:
        raise SettingsError(
            "say which files or folders to learn from: spanbert tokenizer CORPUS... --output DIR"
        )
    made = train_tokenizer(
        corpus, output, size=size, lowercase=uncased, text_field=text_field, split=split, offline=offline
    )
    fewer = (
        f" (the text has no more than these of the {size} asked for)" if made.vocabulary_size < size else ""
    )
    print(f"{output}: {made.vocabulary_size} pieces{fewer}")  # noqa: T201
