"""The tokenizer of a model folder, and the rule that a cased model never lower-cases in silence."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tokenizers import normalizers

from spanbert.checkpoint.json_object import json_object
from spanbert.errors import CheckpointError
from spanbert.text.tokenizer import Tokenizer

HOW_TO_GIVE = "put the vocab.txt or tokenizer.json of the model it was trained from"


def read_tokenizer(folder: Path) -> tuple[Tokenizer, list[str]]:
    """The tokenizer of a folder: `tokenizer.json`, else `vocab.txt` with what `tokenizer_config.json` says.

    Returns:
        The tokenizer, and notes on what had to be concluded.

    Raises:
        CheckpointError: neither is there, or text of a cased vocabulary would be lower-cased.
    """
    for name in ("tokenizer.json", "vocab.txt"):
        if (folder / name).is_file():
            return tokenizer_from(folder / name, None, _config_beside(folder / name))
    raise CheckpointError(
        f"{folder}: no vocabulary; {HOW_TO_GIVE} there, or: "
        f"spanbert convert {folder} --vocab FILE --output DIR"
    )


def tokenizer_from(
    path: Path, lowercase: bool | None, config: dict[str, Any] | None = None
) -> tuple[Tokenizer, list[str]]:
    """A tokenizer from a `vocab.txt`, a `tokenizer.json` or a folder that holds one.

    Args:
        path: the file or folder.
        lowercase: whether text is lower-cased; None takes what the files say, and then what the pieces show.
        config: content of `tokenizer_config.json`.

    Raises:
        CheckpointError: as `read_tokenizer`.
    """
    if path.is_dir():
        if lowercase is None:
            return read_tokenizer(path)
        path = path / "tokenizer.json" if (path / "tokenizer.json").is_file() else path / "vocab.txt"
    config = config or {}
    notes: list[str] = []
    if path.suffix == ".json":
        tokenizer = Tokenizer.from_file(path)
        if lowercase is not None:
            _set_lowercase(tokenizer, lowercase)
    else:
        if lowercase is None:
            lowercase = config.get("do_lower_case")
        if lowercase is None:
            probe = Tokenizer.from_vocabulary(path, lowercase=False)
            lowercase = not is_cased(probe.backend.get_vocab())
            why = "lower-cased, for no piece holds" if lowercase else "not, for pieces hold"
            notes.append(
                f"{path.name}: nothing says whether text is lower-cased; it is {why} upper-case letters"
            )
        tokenizer = Tokenizer.from_vocabulary(
            path,
            lowercase=bool(lowercase),
            strip_accents=config.get("strip_accents"),
            split_chinese=config.get("tokenize_chinese_chars") is not False,
        )
    if tokenizer.lowercase and is_cased(tokenizer.backend.get_vocab()):
        raise CheckpointError(
            f"{path}: text would be lower-cased, but the vocabulary is cased (it holds upper-case letters); "
            f"mend it with: spanbert convert {path.parent} --no-lowercase --output DIR"
        )
    return tokenizer, notes


def is_cased(pieces: Iterable[str]) -> bool:
    """Whether a vocabulary tells upper case from lower case.

    Special pieces (`[CLS]`, `<s>`) do not count, nor does a stray one in a thousand.
    """
    words = [piece for piece in pieces if not re.fullmatch(r"\[.*\]|<.*>", piece)]
    upper = sum(piece.lower() != piece for piece in words)
    return upper * 1000 > len(words)


def _set_lowercase(tokenizer: Tokenizer, lowercase: bool) -> None:
    old = tokenizer.backend.normalizer
    tokenizer.backend.normalizer = normalizers.BertNormalizer(
        clean_text=getattr(old, "clean_text", True),
        handle_chinese_chars=getattr(old, "handle_chinese_chars", True),
        strip_accents=getattr(old, "strip_accents", None),
        lowercase=lowercase,
    )


def _config_beside(path: Path) -> dict[str, Any]:
    config = path.with_name("tokenizer_config.json")
    return json_object(config) if config.is_file() else {}
