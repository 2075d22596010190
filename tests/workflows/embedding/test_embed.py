from itertools import count, islice
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from transformers import AutoModel, AutoTokenizer, BertConfig, BertModel

import spanbert
from spanbert.checkpoint.folder import write_compact, write_folder
from spanbert.checkpoint.names import ENCODER_NAMES, NameTable
from spanbert.checkpoint.parts import write_part
from spanbert.checkpoint.source import read_checkpoint
from spanbert.checkpoint.weights import fill
from spanbert.errors import CheckpointError, DataError, SettingsError
from spanbert.nn.encoder import Encoder
from spanbert.nn.pooling import Pooling
from spanbert.tasks.similarity.task import Similarity
from spanbert.workflows.embedding.embed import Embedder, text_windows
from spanbert.workflows.model_source import describe
from tiny_start import write_start

ROOT = Path(__file__).parents[3]
REAL_MODEL = ROOT / "runs" / "mini" / "start"
TEXTS = ["paris", "the capital of france", "a river, a city, a river and a city again", "什么 is this?"]
LONG = "the river runs through paris and the city . " * 30


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    return write_start(tmp_path_factory.mktemp("start"), [*TEXTS, LONG])


@pytest.fixture
def embedder(start):
    return Embedder(read_checkpoint(start))


def mean_of(model, tokenizer, texts):
    """What sentence-transformers computes: the mean over all pieces, [CLS] and [SEP] too."""
    batch = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.inference_mode():
        hidden = model(**batch).last_hidden_state
    keep = batch["attention_mask"][..., None]
    return ((hidden * keep).sum(1) / keep.sum(1)).numpy()


def test_vectors_are_those_of_transformers(start, tmp_path):
    torch.manual_seed(5)
    config = read_checkpoint(start).config
    sizes = {"hidden_size": 48, "num_hidden_layers": 3, "num_attention_heads": 6, "intermediate_size": 64}
    theirs = BertModel(BertConfig(vocab_size=config.vocabulary_size, initializer_range=0.3, **sizes)).eval()
    theirs.save_pretrained(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(start)
    tokenizer.save_pretrained(tmp_path)
    made = spanbert.embed(TEXTS, model=tmp_path)
    assert made.dtype == np.float32
    np.testing.assert_allclose(made, mean_of(theirs, tokenizer, TEXTS), atol=2e-5)
    with torch.inference_mode():
        first = theirs(**tokenizer(TEXTS, padding=True, return_tensors="pt")).last_hidden_state[:, 0]
    np.testing.assert_allclose(spanbert.embed(TEXTS, model=tmp_path, pooling="first"), first, atol=2e-5)


@pytest.mark.skipif(not REAL_MODEL.exists(), reason="the weights are not here")
def test_vectors_of_the_sentence_encoder_are_those_of_transformers():
    model, tokenizer = AutoModel.from_pretrained(REAL_MODEL).eval(), AutoTokenizer.from_pretrained(REAL_MODEL)
    np.testing.assert_allclose(
        spanbert.embed(TEXTS, model=REAL_MODEL), mean_of(model, tokenizer, TEXTS), atol=1e-5
    )


def test_windows_of_a_long_text_count_by_what_they_own(embedder):
    ids = embedder.tokenizer.ids_of_many([LONG])[0]
    cut = text_windows(len(ids), embedder.room)
    assert len(cut) > 2
    offsets = embedder.tokenizer.encode(LONG)
    parts = [
        LONG[offsets.char_starts[one.pieces.start] : offsets.char_ends[one.pieces.end - 1]] for one in cut
    ]
    wanted = np.average(embedder.embed(parts), axis=0, weights=[len(one.owned) for one in cut])
    np.testing.assert_allclose(embedder.embed([LONG])[0], wanted, atol=1e-5)


def test_the_greatest_values_of_a_long_text_are_those_of_its_windows(start):
    embedder = Embedder(read_checkpoint(start), pooling=Pooling.MAX)
    ids = embedder.tokenizer.encode(LONG)
    parts = [
        LONG[ids.char_starts[one.pieces.start] : ids.char_ends[one.pieces.end - 1]]
        for one in text_windows(len(ids), embedder.room)
    ]
    np.testing.assert_allclose(embedder.embed([LONG])[0], embedder.embed(parts).max(axis=0), atol=1e-5)


def test_order_is_kept_among_texts_of_all_lengths(embedder):
    texts = [("paris " * (1 + 37 * n % 211)).strip() for n in range(60)] + [""]
    alone = np.concatenate([embedder.embed([text]) for text in texts])
    np.testing.assert_allclose(embedder.embed(texts), alone, atol=1e-5)


def test_a_stream_without_end_is_read_as_it_is_used(embedder):
    found = islice(embedder.vectors(f"river {n}" for n in count()), 3)
    np.testing.assert_allclose(list(found), embedder.embed(["river 0", "river 1", "river 2"]), atol=1e-5)


def test_vectors_are_scaled_to_length_1_on_request(start):
    lengths = np.linalg.norm(spanbert.embed([*TEXTS, LONG], model=start, normalize=True), axis=1)
    np.testing.assert_allclose(lengths, 1, atol=1e-6)


def test_nothing_gives_no_rows(embedder):
    assert embedder.embed([]).shape == (0, 32)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [(None, "text 3: a string is needed, found NoneType"), ("\ud800", "text 3: .*half a surrogate pair")],
)
def test_what_is_no_text_is_refused_by_number_and_those_before_it_are_kept(embedder, wrong, message):
    stream = embedder.vectors(["paris", "city", wrong, "river"])
    assert len(list(islice(stream, 2))) == 2
    with pytest.raises(DataError, match=message):
        next(stream)


def test_wrong_arguments_are_refused(start):
    with pytest.raises(DataError, match="a list of texts"):
        spanbert.embed("one text", model=start)
    with pytest.raises(SettingsError, match="unknown pooling 'sum': choose one of first, mean, max"):
        spanbert.embed(["one text"], model=start, pooling="sum")


def test_the_encoder_of_a_model_with_a_head_is_used(qa_model):
    checkpoint = read_checkpoint(qa_model)
    assert Embedder(checkpoint).embed(TEXTS).shape == (4, checkpoint.config.width)


def test_an_encoder_that_is_not_complete_is_refused(start):
    checkpoint = read_checkpoint(start)
    del checkpoint.stored.tensors["bert.encoder.layer.1.output.dense.weight"]
    with pytest.raises(CheckpointError, match="1 tensors of the encoder are missing"):
        Embedder(checkpoint)


def test_a_part_for_similarity_makes_the_vectors(start, tmp_path):
    """A folder's own model may answer questions; its vectors are those of the part that compares texts."""
    checkpoint = read_checkpoint(start)
    model = nn.ModuleDict({"encoder": Encoder(checkpoint.config)})
    table = NameTable.joined({"encoder": ENCODER_NAMES})
    fill(model, checkpoint.stored, table)
    with torch.no_grad():
        for parameter in model["encoder"].layers[1].parameters():
            parameter += 0.1
    tokenizer, task = checkpoint.tokenizer(), describe(Similarity())
    told = {"architecture": "BertModel", "task": task}
    write_folder(tmp_path / "trained", model, table, checkpoint.config, tokenizer, **told)
    write_compact(start, tmp_path / "base")
    before = spanbert.embed(TEXTS, model=tmp_path / "base")
    write_part(read_checkpoint(tmp_path / "base"), read_checkpoint(tmp_path / "trained"))
    wanted = spanbert.embed(TEXTS, model=tmp_path / "trained")
    made = spanbert.embed(TEXTS, model=tmp_path / "base")
    assert np.abs(wanted - before).max() > 0.1
    np.testing.assert_allclose(made, wanted, atol=0.05)  # the part is stored as int8 rows
