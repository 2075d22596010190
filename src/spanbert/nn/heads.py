"""What stands on an encoder in BERT-shaped checkpoints: the pooler and the heads that Hugging Face has too.

Each starts at random as the encoder does.
"""

from __future__ import annotations

from torch import Tensor, nn

from spanbert.nn.config import EncoderConfig
from spanbert.nn.encoder import initialise


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
