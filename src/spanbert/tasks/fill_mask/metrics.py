"""How well hidden pieces are told: accuracy and perplexity."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from spanbert.errors import DataError
from spanbert.scoring.confidence import bootstrap_interval
from spanbert.scoring.report import Report
from spanbert.tasks.fill_mask.examples import NOTHING_TO_HIDE, FillMaskExample, FillMaskPrediction


def score_pieces(examples: Sequence[FillMaskExample], predictions: Sequence[FillMaskPrediction]) -> Report:
    """Over all hidden pieces: how often the right one is the likeliest, or among five; and the perplexity.

    Perplexity is e to the mean of minus the log probability of the hidden pieces. Where an answer has several
    pieces all of them are hidden.

    Lost gold: answers that could not be scored, by reason, and texts of which nothing could be hidden.

    Raises:
        DataError: no piece was hidden that is known.
    """
    gold = [pair for pair in zip(examples, predictions, strict=True) if pair[0].has_gold]
    pieces = [piece for _, made in gold for piece in made.hidden]
    if not pieces:
        raise DataError('nothing to score: give texts without masks, or the right fills as "answers"')
    ranks = np.asarray([piece.rank for piece in pieces])
    right = (ranks == 0).astype(np.float64)
    loss = -float(np.mean([piece.log_probability for piece in pieces]))
    low, high = bootstrap_interval(right)
    lost: Counter[str] = Counter()
    for example, made in gold:
        lost.update(made.lost_gold)
        if not example.masks and not made.hidden:
            lost[NOTHING_TO_HIDE] += 1
    return Report(
        "fill-mask",
        {
            "accuracy": round(100 * float(right.mean()), 4),
            "accuracy_top_5": round(100 * float((ranks < 5).mean()), 4),
            "perplexity": round(math.exp(min(loss, 700.0)), 4),
        },
        "accuracy",
        {"texts": len(gold), "texts_without_gold": len(examples) - len(gold), "hidden_pieces": len(pieces)},
        dict(lost),
        {"accuracy_interval_95": [round(100 * low, 4), round(100 * high, 4)]},
    )
