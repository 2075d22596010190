"""The network of coreference: mentions and links scored from the first and last piece of spans.

No span has a vector of its own: a mention's score and a pair's score are sums of products of start and end
vectors (Kirstain et al. 2021), so that cost and memory grow with pieces, not with possible spans.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid, pad

from spanbert.nn.encoder import Encoder, initialise
from spanbert.tasks.coreference.features import LINKS, MENTIONS, CoreferenceBatch
from spanbert.tasks.coreference.pairs import DISTANCE_KINDS, DISTANCES, FARTHEST, PAIR_KINDS, pair_kinds
from spanbert.tasks.coreference.settings import CoreferenceSettings

MENTION_PRIOR = -5.0
"""Log odds of a mention at the start: of a sentence's spans hardly one in a hundred is one."""
LEAST_SCORE = -3.0
"""Log odds below which a span is neither mention nor antecedent in prediction (a chance under 5 %)."""

Mentions = NDArray[np.void]
"""Records of `mention_record`: (M,)."""


def mention_record(head_width: int) -> np.dtype[np.void]:
    """What prediction keeps of a span that may be a mention.

    `start` and `end` are its first and last word in the document, `first_code` and `last_code` their codes,
    `score` its log odds of being a mention; the score of a link from a mention to an earlier one is
    `query` @ the other's `key` + `kinds`[kind of the pair]; `link_scores` adds that both are mentions.
    """
    return np.dtype(
        [
            ("start", np.int64),
            ("end", np.int64),
            ("first_code", np.int64),
            ("last_code", np.int64),
            ("speaker", np.int64),
            ("score", np.float32),
            ("query", np.float32, (2 * head_width,)),
            ("key", np.float32, (2 * head_width,)),
            ("kinds", np.float32, (PAIR_KINDS,)),
        ]
    )


@dataclass(frozen=True)
class CoreferenceOutput:
    """Spans that may be mentions, in the order of their features and of the text; losses as sums in nats.

    Args:
        fields: the fields of `mention_record`, each (M, ...).
        mention_counts: how many of them each feature has.
        losses: of mentions and links; empty without gold.
        targets: how many gold mentions the losses are told for.
    """

    fields: dict[str, Tensor]
    mention_counts: tuple[int, ...]
    losses: dict[str, Tensor]
    targets: int

    @property
    def loss(self) -> Tensor | None:
        """The losses for each gold mention, added up; None without gold."""
        return sum(self.losses.values(), torch.zeros(())) / max(self.targets, 1) if self.losses else None

    @property
    def hits(self) -> dict[str, Tensor]:
        """None: clusters are scored on the dev set."""
        return {}

    def per_sequence(self) -> list[Mentions]:
        """For each feature the records of its spans."""
        width = self.fields["key"].shape[1] // 2
        found = np.empty(sum(self.mention_counts), dtype=mention_record(width))
        for name, values in self.fields.items():
            found[name] = values.float().cpu().numpy() if values.is_floating_point() else values.cpu().numpy()
        # Copies: a slice would hold the whole batch in memory.
        return [part.copy() for part in np.split(found, list(accumulate(self.mention_counts))[:-1])]


class EndVectors(nn.Module):
    """Vectors for one end of spans: linear, GELU, norm, dropout."""

    def __init__(self, width_in: int, width: int, dropout: float) -> None:
        super().__init__()
        self.dense = nn.Linear(width_in, width)
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, hidden: Tensor) -> Tensor:
        """(..., D) -> (..., head width)."""
        return self.dropout(self.norm(nn.functional.gelu(self.dense(hidden))))  # type: ignore[no-any-return]


class MentionHead(nn.Module):
    """Log odds of being a mention for every pair of a first and a last word."""

    length_kinds: Tensor

    def __init__(self, width_in: int, width: int, dropout: float) -> None:
        super().__init__()
        self.starts = EndVectors(width_in, width, dropout)
        self.ends = EndVectors(width_in, width, dropout)
        self.start_score = nn.Linear(width, 1)
        self.end_score = nn.Linear(width, 1)
        self.both = nn.Linear(width, width, bias=False)
        self.shape = nn.Embedding(DISTANCES + 1, 1)
        """A score for each kind of length, and one for spans that begin and end in different sentences."""
        self.scale = width**-0.5
        self.register_buffer("length_kinds", torch.from_numpy(DISTANCE_KINDS), persistent=False)

    def forward(self, first: Tensor, last: Tensor, sentences: Tensor) -> Tensor:
        """Scores of spans from row to column.

        Args:
            first: states of words' first pieces (S, W, D).
            last: of their last pieces, likewise.
            sentences: integers (S, W), the sentence of each word.

        Returns:
            (S, W, W); what stands below the diagonal means nothing.
        """
        starts, ends = self.starts(first), self.ends(last)
        products: Tensor = starts @ self.both(ends).transpose(1, 2) * self.scale
        by_start, by_end = self.start_score(starts), self.end_score(ends).transpose(1, 2)
        place = torch.arange(first.shape[1], device=first.device)
        lengths = self.length_kinds[(place[None, :] - place[:, None]).clip(0, FARTHEST)]
        shape = self.shape.weight[:, 0]
        crossing = sentences[:, :, None] != sentences[:, None, :]
        scores: Tensor = products.float() + by_start.float() + by_end.float()
        return scores + shape[lengths] + shape[-1] * crossing


class LinkHead(nn.Module):
    """What a span brings to the scores of its links: query, key, and a score for each kind of pair.

    The product of query and key is the sum of four bilinear forms: start and end of the one with start and
    end of the other.
    """

    def __init__(self, width_in: int, width: int, dropout: float) -> None:
        super().__init__()
        self.starts = EndVectors(width_in, width, dropout)
        self.ends = EndVectors(width_in, width, dropout)
        self.query = nn.Linear(2 * width, 2 * width)
        self.kinds = nn.Linear(2 * width, PAIR_KINDS)
        self.scale = (2 * width) ** -0.5

    def forward(self, first: Tensor, last: Tensor) -> dict[str, Tensor]:
        """States of the spans' first and last pieces (M, D) -> the three by name, each (M, ...)."""
        key = torch.cat([self.starts(first), self.ends(last)], dim=-1)
        query, kinds = self.query(key) * self.scale, self.kinds(key)
        return {"query": query.float(), "key": key.float(), "kinds": kinds.float()}


class CoreferenceModel(nn.Module):
    """Encoder, mentions, links."""

    distance_kinds: Tensor

    def __init__(self, encoder: Encoder, settings: CoreferenceSettings) -> None:
        super().__init__()
        self.encoder = encoder
        self.max_mention_words = settings.max_mention_words
        self.mentions_per_word = settings.mentions_per_word
        shape = (encoder.config.width, settings.head_width, encoder.config.hidden_dropout)
        self.mentions = MentionHead(*shape)
        self.links = LinkHead(*shape)
        initialise(self.mentions, encoder.config.init_std)
        initialise(self.links, encoder.config.init_std)
        nn.init.constant_(self.mentions.start_score.bias, MENTION_PRIOR)
        self.register_buffer("distance_kinds", torch.from_numpy(DISTANCE_KINDS), persistent=False)

    def forward(self, batch: CoreferenceBatch) -> CoreferenceOutput:
        """Score spans and what links them; losses when the batch has gold."""
        hidden = self.encoder(batch.pieces)[0]
        words = batch.words
        scores = self.mentions(hidden[words.first_pieces], hidden[words.last_pieces], words.sentences)
        possible = self._possible(batch, scores.device)
        clusters = None if batch.gold is None else _cluster_table(batch.gold, scores)
        kept = self._kept(scores.detach(), possible, batch.word_counts, clusters)
        rows, first, last = kept.unbind(1)
        fields = {
            "start": words.numbers[rows, first],
            "end": words.numbers[rows, last],
            "first_code": words.codes[rows, first],
            "last_code": words.codes[rows, last],
            "speaker": words.speakers[rows, first],
            "score": scores[rows, first, last],
            **self.links(hidden[words.first_pieces[rows, first]], hidden[words.last_pieces[rows, last]]),
        }
        borders = torch.tensor([0, *accumulate(batch.segment_counts)], device=rows.device)
        places = torch.searchsorted(rows.contiguous(), borders)
        counts = tuple(places.diff().tolist())
        if clusters is None:
            return CoreferenceOutput(fields, counts, {}, 0)
        mention_loss = binary_cross_entropy_with_logits(
            scores[possible], (clusters[possible] > 0).float(), reduction="sum"
        )
        gold = clusters[rows, first, last]
        links = [
            self._link_loss({name: values[begin:end] for name, values in fields.items()}, gold[begin:end])
            for begin, end in pairwise(places.tolist())
        ]
        losses = {MENTIONS: mention_loss, LINKS: torch.stack(links).sum()}
        return CoreferenceOutput(fields, counts, losses, batch.target_counts[LINKS])

    def _possible(self, batch: CoreferenceBatch, device: torch.device) -> Tensor:
        """Booleans (S, W, W): whether first and last word are a span of the segment, one not too long."""
        place = torch.arange(batch.words.numbers.shape[1], device=device)
        longer = place[None, :] - place[:, None]
        counts = torch.tensor(batch.word_counts, device=device)
        return ((longer >= 0) & (longer < self.max_mention_words)) & (place < counts[:, None])[:, None, :]

    def _kept(
        self, scores: Tensor, possible: Tensor, word_counts: tuple[int, ...], clusters: Tensor | None
    ) -> Tensor:
        """The best spans of each segment in the order of the text, (M, 3): segment, first word, last word.

        In training gold mentions are always among them; in prediction none that hardly is a mention.
        """
        scores = scores.masked_fill(~possible, -torch.inf)
        if clusters is not None:
            scores = scores.masked_fill(clusters > 0, torch.inf)
        width = scores.shape[1]
        found = []
        for segment, (values, count) in enumerate(zip(scores.flatten(1), word_counts, strict=True)):
            most = int(self.mentions_per_word * count + 1)
            lowest = -torch.inf
            if clusters is not None:
                most = max(most, int((clusters[segment] > 0).sum()))
            elif not self.training:
                lowest = LEAST_SCORE
            best = values.topk(min(most, len(values)))
            places = best.indices[best.values > lowest].sort().values
            found.append(
                torch.stack([torch.full_like(places, segment), places // width, places % width], dim=1)
            )
        return torch.cat(found)

    def _link_loss(self, mentions: dict[str, Tensor], clusters: Tensor) -> Tensor:
        """Sum over spans of -log of the chance that an antecedent is a right one, in nats.

        The chance is summed over all earlier mentions of the span's cluster; with none, the right antecedent
        is "none", whose score is 0.

        Args:
            mentions: fields of `mention_record` of one feature, in the order of the text.
            clusters: integers (M,), 0 for spans that are no gold mention.
        """
        scores = link_scores(mentions, mentions, pair_kinds(mentions, mentions, self.distance_kinds))
        earlier = torch.ones_like(scores, dtype=torch.bool).tril(-1)
        right = (clusters[:, None] == clusters[None, :]) & (clusters > 0)[:, None] & earlier
        first = ~right.any(dim=1)
        scores = pad(scores.masked_fill(~earlier, -torch.inf), (1, 0))
        right = torch.cat([first[:, None], right], dim=1)
        return (scores.logsumexp(dim=1) - scores.masked_fill(~right, -torch.inf).logsumexp(dim=1)).sum()


def link_scores(later: dict[str, Tensor], earlier: dict[str, Tensor], kinds: Tensor) -> Tensor:
    """Log odds of each link against "no antecedent", (Q, A); `linking.link_scores` is the same in numpy.

    A link says three things: that both spans are mentions, and that they mean the same.
    """
    return (
        later["query"] @ earlier["key"].T
        + later["kinds"].gather(1, kinds)
        + logsigmoid(later["score"])[:, None]
        + logsigmoid(earlier["score"])[None, :]
    )


def _cluster_table(gold: Tensor, scores: Tensor) -> Tensor:
    """Integers (S, W, W): the number of the cluster of each span, 0 for spans that are no gold mention."""
    table = torch.zeros(scores.shape, dtype=torch.int64, device=scores.device)
    table[gold[:, 0], gold[:, 1], gold[:, 2]] = gold[:, 3]
    return table


def head_names() -> dict[str, dict[str, str]]:
    """Our names of head tensors -> those in files, under a prefix that transformers does not know."""
    ends = [f"{side}.{part}" for side in ("starts", "ends") for part in ("dense", "norm")]
    parts = {
        "mentions": [*ends, "start_score", "end_score", "both", "shape"],
        "links": [*ends, "query", "kinds"],
    }
    return {
        head: {f"{name}.*": f"coreference.{head}.{name}.*" for name in names} for head, names in parts.items()
    }
