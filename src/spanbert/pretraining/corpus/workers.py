"""Chunks of text cut into pieces, here or in several processes, and given back in their order."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

from spanbert.errors import SpanbertError
from spanbert.pretraining.corpus.reading import CharSpan, Stretch
from spanbert.pretraining.corpus.tokenizing import CorpusTokenizer, Cut

WAITING = 3
"""Chunks for each process that are handed out and not taken back: memory is bounded by them."""
WORKER: dict[str, CorpusTokenizer] = {}
"""The tokenizer of a worker process, which `_begin` puts here; stays empty in any other process."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Neighbouring stretches of one shard.

    Args:
        stretches: at least one.
        source: number of the source that the last of them is from.
        ends_shard: whether the shard ends behind them.
    """

    stretches: list[Stretch]
    source: int
    ends_shard: bool


def check_main_guard() -> None:
    """Refuse to begin in a process that is itself being started: its script would do all the work again.

    Raises:
        SpanbertError: a script that starts processes lacks its guard.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):  # what multiprocessing itself asks
        raise SpanbertError(
            "a process that the script started runs the script once more: put what it does under "
            "`if __name__ == '__main__':`, or set workers to 1"
        )


def cut_in_order(
    chunks: Iterator[Chunk], tokenizer_json: str, *, segment_chinese: bool, workers: int
) -> Generator[tuple[Chunk, Cut], None, None]:
    """Each chunk with its pieces; the same whatever the number of processes.

    Args:
        chunks: read on only as fast as they are taken.
        tokenizer_json: a tokenizer in the form of its library.
        segment_chinese: words of Chinese are those of a segmenter.
        workers: processes; with one, the work is done here, in the tokenizer library's threads.

    Raises:
        MissingExtraError: the extra `chinese` is not installed and asked for.
        SpanbertError: a process died.
    """
    here = CorpusTokenizer(tokenizer_json, segment_chinese=segment_chinese)
    if workers == 1:
        for chunk in chunks:
            yield chunk, here.cut(*_texts(chunk))
        return
    pool = ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin,
        initargs=(tokenizer_json, segment_chinese),
    )
    waiting: deque[tuple[Chunk, Future[Cut]]] = deque()
    try:
        for chunk in chunks:
            waiting.append((chunk, pool.submit(_cut, *_texts(chunk))))
            if len(waiting) == WAITING * workers:
                done, future = waiting.popleft()
                yield done, future.result()
        while waiting:
            done, future = waiting.popleft()
            yield done, future.result()
    except BrokenProcessPool:
        raise SpanbertError(
            "a process that tokenizes has died (out of memory, killed, or the calling script lacks "
            "`if __name__ == '__main__':`); run again to go on behind the last finished shard, or set "
            "workers to 1"
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _texts(chunk: Chunk) -> tuple[list[str], list[tuple[CharSpan, ...]]]:
    return [one.text for one in chunk.stretches], [one.char_spans for one in chunk.stretches]


def _begin(tokenizer_json: str, segment_chinese: bool) -> None:
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # the processes are the parallelism
    WORKER["tokenizer"] = CorpusTokenizer(tokenizer_json, segment_chinese=segment_chinese)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _cut(texts: list[str], char_spans: list[tuple[CharSpan, ...]]) -> Cut:
    return WORKER["tokenizer"].cut(texts, char_spans)


def _end_with_parent() -> None:
    """A worker whose parent is killed would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
