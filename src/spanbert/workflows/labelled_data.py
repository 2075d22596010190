"""Labelled data as callers name it: files or frames, read with a check that there is gold."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from spanbert.errors import DataError, SettingsError, about
from spanbert.tasks.contract import ChecksGold, ReadsTables, Stratified
from spanbert.text.fields import shown
from spanbert.text.tables import ENDINGS, read_rows
from spanbert.workflows.frames import frame_rows, is_frame
from spanbert.workflows.hold_out import hold_out
from spanbert.workflows.provenance import file_sha256


@dataclass(frozen=True)
class Source:
    """A data file, or a frame.

    Args:
        name: path of the file, or what to call the frame.
        frame: of pandas or polars; None for a file.
    """

    name: str
    frame: Any = field(default=None, compare=False)

    @classmethod
    def of(cls, given: Any, what: str) -> Source:
        """A path or a frame as a caller gives it. Raises SettingsError for anything else."""
        if is_frame(given):
            return cls(f"{what} frame", given)
        if isinstance(given, str | Path):
            return cls(str(given))
        raise SettingsError(
            f"{what} must be a path or a frame of pandas or polars, got {type(given).__name__}"
        )

    def sha256(self) -> str | None:
        """Of the file, or of the frame's rows as JSON."""
        if self.frame is None:
            return file_sha256(Path(self.name))
        digest = hashlib.sha256()
        for row in frame_rows(self.frame):
            digest.update(json.dumps(row, default=str).encode())
        return digest.hexdigest()

    def read(self, task: Any) -> list[Any]:
        """Its examples. Raises DataError where something is wrong, or none has gold."""
        if self.frame is None:
            examples = list(task.read(Path(self.name)))
        else:
            rows = enumerate(frame_rows(self.frame), start=1)
            if isinstance(task, ReadsTables):
                examples = list(task.read_table(rows, map(str, self.frame.columns), self.name))
            else:
                examples = [task.parse(row, self.name, number) for number, row in rows]
        if not any(map(task.has_gold, examples)):
            columns = self._columns()
            found = f"; found {shown(columns)}" if columns else ""
            expected = " or ".join(map(repr, task.gold_fields))
            raise DataError(
                f"no example has gold, nothing to score or to learn from: expected {expected}{found}",
                self.name,
            )
        return examples

    def _columns(self) -> list[str]:
        if self.frame is not None:
            return [str(name) for name in self.frame.columns]
        if not self.name.removesuffix(".gz").lower().endswith(ENDINGS):
            return []
        return list(next(read_rows(Path(self.name)), (0, {}))[1])


@dataclass(frozen=True)
class Sources:
    """Where the data of a run comes from; without `dev` a share of the training data is held out."""

    train: tuple[Source, ...]
    dev: Source | None
    fit: Source | None

    @classmethod
    def of(cls, train: Any, dev: Any, fit: Path | None) -> Sources:
        """Paths and frames as a caller gives them; `train` may be several."""
        listed = train if isinstance(train, Sequence) and not isinstance(train, str) else [train]
        return cls(
            tuple(
                Source.of(one, "train" if number == 0 else f"train {number + 1}")
                for number, one in enumerate(listed)
            ),
            None if dev is None else Source.of(dev, "dev"),
            None if fit is None else Source.of(fit, "fit"),
        )

    def described(self) -> dict[str, Any]:
        """Names and hashes for the record of the run: other data under the same name is another run."""
        fit = self.fit or self.dev
        return {
            "train": [source.name for source in self.train],
            "dev": self.dev and self.dev.name,
            "train_sha256": [source.sha256() for source in self.train],
            "dev_sha256": self.dev and self.dev.sha256(),
            "fit_sha256": fit and fit.sha256(),
        }

    def read(self, task: Any) -> LabelledData:
        """The examples of all sources. Raises DataError where one has no gold."""
        named = [source for source in (self.dev, self.fit) if source is not None]
        found = {source.name: source.read(task) for source in dict.fromkeys((*self.train, *named))}
        dev = None if self.dev is None else found[self.dev.name]
        return LabelledData(
            [example for source in self.train for example in found[source.name]],
            dev,
            dev if self.fit is None else found[self.fit.name],
            {name: len(examples) for name, examples in found.items()},
        )


@dataclass(frozen=True)
class LabelledData:
    """Examples of a run.

    Args:
        train: to learn from.
        dev: to choose the best checkpoint by; None until a share of `train` is held out.
        fit: to fit thresholds on; the same list as `dev` where no other was named.
        counts: examples of each source.
    """

    train: list[Any]
    dev: list[Any] | None
    fit: list[Any] | None
    counts: dict[str, int]

    def with_dev(self, task: Any, share: float, seed: int) -> LabelledData:
        """The same with a dev set: as it is where there is one, else a share of the training data.

        Args:
            task: as it learned from the training data.
            share: of the examples with gold that is held out.
            seed: same seed, same share.

        Raises:
            DataError: the training data is too small for that, or the task cannot be scored by the dev data.
        """
        made = self if self.dev is not None else self._held_out(task, share, seed)
        if isinstance(task, ChecksGold):
            for what, examples in (("the dev data", made.dev), ("the data of `fit`", made.fit)):
                assert examples is not None
                with about(what):
                    task.check_gold(examples)
        return made

    def _held_out(self, task: Any, share: float, seed: int) -> LabelledData:
        gold: list[Any] = []
        free: list[Any] = []
        for example in self.train:
            (gold if task.has_gold(example) else free).append(example)
        strata = [task.stratum(example) if isinstance(task, Stratified) else None for example in gold]
        train, dev = hold_out(gold, strata, share, seed)
        told = "no dev data: %d of %d examples of the training data are held out as such"
        log = logging.getLogger(__name__)
        log.warning(told, len(dev), len(self.train))
        seen = set(map(_content, train))
        if twins := sum(_content(example) in seen for example in dev):
            log.warning("%d of them stand in the other part too, word for word: scores are too good", twins)
        counts = {**self.counts, "held out of the training data": len(dev)}
        return replace(self, train=[*train, *free], dev=dev, fit=self.fit or dev, counts=counts)


def _content(example: Any) -> str:
    """All of an example but its name."""
    return repr(replace(example, id=""))
