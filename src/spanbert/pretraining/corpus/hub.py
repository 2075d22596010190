"""Data sets on the Hugging Face hub: their text, JSONL and Parquet files, fetched into the hub cache."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from spanbert.errors import DataError

HUB_ID = re.compile(r"(?P<id>[A-Za-z0-9][\w.-]*/[\w.-]+)(@(?P<revision>[\w./-]+))?(:(?P<folder>[\w./-]+))?")
SPLITS = frozenset({"train", "validation", "valid", "dev", "test"})
FILE_ENDINGS = (".txt", ".md", ".jsonl", ".ndjson", ".json", ".parquet", ".gz", ".zst")


def is_hub_id(name: str) -> bool:
    """Whether a name that is nothing on disk can be a hub id, rather than a mistyped path."""
    found = HUB_ID.fullmatch(name)
    return (
        found is not None
        and not found["id"].endswith(FILE_ENDINGS)
        and not Path(name.partition("/")[0]).exists()
    )


def hub_files(
    name: str, is_readable: Callable[[str], bool], split: str, offline: bool
) -> list[tuple[Path, str]]:
    """The files of one split of a data set, in the order of their names.

    Args:
        name: `owner/name`, with `@revision` and `:folder` where wanted. The hub keeps a Parquet form of most
            data sets under the revision `refs/convert/parquet`, with a folder for each configuration.
        is_readable: whether a file, by its name, can be read.
        split: files are taken that have this word in their path; where there are none, those that name no
            other split.
        offline: take the data set from the cache; the environment variable `HF_HUB_OFFLINE` says the same.

    Returns:
        Each file, and its path within the data set.

    Raises:
        DataError: there is no such data set, it cannot be fetched, or has no readable file.
    """
    from huggingface_hub import HfApi, constants, snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    parts = HUB_ID.fullmatch(name)
    assert parts is not None  # `is_hub_id` has said so
    hub_id, revision, folder = parts["id"], parts["revision"], parts["folder"]
    offline = offline or constants.is_offline_mode()
    try:
        if offline:
            there = _cached(hub_id, revision)
        else:
            siblings = HfApi().dataset_info(hub_id, revision=revision).siblings
            there = [file.rfilename for file in siblings or ()]
        chosen = _chosen(there, is_readable, folder, split)
        place = Path(
            snapshot_download(
                hub_id,
                repo_type="dataset",
                revision=revision,
                allow_patterns=chosen or ["-"],  # an empty list of patterns would fetch everything
                local_files_only=offline,
            )
        )
    except GatedRepoError as error:
        raise DataError(f"{name}: the hub asks for its terms to be accepted first (hf auth login)") from error
    except RevisionNotFoundError as error:
        raise DataError(f"{name}: the data set has no such revision") from error
    except RepositoryNotFoundError as error:
        raise DataError(f"{name}: no such file or folder here, and no such data set on the hub") from error
    except HFValidationError as error:
        raise DataError(f"{name}: no such file or folder here, and no valid hub id") from error
    except Exception as error:  # of several network libraries
        if offline or isinstance(error, LocalEntryNotFoundError):
            raise DataError(f"{name}: not, or not all, in the cache; fetch it once with a network") from error
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise DataError(f"{name}: cannot be fetched from the hub ({reason})") from error
    if not chosen:
        raise DataError(
            f"{name}: no text, JSONL or Parquet file of the split {split!r}; "
            f"try {hub_id}@refs/convert/parquet, or another split"
        )
    return [(place / file, file) for file in chosen]


def _cached(hub_id: str, revision: str | None) -> list[str]:
    """Names of a data set's files, also of those not fetched where the hub client has noted them."""
    import huggingface_hub

    if hasattr(huggingface_hub, "get_cached_repo_tree"):
        tree = huggingface_hub.get_cached_repo_tree(hub_id, repo_type="dataset", revision=revision)
        return [file.path for file in tree]
    place = huggingface_hub.snapshot_download(
        hub_id, repo_type="dataset", revision=revision, local_files_only=True
    )
    return [path.relative_to(place).as_posix() for path in Path(place).rglob("*") if path.is_file()]


def _chosen(
    files: Sequence[str], is_readable: Callable[[str], bool], folder: str | None, split: str
) -> list[str]:
    inside = [
        file
        for file in sorted(files)
        if PurePosixPath(file).is_relative_to(folder or "")
        and PurePosixPath(file).suffix not in ("", ".md")  # README, LICENSE, .gitattributes
        and is_readable(file)
    ]
    words = {file: set(re.split(r"[^A-Za-z0-9]+", file)) for file in inside}
    named = [file for file in inside if split in words[file]]
    return named or [file for file in inside if not words[file] & SPLITS]
