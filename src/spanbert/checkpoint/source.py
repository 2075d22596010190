"""From what a user calls a model to a checkpoint: shipped name, folder, archive, weights file or hub id."""

from __future__ import annotations

import re
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.resources import files
from pathlib import Path, PurePosixPath

from spanbert.checkpoint.folder import CONFIG_FILES, Checkpoint, read_folder
from spanbert.checkpoint.weight_files import SHARD_FILES, WEIGHT_FILES, no_weights
from spanbert.errors import CheckpointError

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
ARCHIVE_SUFFIXES = (".tar.gz", ".tgz", ".tar", ".tar.xz", ".tar.bz2")
WEIGHT_SUFFIXES = (".bin", ".pt", ".pth", ".safetensors")
SMALL_FILES = (
    *CONFIG_FILES,
    "vocab.txt",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "task.json",
)
SAFETENSORS_FILES = (
    "model.safetensors",
    "model.safetensors.index.json",
    "model-*.safetensors",
    "compact.safetensors",
    "tasks/*/task.json",
    "tasks/*/compact.safetensors",
)
PICKLE_FILES = ("pytorch_model.bin", "pytorch_model.bin.index.json", "pytorch_model-*.bin")


def is_model_file(name: str) -> bool:
    """Whether a file of this name in a model's folder decides what the model does."""
    weights = name in WEIGHT_FILES or SHARD_FILES.match(name) is not None
    return weights or name in SMALL_FILES or name.endswith(WEIGHT_SUFFIXES)


def read_checkpoint(model: str | Path, *, offline: bool = False) -> Checkpoint:
    """Read a model wherever it is.

    Args:
        model: shipped name, folder, archive (`.tar.gz`), weights file beside a config.json, or hub id.
            A path object is never taken for a hub id.
        offline: take hub ids from the cache only; the environment variable `HF_HUB_OFFLINE` says the same.

    Raises:
        CheckpointError: there is no such model, it cannot be fetched, or it is damaged.
    """
    place = resolve(model, offline=offline)
    if place.is_dir():
        return read_folder(place)
    if place.name.endswith(ARCHIVE_SUFFIXES):
        with _unpacked(place) as folder:
            try:
                found = read_folder(folder)
            except CheckpointError as error:
                raise _renamed(error, folder, place) from error
            tokenizer = found.found_tokenizer
            if isinstance(tokenizer, CheckpointError):
                tokenizer = _renamed(tokenizer, folder, place)
            weights = place / found.stored.path.name
            return replace(
                found, path=place, stored=replace(found.stored, path=weights), found_tokenizer=tokenizer
            )
    if place.name.endswith(WEIGHT_SUFFIXES) or place.name in WEIGHT_FILES:
        return read_folder(place.parent, place)
    raise CheckpointError(
        f"{place}: neither a model folder nor an archive ({', '.join(ARCHIVE_SUFFIXES)}) "
        f"nor a weights file ({', '.join(WEIGHT_SUFFIXES)})"
    )


def resolve(model: str | Path, *, offline: bool = False) -> Path:
    """The folder or file that a model's name stands for, fetched into the hub cache if it is a hub id.

    A shipped name goes first (`./mini` is the folder of that name), then what exists on disk, then the hub.

    Raises:
        CheckpointError: there is no such model, or it cannot be fetched.
    """
    if isinstance(model, str) and model in shipped_models():
        return _shipped_folder() / model
    try:
        path = Path(model).expanduser()
        if path.exists():
            return path
    except (OSError, RuntimeError) as error:  # a name too long for the disk, `~` of nobody
        reason = getattr(error, "strerror", None) or error
        raise CheckpointError(f"{str(model)[:100]}: no such folder or archive ({reason})") from None
    # A first part that is a folder here shows a mistyped path, which must not be asked for on the network.
    looks_hub = isinstance(model, str) and HUB_ID.fullmatch(model) and not model.endswith(ARCHIVE_SUFFIXES)
    if looks_hub and not Path(path.parts[0]).exists():
        return _from_hub(str(model), offline)
    shipped = ", ".join(shipped_models()) or "none"
    raise CheckpointError(f"{model}: no such folder or archive, nor a shipped model ({shipped})")


def called(path: Path) -> str:
    """What a user calls a model: its name where it is a shipped one, else its path."""
    return path.name if path.parent == _shipped_folder() else str(path)


def shipped_models() -> list[str]:
    """Names of the models in the package."""
    folder = _shipped_folder()
    return sorted(path.parent.name for path in folder.glob("*/config.json")) if folder.is_dir() else []


def _shipped_folder() -> Path:
    return Path(str(files("spanbert"))) / "models"


def _from_hub(name: str, offline: bool) -> Path:
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    offline = offline or constants.is_offline_mode()
    try:
        folder = Path(
            snapshot_download(
                name, allow_patterns=[*SMALL_FILES, *SAFETENSORS_FILES], local_files_only=offline
            )
        )
        if not any(folder.glob("*.safetensors")):
            folder = Path(
                snapshot_download(
                    name, allow_patterns=[*SMALL_FILES, *PICKLE_FILES], local_files_only=offline
                )
            )
    except GatedRepoError as error:
        raise CheckpointError(
            f"{name}: the hub asks for its terms to be accepted first (hf auth login)"
        ) from error
    except RepositoryNotFoundError as error:
        raise CheckpointError(f"{name}: no such folder here, and no such model on the hub") from error
    except HFValidationError as error:
        raise CheckpointError(f"{name}: no such folder here, and no valid hub id") from error
    except LocalEntryNotFoundError as error:
        if offline:
            raise CheckpointError(
                f"{name}: not in the cache, and offline; fetch it once with a network"
            ) from error
        raise CheckpointError(f"{name}: not in the cache, and the hub cannot be reached") from error
    except HfHubHTTPError as error:
        raise CheckpointError(f"{name}: the hub refused ({str(error).splitlines()[0]})") from error
    except OSError as error:
        raise CheckpointError(f"{name}: cannot be fetched ({str(error).splitlines()[0]})") from error
    return folder


@contextmanager
def _unpacked(archive: Path) -> Iterator[Path]:
    """The model files of an archive in a temporary folder; they may stand in one folder inside it."""
    with tempfile.TemporaryDirectory(prefix="spanbert-", ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary)
        try:
            with tarfile.open(archive) as stream:
                _extract(stream, folder, archive)
        except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
            reason = str(error).splitlines()[0].rstrip(":") if str(error) else type(error).__name__
            raise CheckpointError(f"{archive}: damaged or no archive ({reason})") from error
        yield folder


def _extract(stream: tarfile.TarFile, folder: Path, archive: Path) -> None:
    names: list[str] = []
    parents: set[PurePosixPath] = set()
    for member in stream:
        path = PurePosixPath(member.name)
        if path.is_absolute() or ".." in path.parts:
            raise CheckpointError(
                f"{archive}: refused, its member {member.name!r} points outside the archive"
            )
        if not member.isfile():
            continue
        names.append(path.name)
        if path.name not in (*SMALL_FILES, *WEIGHT_FILES) and not SHARD_FILES.match(path.name):
            continue
        parents.add(path.parent)
        if len(parents) > 1:
            raise CheckpointError(
                f"{archive}: holds several models ({', '.join(sorted(map(str, parents)))}); "
                "unpack it and name one"
            )
        source = stream.extractfile(member)
        assert source is not None  # it is a regular file
        with source, (folder / path.name).open("wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
    if not any((folder / name).exists() for name in WEIGHT_FILES):
        raise no_weights(archive, names)


def _renamed(error: CheckpointError, folder: Path, archive: Path) -> CheckpointError:
    return CheckpointError(str(error).replace(str(folder), str(archive)))
