"""The corpus of a pretraining run: what is refused or told of, and what a resumed run may change."""

import shutil

import pytest

from small_pretraining import SETTINGS
from spanbert.errors import DataError, SettingsError
from spanbert.pretraining.data import held_out_blocks
from spanbert.workflows.pretrain import pretrain
from spanbert.workflows.settings import PretrainSettings, checked
from stopping import Stop, StopAt


def stopped(corpus, start, output, **settings):
    with pytest.raises(Stop):
        pretrain([corpus], output, model=start, listeners=[StopAt(6)], **{**SETTINGS, **settings})


def test_a_run_is_not_resumed_on_another_corpus(corpus, start, tmp_path):
    output = tmp_path / "model"
    stopped(corpus, start, output)
    shutil.rmtree(output / "corpus")
    other = tmp_path / "other.txt"
    other.write_text(corpus.read_text().replace("paris", "turin"))
    with pytest.raises(SettingsError, match="these differ: the content of corpus"):
        pretrain([other], output, model=start, resume=True, **SETTINGS)


@pytest.mark.parametrize("name", ["shard-000000.bin", "lengths.bin"])
def test_a_prepared_corpus_that_changed_is_refused(corpus, start, tmp_path, name):
    output = tmp_path / "model"
    stopped(corpus, start, output)
    changed = output / "corpus" / name
    content = bytearray(changed.read_bytes())
    content[0] ^= 1
    changed.write_bytes(content)
    with pytest.raises(DataError, match=f"{name}: changed since it was written"):
        pretrain([corpus], output, model=start, resume=True, **SETTINGS)


def test_a_model_inside_the_folder_of_its_corpus_is_resumed(corpus, start, trained, tmp_path):
    folder = tmp_path / "texts"
    folder.mkdir()
    shutil.copy(corpus, folder / "text.txt")
    stopped(folder, start, folder / "model")
    again = pretrain([folder], folder / "model", model=start, resume=True, **SETTINGS)
    assert again == trained[1]
    with pytest.raises(SettingsError, match="texts: is the corpus; choose another --output"):
        pretrain([folder], folder, model=start, **SETTINGS)
    before = sorted(folder.iterdir())
    with pytest.raises(SettingsError, match="texts: is the corpus; choose another --corpus-folder"):
        pretrain([folder], tmp_path / "other", model=start, corpus_folder=folder, **SETTINGS)
    assert sorted(folder.iterdir()) == before


def test_one_corpus_need_not_stand_in_a_list(corpus, start, trained, tmp_path):
    assert pretrain(str(corpus), tmp_path / "text", model=start, **SETTINGS) == trained[1]


@pytest.mark.parametrize("name", ["README.md", "tokenizer.json", "vocab.txt"])
def test_files_that_a_model_would_replace_are_left_alone(corpus, start, tmp_path, name):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / name).write_text("precious", encoding="utf-8")
    with pytest.raises(SettingsError, match=f"mine: holds {name} already, which would be replaced"):
        pretrain([corpus], tmp_path / "mine", model=start, **SETTINGS)
    assert (tmp_path / "mine" / name).read_text(encoding="utf-8") == "precious"


def test_what_does_not_change_the_outcome_may_change(corpus, start, trained, tmp_path, monkeypatch):
    output = tmp_path / "model"
    stopped(corpus, start, output)
    changed = {
        "save_every": 2,
        "corpus_settings": {**SETTINGS["corpus_settings"], "workers": 1},
    }
    monkeypatch.chdir(start.parent)
    again = pretrain([corpus], output, model=f"./{start.name}", resume=True, **{**SETTINGS, **changed})
    assert again == trained[1]


def test_more_is_held_out_where_a_share_has_nothing_to_predict(start, tmp_path, caplog):
    lines = tmp_path / "lines.txt"
    lines.write_text("\n".join(["paris"] * 40))
    settings = {**SETTINGS, "held_out": 0.01, "corpus_settings": {"document_end": "line"}}
    with caplog.at_level("WARNING"):
        report = pretrain([lines], tmp_path / "model", model=start, **settings)
    assert "--held-out 0.01 has nothing to predict" in caplog.text
    assert report.counts["masked_lm targets"] > 0
    assert report.values["validation_loss"] > 0


def test_a_corpus_without_anything_to_predict_is_refused_before_training(start, tmp_path):
    lines = tmp_path / "lines.txt"
    lines.write_text("paris\nparis\n")
    settings = {**SETTINGS, "corpus_settings": {"document_end": "line"}}
    with pytest.raises(
        DataError, match="1 of its 2 blocks were held out, and have nothing to predict for the"
    ):
        pretrain([lines], tmp_path / "model", model=start, **settings)
    assert not (tmp_path / "model" / "run").exists()


@pytest.mark.parametrize(
    ("blocks", "share", "held_out"), [(1, 0.5, 0), (2, 0.9, 1), (10, 0.8, 8), (3, 0.1, 1)]
)
def test_one_block_is_left_to_train_on(blocks, share, held_out):
    assert len(held_out_blocks(blocks, share, 256)) == held_out


def test_epochs_stand_instead_of_the_usual_steps():
    assert PretrainSettings().steps == 1000
    assert PretrainSettings(epochs=2).steps is None
    with pytest.raises(SettingsError, match="settings: say epochs or steps, not both"):
        checked(PretrainSettings, {"epochs": 2, "steps": 10}, "settings")


def test_a_tokenizer_that_knows_little_or_nothing_of_the_text_is_told_of(start, tmp_path, caplog):
    text = tmp_path / "text.txt"
    text.write_text("\n".join(["巴黎 東京"] * 60))
    settings = {**SETTINGS, "steps": 1, "evaluations": 1}
    with pytest.raises(DataError, match="the tokenizer knows nothing of this text; spanbert tokenizer"):
        pretrain([text], tmp_path / "none", model=start, **settings)
    text.write_text("\n".join(["ada went to paris by train 巴黎 東京"] * 60))
    with caplog.at_level("WARNING"):
        pretrain([text], tmp_path / "some", model=start, **settings)
    assert "of the pieces are [UNK], unknown to the tokenizer" in caplog.text
