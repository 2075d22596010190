"""The encoder and its heads against transformers' BERT with the same weights, padded and packed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from spanbert.checkpoint.hf_config import encoder_config, hf_config
from spanbert.checkpoint.names import ENCODER_NAMES, MASKED_LM_NAMES, POOLER_NAMES, NameTable
from spanbert.checkpoint.weights import Fate, canonical, fill
from spanbert.errors import SettingsError
from spanbert.nn.batch import PieceBatch
from spanbert.nn.config import Activation, EncoderConfig
from spanbert.nn.encoder import Encoder, initialise
from spanbert.nn.heads import LinearHead, MaskedLmHead, Pooler
from spanbert.nn.mask import LocalMask

transformers = pytest.importorskip("transformers")

LABELS = 5
LENGTHS = (11, 4, 17, 2, 17)
LAYOUTS = pytest.mark.parametrize("layout", [PieceBatch.packed, PieceBatch.padded], ids=["packed", "padded"])
SHAPES = {
    "plain": {},
    "one layer, one head": {"layers": 1, "heads": 1},
    "deep and narrow": {"layers": 5, "width": 16, "heads": 8},
    "wide feed-forward, tanh GELU": {"feed_forward_width": 200, "activation": Activation.GELU_TANH},
    "ReLU, other epsilon": {"activation": Activation.RELU, "norm_epsilon": 1e-3},
    "SiLU, four segment types": {"activation": Activation.SILU, "segment_types": 4},
    "odd sizes": {
        "width": 33,
        "heads": 3,
        "feed_forward_width": 7,
        "vocabulary_size": 41,
        "max_positions": 17,
    },
}


class Bert(nn.Module):
    """Encoder with every part that has a counterpart in transformers."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.encoder = Encoder(config)
        self.pooler = Pooler(config)
        self.masked_lm = MaskedLmHead(config, self.encoder.embeddings.word)
        self.ends = LinearHead(config, labels=2)
        self.labels = LinearHead(config, labels=LABELS)


NAMES = NameTable.joined(
    {
        "encoder": ENCODER_NAMES,
        "pooler": POOLER_NAMES,
        "masked_lm": MASKED_LM_NAMES,
        "ends": {"scores.*": "qa_outputs.*"},
        "labels": {"scores.*": "classifier.*"},
    }
)


@pytest.fixture(params=SHAPES)
def config(request, tiny_config) -> EncoderConfig:
    return replace(tiny_config, **SHAPES[request.param])


def theirs_of(config: EncoderConfig, architecture: str):
    """A model of transformers with random weights, biases and norms too, so that no swap goes unseen."""
    values = hf_config(config.with_dropout(0.0), architecture)
    labels = 2 if architecture == "BertForQuestionAnswering" else LABELS
    made = getattr(transformers, architecture)(transformers.BertConfig(**values, num_labels=labels))
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return made.eval()


def ours_of(config: EncoderConfig, theirs) -> tuple[Bert, list[str]]:
    """Our model with the weights of theirs, and the Hugging Face names that it took."""
    ours = Bert(config.with_dropout(0.0)).eval()
    report = fill(ours, canonical(theirs.state_dict(), Path("memory")), NAMES)
    assert [line.name for line in report if line.fate is Fate.UNUSED] == []
    return ours, [line.name for line in report if line.fate in (Fate.LOADED, Fate.RENAMED)]


def sequences(config: EncoderConfig) -> tuple[list[np.ndarray], list[np.ndarray]]:
    rng = np.random.default_rng(0)
    ids = [rng.integers(1, config.vocabulary_size, length).astype(np.int32) for length in LENGTHS]
    segments = [np.sort(rng.integers(0, config.segment_types, length)).astype(np.int32) for length in LENGTHS]
    return ids, segments


def inputs(config: EncoderConfig, layout):
    """The same sequences as our batch and as arguments of transformers."""
    ids, segments = sequences(config)
    padded = PieceBatch.padded(ids, segments)
    arguments = {
        "input_ids": padded.piece_ids,
        "token_type_ids": padded.segment_ids,
        "attention_mask": padded.mask.keep.long(),
    }
    return layout(ids, segments), arguments


def assert_rows_equal(batch: PieceBatch, found: torch.Tensor, expected: torch.Tensor) -> None:
    """Our (B, P, ...) against their (S, longest, ...), on real pieces."""
    keep = batch.mask.keep
    torch.testing.assert_close(batch.mask.rows(found)[keep], expected[keep], atol=1e-5, rtol=0)


@LAYOUTS
def test_hidden_states_and_pooled_output(config, layout):
    theirs = theirs_of(config, "BertModel")
    ours, _ = ours_of(config, theirs)
    batch, arguments = inputs(config, layout)
    with torch.no_grad():
        expected = theirs(**arguments, output_hidden_states=True)
        found = list(ours.encoder.hidden_states(batch))
        assert len(found) == len(expected.hidden_states) == config.layers + 1
        for mine, other in zip(found, expected.hidden_states, strict=True):
            assert_rows_equal(batch, mine, other)
        torch.testing.assert_close(ours.encoder(batch), found[-1], atol=0, rtol=0)
        pooled = ours.pooler(batch.mask.rows(found[-1]))
        torch.testing.assert_close(pooled, expected.pooler_output, atol=1e-5, rtol=0)


def masked_lm(ours: Bert, batch: PieceBatch) -> torch.Tensor:
    return batch.mask.rows(ours.masked_lm(ours.encoder(batch)))


def question_answering(ours: Bert, batch: PieceBatch) -> torch.Tensor:
    return batch.mask.rows(ours.ends(ours.encoder(batch)))


def token_classification(ours: Bert, batch: PieceBatch) -> torch.Tensor:
    return batch.mask.rows(ours.labels(ours.encoder(batch)))


def sequence_classification(ours: Bert, batch: PieceBatch) -> torch.Tensor:
    return ours.labels(ours.pooler(batch.mask.rows(ours.encoder(batch))))


def their_scores(theirs, arguments) -> torch.Tensor:
    found = theirs(**arguments)
    if hasattr(found, "start_logits"):
        return torch.stack([found.start_logits, found.end_logits], dim=-1)
    return found.logits


HEADS = {
    "BertForMaskedLM": masked_lm,
    "BertForQuestionAnswering": question_answering,
    "BertForTokenClassification": token_classification,
    "BertForSequenceClassification": sequence_classification,
}


@LAYOUTS
@pytest.mark.parametrize("architecture", HEADS)
def test_logits_and_gradients(config, layout, architecture):
    theirs = theirs_of(config, architecture).train()
    ours, loaded = ours_of(config, theirs)
    ours.train()
    batch, arguments = inputs(config, layout)
    expected, found = their_scores(theirs, arguments), HEADS[architecture](ours, batch)
    keep = batch.mask.keep if found.ndim == 3 else torch.ones(len(found), dtype=torch.bool)
    torch.testing.assert_close(found[keep], expected[keep], atol=1e-5, rtol=0)

    weights = torch.randn_like(expected[keep])
    (expected[keep] * weights).mean().backward()
    (found[keep] * weights).mean().backward()
    gradients = {NAMES.theirs(name): parameter.grad for name, parameter in ours.named_parameters()}
    compared = [name for name, parameter in theirs.named_parameters() if parameter.grad is not None]
    assert set(compared) == set(loaded)
    for name in compared:
        torch.testing.assert_close(gradients[name], theirs.get_parameter(name).grad, atol=1e-6, rtol=1e-4)


@LAYOUTS
def test_real_weights(minilm, layout):
    theirs = transformers.BertModel.from_pretrained(minilm, dtype=torch.float32).eval()
    config = encoder_config(theirs.config.to_dict(), "memory")
    ours = Bert(config).eval()
    report = fill(ours, canonical(load_file(minilm / "model.safetensors"), minilm), NAMES)
    assert not [line.name for line in report if line.fate is Fate.RANDOM and line.name.startswith("bert.")]
    batch, arguments = inputs(config, layout)
    with torch.no_grad():
        expected = theirs(**arguments, output_hidden_states=True)
        found = list(ours.encoder.hidden_states(batch))
        for mine, other in zip(found, expected.hidden_states, strict=True):
            assert_rows_equal(batch, mine, other)
        pooled = ours.pooler(batch.mask.rows(found[-1]))
        torch.testing.assert_close(pooled, expected.pooler_output, atol=1e-5, rtol=0)


@LAYOUTS
@pytest.mark.parametrize("recompute", [False, True], ids=["kept", "recomputed"])
def test_some_states_are_those_of_all_with_their_gradients(tiny_config, layout, recompute):
    torch.manual_seed(0)
    encoder = Encoder(tiny_config.with_dropout(0.0)).train()
    encoder.recompute = recompute
    batch = layout(*sequences(tiny_config))
    wanted = torch.tensor([7, 0, 30, 7, 12])  # in no order, one of them twice
    found, gradients = [], []
    for some in (False, True):
        encoder.zero_grad()
        states = encoder(batch, wanted) if some else encoder(batch).flatten(0, 1)[wanted][None]
        (states * torch.arange(1.0, 6)[:, None]).pow(2).sum().backward()
        found.append(states.detach())
        gradients.append([parameter.grad.clone() for parameter in encoder.parameters()])
    assert found[1].shape == (1, 5, tiny_config.width)
    torch.testing.assert_close(found[1], found[0], atol=1e-5, rtol=1e-5)
    for mine, expected in zip(gradients[1], gradients[0], strict=True):
        torch.testing.assert_close(mine, expected, atol=1e-3, rtol=1e-4)


@LAYOUTS
def test_a_sequence_gives_the_same_alone_and_in_company(tiny_config, layout):
    encoder = Encoder(tiny_config).eval()
    ids, segments = sequences(tiny_config)
    together = layout(ids, segments)
    rows = together.mask.rows(encoder(together))
    for row, length in enumerate(LENGTHS):
        alone = encoder(layout(ids[row : row + 1], segments[row : row + 1]))
        torch.testing.assert_close(rows[row, :length], alone[0], atol=1e-5, rtol=0)


def test_what_stands_in_padding_changes_nothing(tiny_config):
    encoder = Encoder(tiny_config).eval()
    ids, segments = sequences(tiny_config)
    batch, other = (PieceBatch.padded(ids, segments, pad_piece_id=pad) for pad in (0, 99))
    keep = batch.mask.keep
    assert not torch.equal(batch.piece_ids, other.piece_ids)
    torch.testing.assert_close(encoder(batch)[keep], encoder(other)[keep], atol=0, rtol=0)


def test_a_window_as_wide_as_the_row_changes_nothing(tiny_config):
    encoder = Encoder(tiny_config).eval()
    batch = PieceBatch.padded(*sequences(tiny_config))
    longest = max(LENGTHS)
    keep, full = batch.mask.keep, encoder(batch)
    for window, same in ((longest, True), (2, False)):
        local = replace(batch, mask=LocalMask(torch.tensor(LENGTHS), longest, window))
        assert torch.allclose(encoder(local)[keep], full[keep], atol=1e-5) is same


@LAYOUTS
@pytest.mark.parametrize("kind", ["hidden_dropout", "attention_dropout"])
def test_dropout_acts_in_train_mode_alone(tiny_config, layout, kind):
    encoder = Encoder(replace(tiny_config.with_dropout(0.0), **{kind: 0.5}))
    batch = layout(*sequences(tiny_config))
    encoder.train()
    assert not torch.equal(encoder(batch), encoder(batch))
    encoder.eval()
    assert torch.equal(encoder(batch), encoder(batch))
    without = Encoder(tiny_config.with_dropout(0.0)).train()
    without.load_state_dict(encoder.state_dict())
    assert torch.equal(without(batch), encoder(batch))


@LAYOUTS
def test_a_sequence_longer_than_the_positions_is_refused(tiny_config, layout):
    encoder = Encoder(tiny_config).eval()
    ids = [np.ones(tiny_config.max_positions + extra, dtype=np.int32) for extra in (0, 1)]
    assert encoder(layout(ids[:1], ids[:1])).isfinite().all()
    with pytest.raises(SettingsError, match="a sequence of 65 pieces does not fit the encoder, which has 64"):
        encoder(layout(ids, ids))


def test_random_start_is_berts(tiny_config):
    encoder = Encoder(replace(tiny_config, width=64, feed_forward_width=256))
    for name, parameter in encoder.named_parameters():
        if name.endswith("bias"):
            assert not parameter.any(), name
        elif "norm" in name:
            assert (parameter == 1).all(), name
        else:
            assert parameter.std().item() == pytest.approx(0.2, rel=0.1), name
            assert abs(parameter.mean().item()) < 0.02, name


def test_the_same_seed_gives_the_same_start(tiny_config):
    torch.manual_seed(3)
    first = Encoder(tiny_config).state_dict()
    torch.manual_seed(3)
    second = Encoder(tiny_config).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_initialise_draws_anew(tiny_config):
    encoder = Encoder(tiny_config)
    before = encoder.embeddings.word.weight.clone()
    initialise(encoder, 0.5)
    assert not torch.equal(encoder.embeddings.word.weight, before)
    assert encoder.embeddings.word.weight.std().item() == pytest.approx(0.5, rel=0.1)
