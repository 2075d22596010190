"""TOML files of options: all recipes are valid, flags win, errors name the line."""

import random
import re

import pytest

from spanbert.cli import finetune, pretrain
from spanbert.cli.config_file import merged, read_config
from spanbert.cli.main import run
from spanbert.errors import SettingsError
from spanbert.tasks import task_class
from spanbert.text.files import read_json
from spanbert.workflows.settings import checked


def test_every_recipe_is_a_valid_file(request):
    recipes = request.config.rootpath / "recipes"
    pretraining = sorted(recipes.glob("*/pretrain*.toml"))
    assert pretraining
    for path in pretraining:
        assert {"output", "objective", "steps"} <= read_config(path, pretrain.ConfigFile).keys()
    finetuning = sorted({*recipes.glob("*/*.toml")} - {*pretraining})
    assert finetuning
    for path in finetuning:
        values = read_config(path, finetune.ConfigFile)
        assert {"model", "output"} <= values.keys(), path  # files of data may be left to flags
        command = re.search(r"# spanbert finetune (\S+) --config (\S+)", path.read_text(encoding="utf-8"))
        assert command[2] == path.relative_to(recipes.parent).as_posix()
        checked(task_class(command[1]).Settings, values.get("task_settings", {}), str(path))


def test_flags_win_over_the_file_and_in_tables_one_by_one():
    config = {"steps": 3, "seed": 1, "task_settings": {"contrast": 0.5, "window_pieces": 96}}
    flags = {"steps": 4, "task_settings": {"contrast": 0.1}, "corpus_settings": {"workers": 1}}
    assert merged(config, flags) == {
        "steps": 4,
        "seed": 1,
        "task_settings": {"contrast": 0.1, "window_pieces": 96},
        "corpus_settings": {"workers": 1},
    }


def test_a_flag_for_the_length_wins_over_either_name_for_it_in_the_file():
    assert merged({"steps": 3, "seed": 1}, {"epochs": 2, "steps": None}) == {
        "epochs": 2,
        "steps": None,
        "seed": 1,
    }
    assert merged({"epochs": 3}, {"steps": 4}) == {"steps": 4}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('output = "m"\nstepps = 3\n', "2: unknown setting stepps: did you mean steps?"),
        ("steps = 0\n", "1: steps: input should be greater than or equal to 1"),
        ("steps = \n", "broken TOML"),
    ],
)
def test_an_error_names_the_line(tmp_path, text, message):
    path = tmp_path / "run.toml"
    path.write_text(text)
    with pytest.raises(SettingsError) as error:
        read_config(path, pretrain.ConfigFile)
    assert str(error.value).startswith(f"{path}:")
    assert message in str(error.value)


def test_pretraining_from_a_file(tmp_path, capsys):
    chance = random.Random(0)
    words = ["the", "river", "runs", "by", "an", "old", "house", "in", "turin"]
    lines = [" ".join(chance.choices(words, k=12)) for _ in range(80)]
    (tmp_path / "text.txt").write_text("\n\n".join(lines))
    assert (
        run(["tokenizer", f"{tmp_path / 'text.txt'}", "--output", f"{tmp_path / 'cut'}", "--size", "60"]) == 0
    )
    (tmp_path / "run.toml").write_text(
        f'corpus = "{tmp_path / "text.txt"}"\npreset = "tiny"\ntokenizer = "{tmp_path / "cut"}"\n'
        f'output = "{tmp_path / "model"}"\nobjective = "subwords"\nsteps = 9\nbatch_pieces = 128\n'
        "held_out = 0.1\nevaluations = 1\n[corpus_settings]\nblock_pieces = 30\n"
    )
    flags = ["--config", f"{tmp_path / 'run.toml'}", "--steps", "1"]
    assert run(["pretrain", *flags]) == 0
    found = read_json(tmp_path / "model" / "run" / "settings.json")
    assert (found["steps"], found["objective"], found["corpus_settings"]) == (
        1,
        "subwords",
        {"block_pieces": 30},
    )
    capsys.readouterr()
    assert run(["pretrain", "--preset", "tiny", "--output", f"{tmp_path / 'other'}"]) == 2
    assert "say what to read" in capsys.readouterr().err


def test_the_size_of_a_batch_has_two_names(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text("batch_tokens = 256\n")
    options = read_config(path, pretrain.ConfigFile)
    assert pretrain.with_batch_pieces(options, {}) == {"batch_pieces": 256}
    assert pretrain.with_batch_pieces({"batch_tokens": 256, "batch_pieces": 128}, {"batch_pieces": 128}) == {
        "batch_pieces": 128
    }
    with pytest.raises(SettingsError, match="mean the same"):
        pretrain.with_batch_pieces({}, {"batch_pieces": 128, "batch_tokens": 256})
