"""The scikit-learn interface: its own checks, pipelines and search, saved models, and the cache."""

import shutil
import subprocess
import sys

import numpy as np
import pytest
import skops.io
from safetensors.torch import load_file, save_file
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.validation import validate_data

from spanbert.checkpoint.source import read_checkpoint
from spanbert.errors import CheckpointError, DataError, SettingsError
from spanbert.features import SpanbertClassifier, SpanbertFeatures
from spanbert.workflows.embedding.embed import Embedder
from tiny_start import write_start

TEXTS = ["the film is warm", "a warm and funny film", "funny and warm", "the film is dull"]
TEXTS += ["a slow and dull film", "dull and slow"]
LABELS = ["good", "good", "good", "bad", "bad", "bad"]
TRUSTED = ["spanbert.features.SpanbertClassifier", "spanbert.features.SpanbertFeatures"]


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    return str(write_start(tmp_path_factory.mktemp("start"), [*TEXTS, "0 1 2 3 4 5 6 7 8 9 . -"]))


def as_texts(estimator, rows):
    """Rows of numbers, which is what scikit-learn's checks give, as texts of numbers."""
    rows = validate_data(estimator, rows, reset=False) if hasattr(estimator, "n_features_in_") else rows
    return [" ".join(f"{value:.2f}" for value in row) for row in np.asarray(rows)]


class RowFeatures(SpanbertFeatures):
    """The transformer behind scikit-learn's checks, which know no texts."""

    def fit(self, X, y=None):
        validate_data(self, X)
        return super().fit(X)

    def transform(self, X):
        return super().transform(as_texts(self, X))

    def __sklearn_tags__(self):
        return of_rows(super().__sklearn_tags__())


class RowClassifier(SpanbertClassifier):
    """The classifier behind the same."""

    def fit(self, X, y):
        X, y = validate_data(self, X, y)
        return super().fit(as_texts(self, X), y)

    def predict(self, X):
        return super().predict(as_texts(self, X))

    def decision_function(self, X):
        return super().decision_function(as_texts(self, X))

    def predict_proba(self, X):
        return super().predict_proba(as_texts(self, X))

    def __sklearn_tags__(self):
        return of_rows(super().__sklearn_tags__())


def of_rows(tags):
    tags.input_tags.two_d_array = True
    tags.input_tags.string = False
    tags.no_validation = False
    return tags


NOT_CHECKED = {"check_array_api_input": "is for estimators that compute on arrays of other libraries"}


@pytest.mark.parametrize("kind", [RowFeatures, RowClassifier])
def test_it_passes_the_checks_of_scikit_learn(start, kind):
    """All of them but one, through texts made of their numbers: texts alone would make it skip most."""
    results = check_estimator(kind(start), on_skip=None, on_fail="raise")
    assert {made["check_name"] for made in results if made["status"] != "passed"} <= set(NOT_CHECKED)
    assert len(results) > 40


@pytest.mark.filterwarnings("ignore:Can't test estimator")
def test_it_says_that_it_takes_texts(start):
    assert check_estimator(SpanbertFeatures(start), on_skip=None)
    tags = SpanbertFeatures(start).__sklearn_tags__().input_tags
    assert (tags.string, tags.two_d_array) == (True, False)


@pytest.mark.parametrize("pooling", ["mean", "first", "max"])
def test_features_are_the_vectors_of_the_encoder(start, pooling):
    wanted = Embedder(read_checkpoint(start), pooling=pooling).embed(TEXTS)
    made = SpanbertFeatures(start, pooling=pooling).fit(TEXTS)
    for column in (TEXTS, np.array(TEXTS), np.array(TEXTS, dtype=object)[:, None]):
        np.testing.assert_array_equal(made.transform(column), wanted)
    assert list(made.get_feature_names_out()[[0, -1]]) == ["spanbertfeatures0", "spanbertfeatures31"]
    assert made.transform([]).shape == (0, 32)


def test_spans_have_features_of_three_widths(start):
    spans = [("a warm film", (2, 6)), ("a warm film", (0, 11)), ("dull", (0, 4))]
    made = SpanbertFeatures(start, pooling="spans", normalize=True).fit_transform(spans)
    assert made.shape == (3, 96)
    np.testing.assert_allclose(np.linalg.norm(made, axis=1), 1, atol=1e-5)
    for wrong in ["a text", ("a text", 3), ("a text", (3, 1))]:
        with pytest.raises(DataError, match=r"item 2: \(text, \(char_start, char_end\)\) is needed"):
            SpanbertFeatures(start, pooling="spans").transform([spans[0], wrong])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("one text", "a list of texts is needed"),
        (["a", None], "text 2: a string is needed, found NoneType"),
        (np.array([["a", "b"]]), r"one column of texts is needed, found an array of shape \(1, 2\)"),
    ],
)
def test_what_is_no_column_of_texts_is_refused(start, wrong, message):
    with pytest.raises(DataError, match=message):
        SpanbertFeatures(start).transform(wrong)


def test_a_pipeline_can_be_searched_and_stand_in_columns(start, tmp_path):
    features = SpanbertFeatures(start, cache=str(tmp_path))
    pipeline = make_pipeline(features, LogisticRegression())
    grid = {"spanbertfeatures__pooling": ["mean", "max"], "logisticregression__C": [0.1, 10]}
    search = GridSearchCV(pipeline, grid, cv=3, error_score="raise").fit(TEXTS, LABELS)
    assert search.predict(TEXTS).shape == (6,)
    table = np.array([TEXTS, range(6)], dtype=object).T
    columns = ColumnTransformer([("text", clone(features), 0), ("number", "passthrough", [1])])
    assert columns.fit_transform(table).shape == (6, 33)


def test_vectors_are_kept_by_weights_settings_and_text(start, tmp_path):
    first = SpanbertFeatures(start, cache=tmp_path).fit(TEXTS)
    wanted = first.transform(TEXTS)
    again = SpanbertFeatures(start, cache=tmp_path).fit(TEXTS)
    np.testing.assert_array_equal(again.transform(TEXTS[::-1]), wanted[::-1])
    assert "embedder" not in again._model().__dict__  # nothing had to be computed
    other = SpanbertFeatures(start, cache=tmp_path, normalize=True).fit_transform(TEXTS)
    assert not np.allclose(other, wanted)
    spans = SpanbertFeatures(start, cache=tmp_path, pooling="spans")
    made = spans.transform([(TEXTS[0], (0, 3)), (TEXTS[0], (4, 8))])
    assert not np.allclose(made[0], made[1])


@pytest.mark.parametrize("head", ["logistic", "svm"])
def test_the_classifier_learns_labels(start, head):
    made = SpanbertClassifier(start, head=head).fit(TEXTS, LABELS)
    assert list(made.classes_) == ["bad", "good"]
    assert made.score(TEXTS, LABELS) == 1
    assert hasattr(made, "predict_proba") == (head == "logistic")
    if head == "logistic":
        chances = made.predict_proba(TEXTS)
        assert np.array_equal(made.classes_[chances.argmax(axis=1)], made.predict(TEXTS))


def test_the_classifier_refuses_what_cannot_be_learned(start):
    with pytest.raises(NotFittedError):
        SpanbertClassifier(start).predict(TEXTS)
    with pytest.raises(SettingsError, match="unknown head 'tree': choose one of logistic, svm"):
        SpanbertClassifier(start, head="tree").fit(TEXTS, LABELS)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        SpanbertClassifier(start).fit(TEXTS, LABELS[1:])
    for nothing in (None, float("nan")):
        with pytest.raises(DataError, match="1 texts have no label, the first is text 2"):
            SpanbertClassifier(start).fit(TEXTS, [LABELS[0], nothing, *LABELS[2:]])


def test_an_svm_on_features_is_saved_and_loaded_without_pickle(start, tmp_path):
    for made in (make_pipeline(SpanbertFeatures(start), SVC(kernel="linear")), SpanbertClassifier(start)):
        made.fit(TEXTS, LABELS)
        skops.io.dump(made, tmp_path / "made.skops")
        assert set(skops.io.get_untrusted_types(file=tmp_path / "made.skops")) <= set(TRUSTED)
        loaded = skops.io.load(tmp_path / "made.skops", trusted=TRUSTED)
        assert list(loaded.predict(TEXTS)) == list(made.predict(TEXTS))
        assert (tmp_path / "made.skops").stat().st_size < 100_000  # the encoder's weights are not in it


def test_other_weights_under_the_same_name_are_noticed(start, tmp_path):
    shutil.copytree(start, tmp_path / "model")
    model = str(tmp_path / "model")
    made = make_pipeline(SpanbertFeatures(model), SVC()).fit(TEXTS, LABELS)
    skops.io.dump(made, tmp_path / "made.skops")
    write_start(tmp_path / "model", ["other words"])
    loaded = skops.io.load(tmp_path / "made.skops", trusted=TRUSTED)
    with pytest.raises(CheckpointError, match="has other weights than when this was fitted"):
        loaded.predict(TEXTS)
    assert loaded.fit(TEXTS, LABELS).predict(TEXTS).shape == (6,)


def test_progress_is_shown_on_request(start, capsys, monkeypatch):
    monkeypatch.setattr("spanbert.cli.counted.SECONDS_BETWEEN_LINES", -1.0)
    SpanbertFeatures(start, progress=True).transform(TEXTS[:2])
    assert "embedding: 2/2" in capsys.readouterr().err


def test_a_missing_extra_says_what_to_install():
    code = "import sys; sys.modules['sklearn'] = None; import spanbert.features"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "MissingExtraError: spanbert.features needs an optional package" in done.stderr
    assert "pip install 'spanbert[sklearn]'" in done.stderr


def test_fitting_anew_sees_other_weights_in_the_folder(start, tmp_path):
    model = tmp_path / "model"
    shutil.copytree(start, model)
    features = SpanbertFeatures(str(model)).fit(TEXTS)
    before = features.transform(TEXTS)
    (model / "notes.txt").write_text("not of the model", encoding="utf-8")
    np.testing.assert_array_equal(SpanbertFeatures(str(model)).fit(TEXTS).transform(TEXTS), before)
    assert SpanbertFeatures(str(model)).fit(TEXTS).model_sha256_ == features.model_sha256_
    tensors = load_file(model / "model.safetensors")
    save_file({name: value * 1.1 for name, value in tensors.items()}, model / "model.safetensors")
    assert not np.allclose(features.fit(TEXTS).transform(TEXTS), before)


def test_int8_vectors_are_not_kept(start, tmp_path):
    with pytest.raises(SettingsError, match="a cache cannot keep it"):
        SpanbertFeatures(start, cache=tmp_path, precision="int8").fit(TEXTS)


def test_errors_name_the_item_also_where_others_are_kept(start, tmp_path):
    features = SpanbertFeatures(start, cache=tmp_path).fit(TEXTS)
    features.transform(TEXTS[:2])
    with pytest.raises(DataError, match=r"text 3: .*half a surrogate pair"):
        features.transform([*TEXTS[:2], "x\ud800"])


def test_a_folder_given_as_a_path_is_saved_as_text(start, tmp_path):
    features = SpanbertFeatures(start, cache=tmp_path / "cache").fit(TEXTS)
    assert features.__getstate__()["cache"] == str(tmp_path / "cache")


@pytest.mark.parametrize("wrong", [5, {"a": 1}, [("a", (0.9, 1.9))], [("a", ("0", "1"))]])
def test_what_is_no_span_is_refused(start, wrong):
    with pytest.raises(DataError):
        SpanbertFeatures(start, pooling="spans").transform(wrong)
