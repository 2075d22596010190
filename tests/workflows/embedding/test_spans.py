import numpy as np
import pytest
import torch
from transformers import AutoModel

from spanbert.checkpoint.source import read_checkpoint
from spanbert.errors import DataError
from spanbert.text.alignment import pieces_of_chars
from spanbert.text.spans import Span
from spanbert.workflows.embedding.embed import text_windows
from spanbert.workflows.embedding.spans import SpanEmbedder
from tiny_start import write_start

TEXT = "Ada Lovelace wrote the notes in Paris"
LONG = "the river runs through Paris and the city . " * 30


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    return write_start(tmp_path_factory.mktemp("start"), [TEXT, LONG])


@pytest.fixture(scope="module")
def embedder(start):
    return SpanEmbedder(read_checkpoint(start))


@pytest.fixture(scope="module")
def states_of(start, embedder):
    model = AutoModel.from_pretrained(start).eval()

    def states(ids):
        framed = [embedder.tokenizer.start_id, *ids.tolist(), embedder.tokenizer.end_id]
        with torch.inference_mode():
            return model(torch.tensor([framed])).last_hidden_state[0, 1:-1].numpy()

    return states


def span_of(text, part, start=0):
    begin = text.index(part, start)
    return Span(begin, begin + len(part))


def test_a_vector_is_first_piece_last_piece_and_mean(embedder, states_of):
    span = span_of(TEXT, "Lovelace wrote")
    pieces = embedder.tokenizer.encode(TEXT)
    inside = pieces_of_chars(pieces, span)
    states = states_of(pieces.ids)[inside.start : inside.end]
    (made,) = embedder.vectors([(TEXT, span)])
    np.testing.assert_allclose(made, np.concatenate([states[0], states[-1], states.mean(0)]), atol=1e-5)
    assert made.shape == (embedder.width,)


def test_each_piece_of_a_long_text_is_read_in_the_window_that_owns_it(embedder, states_of):
    pieces = embedder.tokenizer.encode(LONG)
    cut = text_windows(len(pieces), embedder.room)
    assert len(cut) > 2
    whole = np.concatenate(
        [
            states_of(pieces.ids[one.pieces.start : one.pieces.end])[
                one.owned.start - one.pieces.start : one.owned.end - one.pieces.start
            ]
            for one in cut
        ]
    )
    spans = [span_of(LONG, "Paris", 600), Span(0, len(LONG)), Span(100, 1000)]
    for made, span in zip(embedder.vectors([(LONG, span) for span in spans]), spans, strict=True):
        inside = pieces_of_chars(pieces, span)
        states = whole[inside.start : inside.end]
        np.testing.assert_allclose(made, np.concatenate([states[0], states[-1], states.mean(0)]), atol=1e-5)


def test_order_is_kept_and_a_text_asked_twice_is_read_once(embedder):
    items = [(TEXT, Span(0, 3)), (TEXT, Span(4, 12)), ("Ada", Span(0, 3)), (TEXT, Span(0, 3))]
    before = embedder.engine.pieces
    made = list(embedder.vectors(items))
    once = embedder.tokenizer.encode(TEXT)
    assert embedder.engine.pieces - before == 2 * (len(once) + 2) + len(embedder.tokenizer.encode("Ada")) + 2
    alone = [next(embedder.vectors([item])) for item in items]
    np.testing.assert_allclose(made, alone, atol=1e-5)


@pytest.mark.parametrize(
    ("text", "span", "message"),
    [
        ("Ada", Span(2, 2), r"the span \[2, 2\) of 'Ada' is empty"),
        ("Ada", Span(2, 4), "reaches behind its text of 3 characters"),
        ("Ada   wrote", Span(4, 5), "holds nothing that the tokenizer sees"),
    ],
)
def test_a_span_of_nothing_is_refused(embedder, text, span, message):
    with pytest.raises(DataError, match=message):
        list(embedder.vectors([(TEXT, Span(0, 3)), (text, span)]))
