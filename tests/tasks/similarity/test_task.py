from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer, BertConfig, BertModel

from spanbert.errors import CheckpointError, DataError
from spanbert.scoring.correlation import spearman
from spanbert.tasks.similarity.examples import SimilarityExample, SimilarityPrediction
from spanbert.tasks.similarity.settings import SimilaritySettings
from spanbert.tasks.similarity.task import Similarity
from spanbert.workflows.evaluate import evaluate
from spanbert.workflows.labelled_data import Source
from spanbert.workflows.predict import load

ROOT = Path(__file__).parents[3]
REAL_MODEL = ROOT / "runs" / "mini" / "start"
REAL_DATA = ROOT.parent / "shared" / "data" / "similarity" / "stsb-en" / "dev.tsv"


def pairs(*scores):
    return [SimilarityExample(str(n), f"a {n}", f"b {n}", score) for n, score in enumerate(scores)]


def learned(examples, **settings):
    return Similarity(SimilaritySettings(**settings)).learn(examples).settings


def test_scale_and_loss_are_learned_from_the_data():
    found = learned(pairs(1.0, 4.0, None))
    assert (found.scale, found.loss) == ((1.0, 4.0), "cosine")
    assert learned(pairs(None, None)).loss == "contrast"
    assert learned(pairs(None, 1.0), score_min=0, score_max=5).scale == (0, 5)


@pytest.mark.parametrize(
    ("scores", "settings", "message"),
    [
        ([None], {"mode": "cross"}, "mode cross learns scores"),
        ([None], {"loss": "cosine"}, "mode bi learns scores"),
        ([2.0, 2.0], {}, "all scores of the training data are 2"),
        (
            [2.0, 7.0],
            {"score_min": 0, "score_max": 5},
            "the score 7 lies outside score_min 0 and score_max 5",
        ),
    ],
)
def test_data_that_cannot_be_learned_from_is_refused(scores, settings, message):
    with pytest.raises(DataError, match=message):
        learned(pairs(*scores), **settings)


def test_a_score_among_unknown_columns_is_asked_for_instead_of_learning_by_contrast():
    unread = [SimilarityExample("1", "a", "b", unread_columns=("points", "genre"))]
    with pytest.raises(DataError, match=r"'points', 'genre'.*score-column NAME.*loss contrast") as refused:
        learned(unread)
    assert "\n" not in str(refused.value)
    assert learned(unread, loss="contrast").loss == "contrast"
    assert learned([*unread, *pairs(0.0, 1.0)]).loss == "cosine"
    with pytest.raises(DataError, match=r"0 of 1 pairs have a score.*'points', 'genre'.*score_column"):
        Similarity().check_gold(unread)


@pytest.mark.parametrize("loss", [None, "contrast"])
def test_a_named_score_that_is_not_there_is_no_gold(tmp_path, loss):
    data = tmp_path / "pairs.csv"
    data.write_text("sentence1,sentence2,score\na,b,1\nc,d,2\n", encoding="utf-8")
    task = Similarity(SimilaritySettings(score_column="scor", loss=loss))
    found = r"pairs\.csv: no example has gold.*expected 'scor'; found \['sentence1', 'sentence2', 'score'\]"
    with pytest.raises(DataError, match=found):
        Source.of(data, "train").read(task)
    assert len(list(task.read(data))) == 2  # for prediction the score is left out


def test_a_frame_is_a_table_too(caplog):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"anchor": ["a", "c"], "positive": ["b", "d"], "points": [1, 2]})
    examples = Source.of(frame, "train").read(Similarity())
    assert [one.unread_columns for one in examples] == [("points",)] * 2
    assert [message.partition(":")[0] for message in caplog.messages] == ["train frame"]


def test_scores_are_compared_by_rank_and_by_value_with_intervals():
    examples = pairs(0.0, 1.0, 2.0, None, 3.0)
    made = [
        SimilarityPrediction(one.id, value, 2, 6)
        for one, value in zip(examples, [0, 1, 10, 5, 11], strict=True)
    ]
    report = Similarity().score(examples, made)
    assert report.primary == "spearman"
    assert report.values["spearman"] == 100
    assert report.values["pearson"] == pytest.approx(
        100 * np.corrcoef([0, 1, 2, 3], [0, 1, 10, 11])[0, 1], abs=1e-3
    )
    assert report.counts["pairs_without_score"] == 1
    low, high = report.details["pearson_interval_95"]
    assert low <= report.values["pearson"] <= high
    with pytest.raises(DataError, match="1 of 2 pairs have a score"):
        Similarity().score(examples[2:4], made[2:4])


def test_an_encoder_without_a_head_is_scored_as_plain_transformers_would(tmp_path, vocabulary):
    torch.manual_seed(3)
    size = len(vocabulary.read_text("utf-8").splitlines())
    theirs = BertModel(
        BertConfig(
            vocab_size=size,
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=48,
            initializer_range=0.3,
        )
    ).eval()
    theirs.save_pretrained(tmp_path / "model")
    (tmp_path / "model" / "vocab.txt").write_bytes(vocabulary.read_bytes())
    (tmp_path / "model" / "tokenizer_config.json").write_text('{"do_lower_case": false}', encoding="utf-8")
    texts = [("paris", "the city runs"), ("france", "what river"), ("unable", "where"), ("who", "capital")]
    data = tmp_path / "pairs.csv"
    rows = [f"{one},{two},{n}" for n, (one, two) in enumerate(texts)]
    data.write_text("\n".join(["text1,text2,score", *rows]) + "\n", encoding="utf-8")
    predictor = load(tmp_path / "model", "similarity")
    made = [prediction.similarity for prediction in predictor.predict(predictor.task.read(data))]
    backend = predictor.tokenizer.backend
    for (one, two), value in zip(texts, made, strict=True):
        with torch.inference_mode():
            vectors = [
                theirs(torch.tensor([backend.encode(text).ids])).last_hidden_state[0].mean(0)
                for text in (one, two)
            ]
        assert value == pytest.approx(torch.cosine_similarity(*vectors, dim=0).item(), abs=1e-5)
    report = evaluate("similarity", model=tmp_path / "model", data=data).report
    assert report.values["spearman"] == pytest.approx(
        100 * spearman(np.array(made), np.arange(4.0)), abs=1e-3
    )
    with pytest.raises(CheckpointError, match="has no trained"):
        load(tmp_path / "model", "similarity", task_settings={"mode": "cross"})


@pytest.mark.skipif(not (REAL_MODEL.exists() and REAL_DATA.exists()), reason="weights or data are not here")
def test_the_sentence_encoder_keeps_its_quality():
    rows = [line.split("\t") for line in REAL_DATA.read_text("utf-8").splitlines()[1:101]]
    tokenizer, model = AutoTokenizer.from_pretrained(REAL_MODEL), AutoModel.from_pretrained(REAL_MODEL).eval()

    def vectors(texts):
        found = []
        for begin in range(0, len(texts), 50):
            batch = tokenizer(texts[begin : begin + 50], padding=True, return_tensors="pt")
            with torch.inference_mode():
                hidden = model(**batch).last_hidden_state
            keep = batch["attention_mask"][..., None]
            found.append((hidden * keep).sum(1) / keep.sum(1))
        return torch.cat(found)

    cosines = torch.cosine_similarity(*(vectors([row[side] for row in rows]) for side in (0, 1)))
    predictor = load(REAL_MODEL, "similarity")
    examples = list(predictor.task.read(REAL_DATA))[:100]
    predictions = list(predictor.predict(examples))
    np.testing.assert_allclose([made.similarity for made in predictions], cosines, atol=1e-5)
    wanted = 100 * spearman(cosines.double().numpy(), np.array([float(row[2]) for row in rows]))
    assert predictor.task.score(examples, predictions).primary_value == pytest.approx(wanted, abs=0.01)
