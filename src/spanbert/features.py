"""The encoder in scikit-learn: texts or spans as feature vectors, and a classifier on frozen features."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from operator import index
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spanbert.errors import CheckpointError, DataError, MissingExtraError, SettingsError

try:
    from sklearn.base import (
        BaseEstimator,
        ClassifierMixin,
        ClassNamePrefixFeaturesOutMixin,
        TransformerMixin,
    )
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline, make_pipeline
    from sklearn.preprocessing import Normalizer, StandardScaler
    from sklearn.svm import LinearSVC
    from sklearn.utils import Tags, check_consistent_length
    from sklearn.utils.metaestimators import available_if
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, column_or_1d
except ImportError as error:
    raise MissingExtraError("spanbert.features", "sklearn") from error

import spanbert
from spanbert.checkpoint.contents import require_encoder
from spanbert.checkpoint.source import read_checkpoint
from spanbert.inference.precision import parse_precision
from spanbert.text.fields import shown
from spanbert.text.spans import Span
from spanbert.workflows.embedding.embed import (
    OVERLAP_PIECES,
    WINDOW_PIECES,
    Embedder,
    Vector,
    checked,
    parse_pooling,
    unit,
    vector_part,
)
from spanbert.workflows.embedding.spans import SpanEmbedder, TextSpan
from spanbert.workflows.embedding.vector_cache import VectorCache
from spanbert.workflows.provenance import model_sha256

PoolingName = Literal["mean", "first", "max", "spans"]
PrecisionName = Literal["float32", "bfloat16", "int8"]


class SpanbertFeatures(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Vectors of a frozen encoder as a scikit-learn transformer; nothing is learned in `fit`.

    X is a list, array or column of texts; with `pooling="spans"` a list of `(text, (char_start, char_end))`.

    Args:
        model: a shipped name, a folder or a hub id.
        pooling: `mean` or `max` over all pieces, the `first` piece, or `spans`: first piece, last piece and
            mean of a given span, one after another (three times the width).
        normalize: scale vectors to length 1.
        precision: arithmetic of the matrix products; in `int8` a vector varies a little with the texts beside
            it, which share a scale.
        cache: folder in which vectors are kept, so that no text is embedded twice, by whatever process; not
            with `int8`.
        progress: show how far it is, on stderr.
        offline: take a hub id from the cache only.
    """

    def __init__(
        self,
        model: str = "mini",
        *,
        pooling: PoolingName = "mean",
        normalize: bool = False,
        precision: PrecisionName = "float32",
        cache: str | Path | None = None,
        progress: bool = False,
        offline: bool = False,
    ) -> None:
        self.model = model
        self.pooling = pooling
        self.normalize = normalize
        self.precision = precision
        self.cache = cache
        self.progress = progress
        self.offline = offline

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: N803
        """Load the model and note which weights it has.

        Raises:
            SpanbertError: the model or a setting is not as it must be.
        """
        for noted in ("model_sha256_", "_loaded"):  # the folder may hold other weights by now
            self.__dict__.pop(noted, None)
        self.model_sha256_ = self._model().sha256
        return self

    def transform(self, X: Any) -> NDArray[np.float32]:  # noqa: N803
        """Vectors (n, D), float32.

        Raises:
            DataError: an item is no text (or no text with a span).
            CheckpointError: the model's name stands for other weights than in `fit`.
        """
        items = _spans(X) if self.pooling == "spans" else _texts(X)
        model = self._model()
        vectors = self._vectors(model, items)
        if self.progress:
            from spanbert.cli.counted import counted

            vectors = counted(vectors, "embedding", len(items))
        found = list(vectors)
        return np.stack(found) if found else np.zeros((0, model.width), dtype=np.float32)

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.transformer_tags.preserves_dtype = []
        return _of_texts(tags)

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()
        state = {name: value for name, value in state.items() if name != "_loaded"}
        return {**state, "cache": str(self.cache)} if isinstance(self.cache, Path) else state

    @property
    def _n_features_out(self) -> int:
        return self._model().width

    def _vectors(self, model: _Model, items: list[Any]) -> Iterator[Vector]:
        if self.cache is None:
            return model.vectors(items)
        source = {
            "weights": model.sha256,
            "settings": [self.pooling, self.normalize, self.precision, WINDOW_PIECES, OVERLAP_PIECES],
            "spanbert": spanbert.__version__,
        }
        folder = Path(self.cache).expanduser()
        return VectorCache(folder, model.width, source).vectors(items, _key, model.vectors)

    def _model(self) -> _Model:
        """The model as the parameters say it, read once."""
        wanted = (self.model, self.pooling, self.normalize, self.precision, self.offline)
        loaded: _Model | None = self.__dict__.get("_loaded")
        if loaded is None or loaded.wanted != wanted:
            if self.cache is not None and self.precision == "int8":
                raise SettingsError(
                    "in int8 a vector varies a little with the texts beside it, so a cache cannot keep it: "
                    "leave cache out, or take float32"
                )
            loaded = _Model(*wanted)
            if loaded.sha256 != self.__dict__.get("model_sha256_", loaded.sha256):
                raise CheckpointError(
                    f"{self.model}: has other weights than when this was fitted; name the model it was "
                    "fitted with, or fit again"
                )
            self._loaded = loaded
        return loaded


class _Model:
    """A model that was read; what makes vectors is built when the first is asked for."""

    def __init__(
        self, model: str, pooling: str, normalize: bool, precision: PrecisionName, offline: bool
    ) -> None:
        self.wanted = (model, pooling, normalize, precision, offline)
        self.pooling = None if pooling == "spans" else parse_pooling(pooling)
        self.normalize = normalize
        self.precision = parse_precision(precision)
        self.checkpoint = read_checkpoint(model, offline=offline)
        require_encoder(self.checkpoint)
        part = None if self.pooling is None else vector_part(self.checkpoint)
        digests = json.dumps(model_sha256(self.checkpoint.path, part=part), sort_keys=True)
        self.sha256 = hashlib.sha256(digests.encode()).hexdigest()
        self.width = self.checkpoint.config.width * (3 if self.pooling is None else 1)

    @cached_property
    def embedder(self) -> Embedder | SpanEmbedder:
        if self.pooling is None:
            return SpanEmbedder(self.checkpoint, self.precision)
        return Embedder(
            self.checkpoint, pooling=self.pooling, normalize=self.normalize, precision=self.precision
        )

    def vectors(self, items: list[Any]) -> Iterator[Vector]:
        """Vectors of texts, or of spans."""
        found = self.embedder.vectors(items)
        return map(unit, found) if self.normalize and self.pooling is None else found


class SpanbertClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A linear classifier on the standardised features of a frozen encoder.

    Args:
        model: a shipped name, a folder or a hub id.
        pooling: as of `SpanbertFeatures`.
        head: `logistic` regression, or a linear `svm`, which has no `predict_proba`.
        C: inverse strength of the head's regularisation.
        balanced: weigh labels so that rare and frequent ones count alike.
        precision: as of `SpanbertFeatures`.
        cache: as of `SpanbertFeatures`.
        progress: as of `SpanbertFeatures`.
        offline: take a hub id from the cache only.
    """

    def __init__(
        self,
        model: str = "mini",
        *,
        pooling: PoolingName = "mean",
        head: Literal["logistic", "svm"] = "logistic",
        C: float = 1.0,  # noqa: N803  # the name that scikit-learn gives it
        balanced: bool = False,
        precision: PrecisionName = "float32",
        cache: str | Path | None = None,
        progress: bool = False,
        offline: bool = False,
    ) -> None:
        self.model = model
        self.pooling = pooling
        self.head = head
        self.C = C
        self.balanced = balanced
        self.precision = precision
        self.cache = cache
        self.progress = progress
        self.offline = offline

    def fit(self, X: Any, y: ArrayLike) -> Self:  # noqa: N803
        """Embed the texts and train the head.

        Raises:
            SpanbertError: a text, the model or a setting is not as it must be.
        """
        if self.head not in HEADS:
            raise SettingsError(f"unknown head {self.head!r}: choose one of {', '.join(HEADS)}")
        features = SpanbertFeatures(
            self.model,
            pooling=self.pooling,
            precision=self.precision,
            cache=self.cache,
            progress=self.progress,
            offline=self.offline,
        )
        labels = column_or_1d(y, warn=True)
        given = y if isinstance(y, Sequence) else labels  # an array of a list has names for what is missing
        if missing := [number for number, label in enumerate(given, start=1) if _is_missing(label)]:
            raise DataError(
                f"{len(missing)} texts have no label, the first is text {missing[0]}; leave them out"
            )
        check_classification_targets(labels)
        check_consistent_length(X, labels)
        weights = "balanced" if self.balanced else None
        steps = HEADS[self.head]()
        head = steps[-1]
        head.set_params(C=self.C, max_iter=MOST_ITERATIONS, class_weight=weights, random_state=0)
        self.pipeline_: Pipeline = make_pipeline(features, *steps).fit(X, labels)
        self.classes_ = head.classes_
        return self

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """The likeliest label of each text (n,)."""
        check_is_fitted(self)
        return self.pipeline_.predict(X)  # type: ignore[no-any-return]

    def decision_function(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        """Scores of the labels (n, L), or (n,) of the second of two."""
        check_is_fitted(self)
        return self.pipeline_.decision_function(X)  # type: ignore[no-any-return]

    @available_if(lambda self: self.head == "logistic")  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        """Chances of the labels (n, L), in the order of `classes_`."""
        check_is_fitted(self)
        return self.pipeline_.predict_proba(X)  # type: ignore[no-any-return]

    def __sklearn_tags__(self) -> Tags:
        return _of_texts(super().__sklearn_tags__())


HEADS: dict[str, Callable[[], list[Any]]] = {
    "logistic": lambda: [StandardScaler(), LogisticRegression()],
    # At unit length C = 1 suits vectors of any width, and the solver needs a hundredth of the time.
    "svm": lambda: [StandardScaler(), Normalizer(), LinearSVC(dual=False)],
}
MOST_ITERATIONS = 2000


def _is_missing(label: Any) -> bool:
    return label is None or (isinstance(label, float) and math.isnan(label))


def _of_texts(tags: Tags) -> Tags:
    tags.input_tags.two_d_array = False
    tags.input_tags.string = True
    tags.no_validation = True
    return tags


def _column(items: Any) -> list[Any]:
    """A list, array, or column of a frame as a list."""
    if isinstance(items, str | bytes | Mapping) or not isinstance(items, Iterable):
        raise DataError(f"a list of texts is needed, found {shown(items)}; for one text write [text]")
    shape: tuple[int, ...] = getattr(items, "shape", (0,))
    if len(shape) == 2 and shape[1] == 1 and not hasattr(items, "toarray"):
        return list(np.asarray(items, dtype=object)[:, 0])
    if len(shape) != 1:
        raise DataError(f"one column of texts is needed, found an array of shape {tuple(shape)}")
    return list(items)


def _texts(items: Any) -> list[str]:
    found = []
    for number, text in enumerate(_column(items), start=1):
        try:
            found.append(checked(text))
        except DataError as error:
            raise DataError(f"text {number}: {error}") from None
    return found


def _spans(items: Any) -> list[TextSpan]:
    found = []
    if isinstance(items, str | bytes | Mapping) or not isinstance(items, Iterable):
        raise DataError(f"a list of (text, (char_start, char_end)) is needed, found {shown(items)}")
    for number, item in enumerate(items, start=1):
        try:
            text, (start, end) = item
            found.append((checked(text), Span(index(start), index(end))))
        except (TypeError, ValueError, DataError):
            raise DataError(
                f"item {number}: (text, (char_start, char_end)) is needed, found {shown(item)}"
            ) from None
    return found


def _key(item: str | TextSpan) -> str:
    """What of an item decides its vector."""
    return item if isinstance(item, str) else f"{item[1].start}:{item[1].end}:{item[0]}"
