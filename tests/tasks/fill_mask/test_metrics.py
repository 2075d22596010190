import math

import pytest

from spanbert.errors import DataError
from spanbert.tasks.fill_mask.examples import FillMaskPrediction, HiddenPiece, parse_example
from spanbert.tasks.fill_mask.metrics import score_pieces


def prediction(*hidden, lost_gold=None):
    return FillMaskPrediction(
        "1", "x", (), tuple(HiddenPiece(*piece) for piece in hidden), 1, 1, lost_gold or {}
    )


def examples(*texts):
    return [parse_example({"text": text}, "item", 1) for text in texts]


def test_accuracy_and_perplexity_are_means_over_pieces():
    made = [
        prediction((math.log(0.5), 0), (math.log(0.25), 4)),
        prediction((math.log(0.125), 5)),
        prediction(),
    ]
    report = score_pieces(examples("a", "b", "the [MASK]"), made)
    assert report.values == {
        "accuracy": pytest.approx(100 / 3, abs=1e-3),
        "accuracy_top_5": pytest.approx(200 / 3, abs=1e-3),
        "perplexity": pytest.approx(4.0),
    }
    assert report.counts == {"texts": 2, "texts_without_gold": 1, "hidden_pieces": 3}
    assert not report.lost_gold


def test_gold_that_could_not_be_scored_is_counted_by_reason():
    masked = [parse_example({"text": "the [MASK]", "answers": ["x"]}, "item", 1)] * 2
    made = [
        prediction(lost_gold={"unknown": 2}),
        prediction((-1.0, 0), lost_gold={"unknown": 1, "unread": 1}),
        prediction(),
    ]
    report = score_pieces([*masked, *examples("ж")], made)
    assert report.lost_gold == {"unknown": 3, "unread": 1, "texts without a piece to hide": 1}


def test_nothing_to_score_is_refused():
    with pytest.raises(DataError, match="nothing to score"):
        score_pieces(examples("the [MASK]"), [prediction()])
