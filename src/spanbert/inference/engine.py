"""One inference engine: features of any number and length in, outputs in the same order, bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
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
K = TypeVar("K")


Track = Callable[[Iterator[Any], Callable[[], int]], Iterable[Any]]
"""(outputs, how many there will be by what is known so far) -> the same outputs."""


def untracked(outputs: Iterator[Any], _total: Callable[[], int]) -> Iterable[Any]:
    """Show nothing."""
    return outputs


class Engine(Generic[F]):
    """Runs a model over a stream of features.

    Features are read ahead in blocks, sorted by length and cut into batches of at most `batch_pieces` pieces,
    so that neighbours in a batch are alike; outputs come back in the order asked. Memory is bounded by two
    blocks, however long the stream is: while one is computed, the outputs of the one before are given out.

    On a CPU each core runs batches of its own: small operations spread over all cores would spend their time
    waiting for one another.

    Args:
        model: called with a batch it returns an output with `per_sequence()`.
        collate: features to a batch.
        batch_pieces: pieces in a batch.
        block_pieces: pieces in a block.
        device: where the model runs.
        workers: batches that run at the same time; when left out, one for each thread of torch (GPU: one).
    """

    def __init__(
        self,
        model: nn.Module,
        collate: Callable[[Sequence[F]], Any],
        *,
        batch_pieces: int = 2048,
        block_pieces: int = 32768,
        device: torch.device | None = None,
        workers: int | None = None,
    ) -> None:
        self.model = model
        self.collate = collate
        self.batch_pieces = batch_pieces
        self.block_pieces = block_pieces
        self.device = device or torch.device("cpu")
        self.pieces = 0
        """Real pieces run so far."""
        self.track: Track = untracked
        """Passes outputs on as they come and may show how far they are."""
        self.workers = workers or (torch.get_num_threads() if self.device.type == "cpu" else 1)

    def run(self, features: Iterable[F]) -> Iterator[Any]:
        """One output a feature, in order; where the stream fails, those before the fault come first."""
        threads = torch.get_num_threads()
        pool = ThreadPoolExecutor(self.workers, initializer=torch.set_num_threads, initargs=(1,))
        before: _Block[F] | None = None
        try:
            for block in self._blocks(features):
                self._start(block, pool, alone=before is None)
                if before is not None:
                    yield from before.results()
                before = block
            if before is not None:
                yield from before.results()
        finally:
            pool.shutdown(cancel_futures=True)
            # Part of what a worker set (MKL's count) holds for the whole process.
            torch.set_num_threads(threads)

    def run_groups(
        self, groups: Iterable[tuple[K, list[F]]], expected: int = 0
    ) -> Iterator[tuple[K, list[F], list[Any]]]:
        """As `run`, where several features belong to one item: the item, its features, their outputs.

        Args:
            groups: each item with its features, at least one.
            expected: how many items there will be, for `track`, where somebody knows; about is enough.
        """
        waiting: deque[tuple[K, list[F]]] = deque()
        items, known = 0, 0

        def features() -> Iterator[F]:
            nonlocal items, known, expected
            for item, found in groups:
                waiting.append((item, found))
                items += 1
                known += len(found)
                yield from found
            expected = items

        def total() -> int:
            """Outputs of all items, as if those to come had as many each as those read so far."""
            return round(known * max(1.0, expected / max(items, 1)))

        outputs: list[Any] = []
        for output in self.track(self.run(features()), total):
            outputs.append(output)
            item, found = waiting[0]
            if len(outputs) == len(found):
                waiting.popleft()
                yield item, found, outputs
                outputs = []

    def _start(self, block: _Block[F], pool: ThreadPoolExecutor, *, alone: bool) -> None:
        batches = list(self._batches(block.features))
        self.pieces += sum(feature.piece_count for feature in block.features)
        if self.workers == 1 or (alone and len(batches) == 1):
            for numbers in batches:  # here, with all threads
                self._run_batch(block, numbers)
        else:
            block.running = [pool.submit(self._run_batch, block, numbers) for numbers in batches]

    def _run_batch(self, block: _Block[F], numbers: Sequence[int]) -> None:
        batch = self.collate([block.features[number] for number in numbers]).to(self.device)
        with torch.inference_mode():
            found = self.model(batch).per_sequence()
        for number, output in zip(numbers, found, strict=True):
            block.outputs[number] = output

    def _blocks(self, features: Iterable[F]) -> Iterator[_Block[F]]:
        block: list[F] = []
        pieces = 0
        try:
            for feature in features:
                block.append(feature)
                pieces += feature.piece_count
                if pieces >= self.block_pieces:
                    yield _Block(block)
                    block, pieces = [], 0
        except SpanbertError as fault:
            yield _Block(block, fault)
        else:
            yield _Block(block)

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


@dataclass
class _Block(Generic[F]):
    """Features that are sorted together.

    Args:
        features: in the order asked.
        fault: what ended the stream after them.
        running: batches at work.
        outputs: one a feature, as far as they are computed.
    """

    features: list[F]
    fault: SpanbertError | None = None
    running: list[Future[None]] = field(default_factory=list)
    outputs: list[Any] = field(init=False)

    def __post_init__(self) -> None:
        self.outputs = [None] * len(self.features)

    def results(self) -> Iterator[Any]:
        """Outputs in order, when all are there; then the fault."""
        for batch in self.running:
            batch.result()
        yield from self.outputs
        if self.fault is not None:
            raise self.fault
