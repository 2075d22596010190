"""Classification as users write it: a frame, a split by a seed, three epochs, predictions; and its files."""

import json
import logging

import numpy as np
import pytest

import spanbert
from run_results import results
from spanbert.cli.main import run
from spanbert.errors import SpanbertError
from spanbert.text.files import read_jsonl
from spanbert.workflows.convert import convert
from spanbert.workflows.finetune import finetune
from tiny_start import write_start

TECHNOLOGY = [
    "手机芯片更快了",
    "新软件支持人工智能",
    "The phone has a faster chip",
    "New software for computers",
]
ENTERTAINMENT = ["电影昨天上映了", "歌手在北京开演唱会", "The film won a prize", "The singer gave a concert"]
SETTINGS = {"learning_rate": 3e-3, "batch_pieces": 64, "precision": "float32", "dropout": 0.0}


def rows(count=40):
    """Texts in two languages, each with the label of its subject."""
    kinds = ("technology", TECHNOLOGY), ("entertainment", ENTERTAINMENT)
    found = []
    for number in range(count):
        label, texts = kinds[number % 2]
        found.append({"text": f"{texts[number // 2 % 4]} {number}", "label": label})
    return found


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    return write_start(tmp_path_factory.mktemp("start"), [row["text"] for row in rows()])


def frame_of(library, table):
    return pytest.importorskip(library).DataFrame(table)


@pytest.fixture(scope="module")
def trained(start, tmp_path_factory):
    output = tmp_path_factory.mktemp("trained") / "model"
    frame = frame_of("pandas", rows())
    report = finetune(
        "classification", train=frame, model=start, output=output, epochs=3, evaluations=3, seed=7, **SETTINGS
    )
    return output, report


def test_the_plain_example(trained):
    output, report = trained
    evaluations = [
        line for _, line in read_jsonl(output / "run" / "metrics.jsonl") if line["kind"] == "evaluation"
    ]
    assert len(evaluations) == 3
    assert all({"loss", "accuracy"} <= line.keys() for line in evaluations)
    assert evaluations[-1]["loss"] < evaluations[0]["loss"]
    assert report.counts["texts"] == 8
    assert report.values["accuracy"] == 100
    predictor = spanbert.load(output)
    made = list(predictor.predict(frame_of("pandas", {"text": ["新手机的芯片", "The singer of the film"]})))
    assert [one.label for one in made] == ["technology", "entertainment"]
    assert [one.label for one in predictor.predict(frame_of("polars", {"text": ["新手机的芯片"]}))] == [
        "technology"
    ]
    assert predictor("The singer of the film").probability == pytest.approx(made[1].probability, abs=1e-4)


def test_the_held_out_share_is_a_function_of_the_seed_and_recorded(start, trained, tmp_path):
    output, _ = trained
    recorded = json.loads((output / "run" / "settings.json").read_text(encoding="utf-8"))
    assert (recorded["dev"], recorded["held_out"], recorded["train"]) == (None, 0.2, ["train frame"])
    assert len(recorded["train_sha256"][0]) == 64
    card = (output / "README.md").read_text(encoding="utf-8")
    assert "| `held out of the training data` | 8 |" in card
    options = {"model": start, "epochs": 3, "evaluations": 3, "seed": 7, **SETTINGS}
    finetune("classification", train=frame_of("polars", rows()), output=tmp_path / "again", **options)
    whole, again = results(output), results(tmp_path / "again")
    for name in ("model.safetensors", "task.json", "run/report.json"):
        assert again[name] == whole[name], name


def test_a_frame_with_other_rows_is_another_run(start, tmp_path):
    class Killed(Exception):
        pass

    class Killer:
        def started(self, step, steps): ...
        def updated(self, record):
            raise Killed

        def evaluated(self, step, report, best): ...
        def ended(self, step, reason): ...

    options = {"model": start, "output": tmp_path / "model", "steps": 4, "evaluations": 1, **SETTINGS}
    with pytest.raises(Killed):
        finetune("classification", train=frame_of("pandas", rows()), listeners=[Killer()], **options)
    with pytest.raises(SpanbertError, match="these differ: the content of train"):
        finetune("classification", train=frame_of("pandas", rows(44)), resume=True, **options)
    report = finetune("classification", train=frame_of("pandas", rows()), resume=True, **options)
    assert report.counts["texts"] == 8


def write_csv(path, table):
    frame_of("pandas", table).to_csv(path, index=False)
    return path


def test_the_command_line_holds_out_evaluates_draws_and_predicts(start, tmp_path, capsys):
    data = write_csv(tmp_path / "news.csv", rows())
    model, scores = tmp_path / "model", tmp_path / "scores"
    flags = ["--learning-rate", "3e-3", "--batch-pieces", "64", "--dropout", "0", "--held-out", "0.25"]
    job = [
        "--train",
        data,
        "--model",
        start,
        "--output",
        model,
        "--epochs",
        "8",
        "--evaluations",
        "2",
        *flags,
    ]
    assert run([*map(str, ["finetune", "classification", *job])]) == 0
    shown = capsys.readouterr()
    assert "dev accuracy" in shown.err
    assert "10 texts" in shown.out
    assert (
        run([*map(str, ["evaluate", "classification", "--model", model, "--data", data, "--output", scores])])
        == 0
    )
    assert (scores / "confusion.png").read_bytes().startswith(b"\x89PNG")
    report = json.loads((scores / "report.json").read_text(encoding="utf-8"))
    assert np.sum(report["details"]["confusion"]["counts"]) == 40
    texts = tmp_path / "new.txt"
    texts.write_text("The film won\n手机芯片\n", encoding="utf-8")
    assert run([*map(str, ["predict", "classification", "--model", model, "--input", texts])]) == 0
    made = [json.loads(line) for line in capsys.readouterr().out.splitlines()[-2:]]
    assert [one["id"] for one in made] == ["1", "2"]
    assert [one["label"] for one in made] == ["entertainment", "technology"]


@pytest.mark.parametrize("pooling", ["first", "mean"])
@pytest.mark.parametrize("window_pooling", ["mean", "learned"])
def test_every_head_is_saved_loaded_and_converted(start, tmp_path, pooling, window_pooling):
    chosen = {"pooling": pooling, "window_pooling": window_pooling}
    finetune(
        "classification",
        train=frame_of("pandas", rows()),
        model=start,
        output=tmp_path / "model",
        steps=3,
        evaluations=1,
        task_settings=chosen,
        **SETTINGS,
    )
    config = json.loads((tmp_path / "model" / "config.json").read_text(encoding="utf-8"))
    architecture = "BertForSequenceClassification" if pooling == "first" else "BertModel"
    assert config["architectures"] == [architecture]
    assert config["id2label"] == {"0": "entertainment", "1": "technology"}
    convert(tmp_path / "model", tmp_path / "plain", task="classification")
    long = " ".join(row["text"] for row in rows())
    one, other = (spanbert.load(tmp_path / name)(long) for name in ("model", "plain"))
    assert one.windows > 1
    assert one.covered_chars == len(long)
    assert one.to_json() == other.to_json()


def test_a_head_goes_on_with_its_labels_and_is_begun_anew_with_others_which_is_said(
    trained, tmp_path, caplog
):
    model, _ = trained
    other = [{**row, "label": "news" if row["label"] == "entertainment" else row["label"]} for row in rows()]
    # Updates so small that a head which goes on still tells the labels apart, and a new one knows nothing.
    options = {"model": model, "steps": 1, **SETTINGS, "learning_rate": 1e-9}
    known = finetune("classification", train=frame_of("pandas", rows()), output=tmp_path / "known", **options)
    assert known.values["accuracy"] == 100
    assert "a new one is begun" not in caplog.text
    new = finetune("classification", train=frame_of("pandas", other), output=tmp_path / "new", **options)
    assert known.values["loss"] < 0.6
    assert new.values["loss"] == pytest.approx(np.log(2), abs=0.05)
    assert "its head scores other labels (['entertainment', 'technology'])" in caplog.text


def test_several_labels_and_numbers_are_told_from_the_data(start, tmp_path):
    several = [
        {"text": row["text"], "labels": [row["label"]] * (number % 3 > 0)}
        for number, row in enumerate(rows())
    ]
    options = {"model": start, "steps": 4, "evaluations": 1, **SETTINGS}
    report = finetune(
        "classification", train=frame_of("polars", several), output=tmp_path / "several", **options
    )
    assert report.primary == "micro_f1"
    numbers = [{"text": row["text"], "score": len(row["text"]) / 4} for row in rows()]
    report = finetune(
        "classification", train=write_csv(tmp_path / "n.csv", numbers), output=tmp_path / "n", **options
    )
    assert report.primary == "pearson"
    made = spanbert.load(tmp_path / "n")("The film won a prize")
    assert 0 < made.value < 10


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("text,lable\na,x\n", "expected 'label' or 'labels' or 'score'; found ['text', 'lable']"),
        ("txt,label\na,x\n", "news.csv:1: no column of the text: found ['txt', 'label']"),
        ("text,label\na,x\n\n ,y\n", "news.csv:4: the text in 'text' is empty"),
    ],
)
def test_wrong_data_is_one_line_with_columns_and_place(start, tmp_path, capsys, table, message):
    data = tmp_path / "news.csv"
    data.write_text(table, encoding="utf-8")
    job = ["--train", data, "--dev", data, "--model", start, "--output", tmp_path / "model"]
    assert run([*map(str, ["finetune", "classification", *job])]) == 2
    shown = capsys.readouterr().err
    assert message in shown
    assert shown.count("\n") == 1


def test_labels_missing_in_some_lines_are_counted(start, tmp_path, caplog):
    table = [row | {"label": row["label"] if number % 4 else None} for number, row in enumerate(rows())]
    with caplog.at_level(logging.WARNING):
        report = finetune(
            "classification",
            train=frame_of("pandas", table),
            dev=frame_of("pandas", rows(8)),
            model=start,
            output=tmp_path / "model",
            steps=2,
            evaluations=1,
            **SETTINGS,
        )
    assert report.lost_gold == {"texts without a label (training)": 10}
    assert "10 x texts without a label" in caplog.text


def test_two_columns_of_one_name_are_refused(trained, start, tmp_path):
    doubled = frame_of("pandas", {"a": ["x", "y"], "b": ["z", "w"], "label": ["p", "q"]})
    doubled.columns = ["text", "text", "label"]
    message = "two columns of the frame are named 'text'"
    with pytest.raises(SpanbertError, match=message):
        finetune("classification", train=doubled, model=start, output=tmp_path / "model", **SETTINGS)
    with pytest.raises(SpanbertError, match=message):
        list(spanbert.load(trained[0]).predict(doubled))


def test_whole_numbers_that_a_missing_label_made_floats_keep_their_names(start, tmp_path):
    table = [{"text": row["text"], "label": number % 2 + 1} for number, row in enumerate(rows())]
    holed = [{**row, "label": None if number == 3 else row["label"]} for number, row in enumerate(table)]
    frame = frame_of("pandas", holed)
    assert str(frame["label"].dtype) == "float64"
    finetune(
        "classification",
        train=frame,
        model=start,
        output=tmp_path / "model",
        steps=1,
        evaluations=1,
        **SETTINGS,
    )
    assert spanbert.load(tmp_path / "model").task.labels == ("1", "2")
    found = spanbert.evaluate("classification", model=tmp_path / "model", data=frame_of("pandas", table))
    assert found.report.counts["texts"] == 40


def test_pairs_and_single_texts_are_not_taken_for_one_another(trained, start, tmp_path):
    pairs = [{"text": row["text"], "text2": "and more", "label": row["label"]} for row in rows()]
    finetune(
        "classification",
        train=frame_of("pandas", pairs),
        model=start,
        output=tmp_path / "pairs",
        steps=1,
        evaluations=1,
        **SETTINGS,
    )
    with pytest.raises(SpanbertError, match="text 'a': this is one text, and the model was trained on pairs"):
        spanbert.load(tmp_path / "pairs")({"id": "a", "text": "The film won"})
    with pytest.raises(SpanbertError, match="this is a pair, and the model was trained on single texts"):
        spanbert.load(trained[0])(pairs[0])


def test_text_that_is_cut_off_is_counted(trained):
    long = frame_of("pandas", [{"text": rows()[0]["text"] * 40, "label": "technology"}, rows()[1]])
    model, _ = trained
    for on_long, count in (("window", 0), ("truncate", 1)):
        found = spanbert.evaluate(
            "classification", model=model, data=long, task_settings={"on_long": on_long}
        )
        assert found.report.counts["texts_with_text_left_out"] == count


def test_a_label_column_that_is_not_there_is_named(start, tmp_path):
    with pytest.raises(
        SpanbertError, match=r"no example has gold.*expected 'stars'; found \['text', 'label'\]"
    ):
        finetune(
            "classification",
            train=frame_of("pandas", rows()),
            model=start,
            output=tmp_path / "model",
            task_settings={"label_column": "stars"},
        )


def test_things_that_are_neither_path_nor_frame_are_refused(start, tmp_path):
    with pytest.raises(SpanbertError, match="train must be a path or a frame of pandas or polars, got dict"):
        finetune("classification", train={"text": ["a"]}, model=start, output=tmp_path / "model")


@pytest.mark.parametrize(
    ("label", "dev", "message"),
    [
        ("label", {"text": ["a"], "label": ["weather"]}, r"the data has the labels \['weather'\]"),
        ("label", {"text": ["a"], "text2": ["b"], "label": ["technology"]}, "this is a pair"),
        ("number", {"text": ["5"], "label": ["n/a"]}, "text '1' has the label 'n/a'"),
    ],
)
def test_dev_data_that_cannot_score_are_refused_before_training(start, tmp_path, label, dev, message):
    table = rows()
    if label == "number":
        table = [{**row, "label": number / 4} for number, row in enumerate(table)]
    output = tmp_path / "model"
    with pytest.raises(SpanbertError, match=message):
        finetune(
            "classification",
            train=frame_of("pandas", table),
            dev=frame_of("pandas", dev),
            model=start,
            output=output,
            **SETTINGS,
        )
    assert not (output / "run").exists()


def test_texts_without_a_label_are_not_held_out(start, tmp_path, caplog):
    table = [*rows(10), *({"text": f"a film {number}", "label": None} for number in range(40))]
    report = finetune(
        "classification", train=frame_of("pandas", table), model=start, output=tmp_path, steps=1, **SETTINGS
    )
    assert report.counts == {**report.counts, "texts": 2, "texts_without_label": 0}


def test_columns_of_a_frame_are_guessed_and_said_too(start, tmp_path, caplog):
    table = [{"review": row["text"], "sentiment": row["label"]} for row in rows()]
    with caplog.at_level(logging.WARNING):
        finetune(
            "classification",
            train=frame_of("polars", table),
            model=start,
            output=tmp_path,
            steps=1,
            **SETTINGS,
        )
    told = "train frame: guessed text_column = review, label_column = sentiment"
    assert sum(told in record.getMessage() for record in caplog.records) == 1


def test_other_libraries_are_told_what_the_scores_mean(start, tmp_path):
    """By `problem_type` transformers' pipelines choose softmax, a sigmoid for each label or plain numbers."""
    made = {}
    for name, label in (("several", ["technology"]), ("number", 0.5)):
        table = [{**row, "label": label if number % 2 else (label * 2)} for number, row in enumerate(rows())]
        if name == "several":
            table[0]["label"] = ["art", "technology"]
        finetune(
            "classification",
            train=frame_of("polars", table),
            model=start,
            output=tmp_path / name,
            steps=1,
            **SETTINGS,
        )
        made[name] = json.loads((tmp_path / name / "config.json").read_text(encoding="utf-8"))["problem_type"]
        text = "a phone"
        before = spanbert.load(tmp_path / name)(text)
        (tmp_path / name / "task.json").unlink()
        after = spanbert.load(tmp_path / name, "classification")(text)
        assert after.kind == before.kind == name
    assert made == {"several": "multi_label_classification", "number": "regression"}


def test_a_model_of_labels_gives_no_numbers(trained):
    with pytest.raises(SpanbertError, match="kind number has no labels, and the model knows 2"):
        spanbert.load(trained[0], task_settings={"kind": "number"})
