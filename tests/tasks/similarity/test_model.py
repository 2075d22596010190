import numpy as np
import pytest
import torch
from transformers import BertForSequenceClassification

from spanbert.checkpoint.source import read_checkpoint
from spanbert.nn.encoder import Encoder
from spanbert.tasks.similarity.examples import SimilarityExample
from spanbert.tasks.similarity.features import SimilarityTrainingSet, collate
from spanbert.tasks.similarity.model import BiEncoderModel, contrast_loss
from spanbert.tasks.similarity.settings import SimilaritySettings
from spanbert.workflows.finetune import finetune
from spanbert.workflows.model_source import build_untrained
from spanbert.workflows.predict import load
from tiny_start import write_start

PAIRS = [
    ("a dog runs", "the dog is running", 5),
    ("a man sleeps", "a man is asleep", 4.5),
    ("the sky is blue", "blue sky", 4),
    ("a dog runs", "the bread is hot", 0),
    ("a man sleeps", "the train left", 1),
    ("rain falls", "a cat on a roof", 0.5),
]


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    folder = tmp_path_factory.mktemp("similarity")
    lines = ["sentence1\tsentence2\tscore", *(f"{one}\t{two}\t{score}" for one, two, score in PAIRS)]
    (folder / "pairs.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "positives.tsv").write_text(
        "anchor\tpositive\n" + "".join(f"{one}\t{two}\n" for one, two, _ in PAIRS[:3]), encoding="utf-8"
    )
    write_start(folder / "start", lines)
    return folder


def train(job, output, data="pairs.tsv", **task_settings):
    return finetune(
        "similarity",
        train=job / data,
        dev=job / "pairs.tsv",
        model=job / "start",
        output=output,
        steps=30,
        evaluations=1,
        learning_rate=2e-3,
        dropout=0.0,
        precision="float32",
        task_settings=task_settings,
    )


@pytest.fixture(scope="module")
def cross_model(job):
    train(job, job / "cross", mode="cross")
    return job / "cross"


def test_two_vectors_learn_scores(job, tmp_path):
    report = train(job, tmp_path / "model")
    assert report.values["pearson"] > 90


def test_a_cross_encoder_learns_scores(cross_model):
    made = [load(cross_model)({"sentence1": one, "sentence2": two}).similarity for one, two, _ in PAIRS]
    np.testing.assert_allclose(made, [score for *_, score in PAIRS], atol=1.5)


def test_training_on_partners_without_scores_brings_them_together(job, tmp_path):
    report = train(job, tmp_path / "model", "positives.tsv")
    assert report.primary_value > 60
    assert load(tmp_path / "model").task.settings.loss == "contrast"
    assert load(tmp_path / "model").task.settings.scale == (0, 1)


def test_a_cross_encoder_is_transformers_regression(cross_model):
    predictor = load(cross_model)
    theirs = BertForSequenceClassification.from_pretrained(cross_model).eval()
    assert theirs.config.num_labels == 1
    one, two = "a dog runs", "the bread is hot"
    ids = predictor.tokenizer.backend.encode(one, two)
    with torch.inference_mode():
        logit = theirs(torch.tensor([ids.ids]), token_type_ids=torch.tensor([ids.type_ids])).logits.item()
    low, high = predictor.task.settings.scale
    made = predictor({"sentence1": one, "sentence2": two})
    assert made.similarity == pytest.approx(low + logit * (high - low), abs=1e-4)


def test_going_on_with_a_cross_encoder_keeps_its_score(cross_model):
    predictor = load(cross_model)
    made = build_untrained(read_checkpoint(cross_model), predictor.task, dropout=0.0)
    assert torch.equal(made.model.score.scores.weight, predictor.engine.model.score.scores.weight)


def test_two_texts_read_alone_and_among_others_have_the_same_cosine(tiny_config, tokenizer):
    model = BiEncoderModel(Encoder(tiny_config), 0.05).eval()
    examples = [SimilarityExample(str(n), "paris " * (n + 1), "a city", n / 4) for n in range(5)]
    small = tiny_config.vocabulary_size
    features = SimilarityTrainingSet(examples, tokenizer, SimilaritySettings(loss="cosine")).epoch(0, 0)
    for feature in features:
        for one in feature.sequences:
            one %= small
    with torch.inference_mode():
        together = model(collate(features))
        alone = [model(collate([feature])) for feature in features]
    assert float(together.loss) == pytest.approx(np.mean([one.loss.item() for one in alone]), rel=1e-5)
    for one, other in zip(alone, together.per_sequence(), strict=True):
        np.testing.assert_allclose(one.per_sequence()[0], other, atol=1e-5)


def test_contrast_is_the_mean_cross_entropy_both_ways():
    scores = torch.tensor([[3.0, 1.0], [2.0, 0.0]])
    loss, hits = contrast_loss(scores, torch.eye(2, dtype=torch.bool))
    log = np.logaddexp
    rows = (log(3, 1) - 3) + (log(2, 0) - 0)
    columns = (log(3, 2) - 3) + (log(1, 0) - 0)
    assert loss.item() == pytest.approx((rows + columns) / 2)
    assert hits.tolist() == [True, False]


def test_contrast_holds_no_text_against_a_pair_that_has_it_too():
    scores = torch.tensor([[3.0, 9.0, 1.0], [9.0, 3.0, 1.0], [0.0, 0.0, 2.0]])
    same = torch.tensor([[1, 1, 0], [1, 1, 0], [0, 0, 1]], dtype=torch.bool)
    loss, hits = contrast_loss(scores, same)
    assert hits.all()
    assert loss.item() == pytest.approx(
        contrast_loss(scores.masked_fill(scores == 9, -1e9), torch.eye(3, dtype=torch.bool))[0].item()
    )
