"""One inference engine: features of any number and length in, outputs in the same order, bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import nn

from spanbert.errors import SpanbertError


class Sized(Protocol):
    """One sequence for the encoder."""

    @property
    def piece_count(self) -> int:
        """Its length in pieces."""
        ...


F = TypeVar("F", bound=Sized)


class Engine(Generic[F]):
    """Runs a model over a stream of features.

    Features are read ahead in blocks of about `lookahead` pieces, sorted by length and cut into batches of at
    most `batch_pieces` pieces, so that neighbours in a batch are alike; outputs come back in the order asked.
    Memory is bounded by one block, however long the stream is.

    On a CPU each core runs batches of its own: small operations spread over all cores would spend their time
    waiting for one another.

    Args:
        model: called with a batch it returns an output with `per_sequence()`.
        collate: features to a batch.
        batch_pieces: pieces in a batch.
        lookahead: pieces in a block.
        device: where the model runs.
        workers: batches that run at the same time; when left out, one for each thread of torch (GPU: one).
    """

    def __init__(
        self,
        model: nn.Module,
        collate: Callable[[Sequence[F]], Any],
        *,
        batch_pieces: int = 4096,
        lookahead: int = 65536,
        device: torch.device | None = None,
        workers: int | None = None,
    ) -> None:
        self.model = model
        self.collate = collate
        self.batch_pieces = batch_pieces
        self.lookahead = lookahead
        self.device = device or torch.device("cpu")
        self.pieces = 0
        """Real pieces run so far."""
        self.workers = workers or (torch.get_num_threads() if self.device.type == "cpu" else 1)

    def run(self, features: Iterable[F]) -> Iterator[Any]:
        """One output a feature, in order; where the stream fails, those before the fault come first."""
        for block in self._blocks(features):
            yield from self._run_block(block)

    def _run_block(self, block: Sequence[F]) -> list[Any]:
        results: list[Any] = [None] * len(block)
        batches = list(self._batches(block))
        self.pieces += sum(feature.piece_count for feature in block)

        def run_batch(numbers: list[int]) -> None:
            batch = self.collate([block[number] for number in numbers]).to(self.device)
            with torch.inference_mode():
                found = self.model(batch).per_sequence()
            for number, result in zip(numbers, found, strict=True):
                results[number] = result

        if self.workers == 1 or len(batches) == 1:
            for numbers in batches:
                run_batch(numbers)
            return results
        threads = torch.get_num_threads()
        try:
            with ThreadPoolExecutor(self.workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
                list(pool.map(run_batch, batches))
        finally:
            torch.set_num_threads(
                threads
            )  # part of what a worker set (MKL's count) holds for the whole process
        return results

    def _blocks(self, features: Iterable[F]) -> Iterator[list[F]]:
        block: list[F] = []
        pieces = 0
        try:
            for feature in features:
                block.append(feature)
                pieces += feature.piece_count
                if pieces >= self.lookahead:
                    yield block
                    block, pieces = [], 0
        except SpanbertError:
            if block:
                yield block
            raise
        if block:
            yield block

    def _batches(self, block: Sequence[F]) -> Iterator[list[int]]:
        order = sorted(range(len(block)), key=lambda number: -block[number].piece_count)
        # A small block is shared among the workers.
        share = -(-sum(feature.piece_count for feature in block) // self.workers)
        most = min(self.batch_pieces, share)
        batch: list[int] = []
        filled = 0
        for number in order:
            size = block[number].piece_count
            if batch and filled + size > most:
                yield batch
                batch, filled = [], 0
            batch.append(number)
            filled += size
        if batch:
            yield batch
