"""What stands on an encoder in BERT-shaped checkpoints: the pooler, the heads that Hugging Face has too, and
SpanBERT's own.

Each starts at random as the encoder does.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import linear

from spanbert.nn.config import EncoderConfig
from spanbert.nn.encoder import initialise

PLACES = 15
PLACE_WIDTH = 200


class Pooler(nn.Module):
    """tanh(W x + b) of each sequence's first piece (Devlin et al. 2019)."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.width, config.width)
        initialise(self, config.init_std)

    def forward(self, rows: Tensor) -> Tensor:
        """Sequence rows (S, P, D) -> (S, D)."""
        return self.dense(rows[:, 0]).tanh()  # type: ignore[no-any-return]


class LinearHead(nn.Module):
    """One linear map from encoder width to scores: answer ends, token labels or text labels."""

    def __init__(self, config: EncoderConfig, labels: int) -> None:
        super().__init__()
        self.scores = nn.Linear(config.width, labels)
        initialise(self, config.init_std)

    def forward(self, hidden: Tensor) -> Tensor:
        """(..., D) -> (..., L)."""
        return self.scores(hidden)  # type: ignore[no-any-return]


class NextSentenceHead(nn.Module):
    """Whether the second text of a pair follows the first: two scores from the pooled [CLS]."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.pooler = Pooler(config)
        self.scores = nn.Linear(config.width, 2)
        initialise(self, config.init_std)

    def forward(self, rows: Tensor) -> Tensor:
        """Sequence rows (S, P, D) -> (S, 2): scores of "follows" and of "is from elsewhere"."""
        return self.scores(self.pooler(rows))  # type: ignore[no-any-return]


class MaskedLmHead(nn.Module):
    """Transform, then scores over the vocabulary by the (tied) word embeddings and a bias of its own."""

    def __init__(self, config: EncoderConfig, word_embeddings: nn.Embedding) -> None:
        super().__init__()
        self.dense = nn.Linear(config.width, config.width)
        self.activation = config.activation.build()
        self.norm = nn.LayerNorm(config.width, eps=config.norm_epsilon)
        self.decoder = nn.Linear(config.width, config.vocabulary_size)
        initialise(self, config.init_std)
        # Tied after the random start, which would overwrite trained vectors.
        self.decoder.weight = word_embeddings.weight

    def forward(self, hidden: Tensor) -> Tensor:
        """(..., D) -> (..., V); give it the masked pieces alone."""
        return self.decoder(self.norm(self.activation(self.dense(hidden))))  # type: ignore[no-any-return]


class SpanBoundaryHead(nn.Module):
    """Scores of a masked piece from its span's two neighbours and its place in the span.

    h = LayerNorm(GELU(W1 [left; right; place])), y = LayerNorm(GELU(W2 h)), scores over the vocabulary by the
    (tied) word embeddings and a bias of its own (Joshi et al. 2020, section 3.2).

    W1 [l; r; p] = Wl l + Wr r + Wp p, so the neighbours' parts are computed once for a span and the places'
    parts once for a batch, not once for each piece.

    Args:
        config: of the encoder.
        word_embeddings: tied.
        places: pieces of a span, from its first, that the head can predict.
        place_width: width of the place vectors.
    """

    def __init__(
        self,
        config: EncoderConfig,
        word_embeddings: nn.Embedding,
        *,
        places: int = PLACES,
        place_width: int = PLACE_WIDTH,
    ) -> None:
        super().__init__()
        width = config.width
        self.place = nn.Embedding(places, place_width)
        self.inner = nn.Linear(2 * width + place_width, width)
        self.inner_norm = nn.LayerNorm(width, eps=config.norm_epsilon)
        self.outer = nn.Linear(width, width)
        self.outer_norm = nn.LayerNorm(width, eps=config.norm_epsilon)
        self.activation = nn.GELU()
        self.decoder = nn.Linear(width, config.vocabulary_size)
        initialise(self, config.init_std)
        # Tied after the random start, which would overwrite trained vectors.
        self.decoder.weight = word_embeddings.weight

    def forward(self, left: Tensor, right: Tensor, spans: Tensor, places: Tensor) -> Tensor:
        """Scores of M targets in N spans.

        Args:
            left: (N, D), states of the pieces before the spans.
            right: (N, D), states of the pieces behind them.
            spans: integers (M,), the span of each target.
            places: integers (M,), which piece of its span it is.

        Returns:
            (M, V).
        """
        width = left.shape[-1]
        weight = self.inner.weight
        of_left, of_right, of_place = weight[:, :width], weight[:, width : 2 * width], weight[:, 2 * width :]
        boundaries = linear(left, of_left) + linear(right, of_right, self.inner.bias)
        by_place = linear(self.place.weight, of_place)
        inner = boundaries.index_select(0, spans) + by_place.index_select(0, places)
        hidden = self.inner_norm(self.activation(inner))
        return self.decoder(  # type: ignore[no-any-return]
            self.outer_norm(self.activation(self.outer(hidden)))
        )
