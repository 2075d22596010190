import sys

import pytest

import local_hub
from spanbert.errors import DataError, MissingExtraError
from spanbert.pretraining.corpus.settings import CorpusSettings
from spanbert.pretraining.corpus.sources import find_sources


def found(names, tmp_path, **settings) -> tuple[list[str], list[str]]:
    sources, passed_over = find_sources(
        names,
        CorpusSettings(**settings),
        leave_out=[tmp_path / "out"],
        offline=settings.get("offline", False),
    )
    return [source.name.removeprefix(f"{tmp_path}/") for source in sources], [
        name.removeprefix(f"{tmp_path}/") for name in passed_over
    ]


def write(tmp_path, *names):
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("text", encoding="utf-8")


def test_folders_give_their_files_in_the_order_of_names(tmp_path):
    write(
        tmp_path, "b.txt", "a/z.jsonl.zst", "a/b.parquet", "a.md.gz", "notes", "a/.hidden.txt", ".git/x.txt"
    )
    write(tmp_path, "image.png", "out/shard.txt")
    assert found([tmp_path], tmp_path) == (
        ["a.md.gz", "b.txt", "notes", "a/b.parquet", "a/z.jsonl.zst"],
        ["image.png"],
    )


def test_names_keep_their_order_and_each_file_is_read_once(tmp_path):
    write(tmp_path, "b.txt", "a.txt")
    assert found([tmp_path / "b.txt", str(tmp_path)], tmp_path) == (["b.txt", "a.txt"], [])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none.txt", "no such file or folder"),
        ("picture.png", r"files named \.png are not read \(known: \.txt"),
        ("empty", r"no file of a corpus in"),
    ],
)
def test_a_name_that_is_no_corpus_is_an_error(tmp_path, name, message):
    write(tmp_path, "picture.png")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=message):
        found([tmp_path / name], tmp_path)


def test_zstd_names_the_extra_it_lacks(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "zstandard", None)
    write(tmp_path, "a.txt.zst")
    (source,), _ = find_sources(
        [tmp_path / "a.txt.zst"], CorpusSettings(), leave_out=[tmp_path / "out"], offline=True
    )
    with pytest.raises(MissingExtraError, match=r"spanbert\[corpora\]"):
        list(source.stretches(CorpusSettings()))


class DataSetHandler(local_hub._Handler):
    """The hub's paths of data sets, answered as those of a model."""

    def _answer(self, *, with_body: bool) -> None:
        self.path = self.path.replace("/api/datasets/", "/api/models/").replace("/datasets/", "/")
        super()._answer(with_body=with_body)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    from huggingface_hub import constants
    from huggingface_hub.utils import close_session

    write(tmp_path, "hub/train-0.txt", "hub/train-1.jsonl", "hub/test-0.txt", "hub/README.md")
    with local_hub.serving("somebody/texts", tmp_path / "hub") as hub:
        hub.RequestHandlerClass = DataSetHandler
        monkeypatch.setattr(constants, "ENDPOINT", hub.address)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", hub.address + "/{repo_id}/resolve/{revision}/{filename}"
        )
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.chdir(tmp_path)
        close_session()
        yield hub
        close_session()


def test_a_data_set_on_the_hub_gives_the_files_of_its_split(hub, tmp_path):
    assert found(["somebody/texts"], tmp_path)[0] == [
        "somebody/texts/train-0.txt",
        "somebody/texts/train-1.jsonl",
    ]
    assert found(["somebody/texts"], tmp_path, split="test")[0] == ["somebody/texts/test-0.txt"]
    assert not any("README" in path for path in hub.asked), "only what is read is fetched"


def test_a_fetched_data_set_is_found_offline_and_another_is_not(hub, tmp_path):
    settings = CorpusSettings()
    online, _ = find_sources(["somebody/texts"], settings, leave_out=[tmp_path / "out"], offline=False)
    asked = len(hub.asked)
    offline, _ = find_sources(["somebody/texts"], settings, leave_out=[tmp_path / "out"], offline=True)
    assert offline == online
    online[1].path.unlink()
    with pytest.raises(DataError, match="somebody/texts: not, or not all, in the cache"):
        find_sources(["somebody/texts"], settings, leave_out=[tmp_path / "out"], offline=True)
    with pytest.raises(DataError, match="somebody/other: not, or not all, in the cache"):
        find_sources(["somebody/other"], settings, leave_out=[tmp_path / "out"], offline=True)
    assert len(hub.asked) == asked


@pytest.mark.parametrize("name", ["somebody/other", "somebody/texts:none"])
def test_what_the_hub_does_not_have_is_an_error_of_one_line(hub, tmp_path, name):
    with pytest.raises(DataError, match=f"^{name}: no") as caught:
        found([name], tmp_path)
    assert "\n" not in str(caught.value)
    assert hub.asked


def test_a_mistyped_path_is_not_asked_for_on_the_hub(hub, tmp_path):
    (tmp_path / "texts").mkdir()
    for name in ("texts/missing", "else/missing.txt"):
        with pytest.raises(DataError, match="no such file or folder"):
            found([name], tmp_path)
    assert hub.asked == []


def test_links_to_folders_are_named_and_links_to_files_are_read(tmp_path):
    write(tmp_path, "c/a.txt", "elsewhere/b.txt")
    (tmp_path / "c" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "c" / "circle").symlink_to(tmp_path / "c")
    (tmp_path / "c" / "z.txt").symlink_to(tmp_path / "elsewhere" / "b.txt")
    assert found([tmp_path / "c"], tmp_path) == (["c/a.txt", "c/z.txt"], ["c/circle", "c/linked"])
    (tmp_path / "named").symlink_to(tmp_path / "elsewhere")
    assert found([tmp_path / "named"], tmp_path) == (["named/b.txt"], [])


def test_folders_of_models_and_tokenizers_are_passed_over_and_named(tmp_path):
    for name in ("a.txt", "model/vocab.txt", "model/tokenizer.json", "model/run/metrics.jsonl", "model.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("text", encoding="utf-8")
    assert found([tmp_path], tmp_path) == (["a.txt", "model.txt"], ["model"])
