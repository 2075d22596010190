"""Options from a TOML file, joined with the flags of a command line."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from spanbert.errors import SettingsError
from spanbert.text.files import read_text
from spanbert.workflows.settings import checked

LENGTHS = {"epochs", "steps"}


def read_config(path: Path, kind: type[BaseModel]) -> dict[str, Any]:
    """Options of a TOML file, checked one by one.

    Args:
        path: the file.
        kind: its keys; each may be left out.

    Raises:
        SettingsError: broken TOML, an unknown key or a value out of range; with the line.
    """
    text = read_text(path)
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: broken TOML: {error}") from None
    for key, value in values.items():
        found = re.search(rf"^[ \t]*\[?{re.escape(key)}\b", text, re.MULTILINE)
        line = text.count("\n", 0, found.start()) + 1 if found else 1
        checked(kind, {key: value}, f"{path}:{line}")
    return values


def merged(config: dict[str, Any], flags: dict[str, Any]) -> dict[str, Any]:
    """Both sources of options; a flag wins over the file, in tables (`[task_settings]`) one by one.

    `epochs` and `steps` say the same thing: a flag for one wins over the other in the file.
    """
    if flags.keys() & LENGTHS:
        config = {name: value for name, value in config.items() if name not in LENGTHS}
    tables = {
        name: {**value, **flags.get(name, {})} for name, value in config.items() if isinstance(value, dict)
    }
    return {**config, **flags, **tables}
