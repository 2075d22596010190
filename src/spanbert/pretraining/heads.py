"""The span boundary head; the masked-LM head is BERT's and stands in `spanbert.nn.heads`."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import linear

from spanbert.nn.config import EncoderConfig
from spanbert.nn.encoder import initialise

PLACES = 15
PLACE_WIDTH = 200


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
