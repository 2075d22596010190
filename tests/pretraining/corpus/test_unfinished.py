"""Preparations that are killed, run out of disk or fail, and go on afterwards."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from spanbert.errors import DataError, SettingsError, SpanbertError
from spanbert.pretraining.corpus.prepare import prepare
from spanbert.pretraining.corpus.settings import CorpusSettings
from spanbert.pretraining.corpus.shards import Corpus

TOLD = {"block_pieces": 30, "shard_chars": 900, "workers": 1}
SCRIPT = """
import os, resource, signal, sys
from pathlib import Path
from spanbert.errors import SpanbertError
from spanbert.pretraining.corpus.prepare import prepare
from spanbert.pretraining.corpus.settings import CorpusSettings
from spanbert.text.tokenizer import Tokenizer

def main():
    folder, vocabulary, workers, file_bytes, kill_at = sys.argv[1:]
    if int(file_bytes):
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(file_bytes), int(file_bytes)))
    def tell(progress):
        print(*(int(line) for line in workers_alive()), flush=True)
        if progress.shards == int(kill_at):
            os.kill(os.getpid(), signal.SIGKILL)
    def workers_alive():
        return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    try:
        prepare(
            [Path(folder) / "sources"],
            Tokenizer.from_vocabulary(Path(vocabulary), lowercase=True),
            Path(folder) / "corpus",
            CorpusSettings(block_pieces=30, shard_chars=900, workers=int(workers)),
            progress=tell,
        )
    except SpanbertError as error:
        sys.exit(f"refused: {error}")

if __name__ == "__main__":
    main()
"""


UNGUARDED = """
from pathlib import Path
from spanbert.pretraining.corpus.prepare import prepare
from spanbert.pretraining.corpus.settings import CorpusSettings
from spanbert.text.tokenizer import Tokenizer

folder, vocabulary = Path({folder!r}), Path({vocabulary!r})
tokenizer = Tokenizer.from_vocabulary(vocabulary, lowercase=True)
prepare([folder / "sources"], tokenizer, folder / "corpus", CorpusSettings(workers=2))
"""


class Stop(Exception):
    pass


def contents(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def stopped_after(shards: int, sources, tokenizer, output) -> None:
    def stop(progress) -> None:
        if progress.stage == "tokenizing" and progress.shards == shards:
            raise Stop

    with pytest.raises(Stop):
        prepare([sources], tokenizer, output, CorpusSettings(**TOLD), progress=stop)


def run(tmp_path, vocabulary, *, workers=1, file_bytes=0, kill_at=-1) -> subprocess.CompletedProcess[str]:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    arguments = map(str, (tmp_path, vocabulary, workers, file_bytes, kill_at))
    return subprocess.run(
        [sys.executable, str(script), *arguments], capture_output=True, text=True, check=False, timeout=300
    )


def test_a_script_without_its_guard_is_told_so_and_does_not_hang(sources, vocabulary, tmp_path):
    script = tmp_path / "unguarded.py"
    script.write_text(UNGUARDED.format(folder=str(tmp_path), vocabulary=str(vocabulary)), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 1
    assert "put what it does under `if __name__ == '__main__':`" in done.stderr
    assert "SpanbertError: a process that tokenizes has died" in done.stderr.splitlines()[-1]


def test_one_that_was_stopped_after_each_shard_ends_in_the_same_bytes(prepared, sources, tokenizer, tmp_path):
    shards = len(prepared("whole").manifest.shards)
    for number in range(1, shards):
        stopped_after(number, sources, tokenizer, tmp_path / "corpus")
        with pytest.raises(DataError, match="the preparation is unfinished"):
            Corpus(tmp_path / "corpus")
    prepared()
    assert contents(tmp_path / "corpus") == contents(tmp_path / "whole")


def test_finished_shards_are_not_written_again(prepared, sources, tokenizer, tmp_path):
    stopped_after(2, sources, tokenizer, tmp_path / "corpus")
    shards = [tmp_path / "corpus" / f"shard-00000{number}.bin" for number in (0, 1)]
    before = [path.stat().st_mtime_ns for path in shards]
    prepared()
    assert [path.stat().st_mtime_ns for path in shards] == before


def test_a_damaged_shard_and_those_behind_it_are_made_again(prepared, sources, tokenizer, tmp_path):
    prepared("whole")
    stopped_after(3, sources, tokenizer, tmp_path / "corpus")
    (tmp_path / "corpus/shard-000001.bin").write_bytes(b"damaged")
    prepared()
    assert contents(tmp_path / "corpus") == contents(tmp_path / "whole")


def test_a_shard_within_a_long_document_goes_on_within_it(tokenizer, tmp_path):
    sources = tmp_path / "a.txt"
    sources.write_text("".join(f"paris {number} runs through the city\n" for number in range(300)))
    whole = prepare([sources], tokenizer, tmp_path / "whole", CorpusSettings(**TOLD))
    assert len(whole.manifest.shards) > 3
    assert whole.manifest.counts.documents == 1
    assert whole.documents.tolist() == [0] * whole.blocks
    for number in (1, 3):
        stopped_after(number, sources, tokenizer, tmp_path / "corpus")
    prepare([sources], tokenizer, tmp_path / "corpus", CorpusSettings(**TOLD))
    assert contents(tmp_path / "corpus") == contents(tmp_path / "whole")


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="asks Linux which processes there are")
def test_kill_9_loses_no_finished_shard_and_leaves_no_process(prepared, vocabulary, tmp_path):
    prepared("whole")
    done = run(tmp_path, vocabulary, workers=2, kill_at=3)
    assert done.returncode == -signal.SIGKILL, done.stderr
    children = {int(number) for number in done.stdout.split()}
    assert children
    assert (tmp_path / "corpus/shard-000002.json").exists()
    deadline = time.monotonic() + 60
    while alive := [number for number in children if Path(f"/proc/{number}/exe").exists()]:
        assert time.monotonic() < deadline, alive
        time.sleep(0.05)
    prepared()
    assert contents(tmp_path / "corpus") == contents(tmp_path / "whole")


def test_a_full_disk_is_an_error_of_one_line_and_the_next_run_goes_on(
    prepared, sources, vocabulary, tmp_path
):
    pytest.importorskip("resource")
    with (sources / "b.txt").open("a", encoding="utf-8") as stream:
        stream.write("\n" + "paris runs through the capital " * 100)  # one shard is larger than the first
    prepared("whole")
    sizes = [path.stat().st_size for path in sorted((tmp_path / "whole").glob("shard-*"))]
    assert sizes[0] < max(sizes)
    done = run(tmp_path, vocabulary, file_bytes=max(sizes) - 1)
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert "make room and run the same command again: finished shards are kept" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not list((tmp_path / "corpus").glob(".*.part"))
    prepared()
    assert contents(tmp_path / "corpus") == contents(tmp_path / "whole")


def test_a_bad_line_is_named_and_what_stands_before_its_file_is_kept(prepared, sources, tmp_path):
    good = (sources / "c.jsonl").read_bytes()
    (sources / "c.jsonl").write_bytes(good + b'{"text": "caf\xe9"}\n')
    with pytest.raises(DataError, match=r"c\.jsonl:6: not UTF-8"):
        prepared()
    kept = sorted((tmp_path / "corpus").glob("shard-*.bin"))
    (sources / "c.jsonl").write_bytes(good + b'{"text": "mended"}\n')
    before = kept[0].stat().st_mtime_ns
    prepared()
    prepared("whole")
    assert kept[0].stat().st_mtime_ns == before
    assert contents(tmp_path / "corpus") == contents(tmp_path / "whole")


def test_an_unfinished_folder_of_other_sources_or_settings_is_left_alone(
    prepared, sources, tokenizer, tmp_path
):
    stopped_after(2, sources, tokenizer, tmp_path / "corpus")
    before = contents(tmp_path / "corpus")
    with pytest.raises(SettingsError, match="other settings"):
        prepared(block_pieces=31)
    with pytest.raises(DataError, match="holds an unfinished corpus of other sources"):
        prepare([sources / "a.txt"], tokenizer, tmp_path / "corpus", CorpusSettings(**TOLD))
    assert contents(tmp_path / "corpus") == before


def test_a_place_that_is_not_a_folder_is_an_error(prepared, tmp_path):
    (tmp_path / "corpus").write_text("a file")
    with pytest.raises(SpanbertError, match="cannot be made a folder"):
        prepared()
