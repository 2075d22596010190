import torch

from spanbert.nn.encoder import Encoder
from spanbert.nn.heads import LinearHead, MaskedLmHead, Pooler


def test_pooler_reads_the_first_piece_alone(tiny_config):
    pooler = Pooler(tiny_config)
    rows = torch.randn(3, 7, tiny_config.width)
    pooled = pooler(rows)
    assert pooled.shape == (3, tiny_config.width)
    assert pooled.abs().max() <= 1
    rows[:, 1:] = 0
    assert torch.equal(pooler(rows), pooled)


def test_linear_head_scores_any_leading_shape(tiny_config):
    head = LinearHead(tiny_config, labels=5)
    hidden = torch.randn(2, 7, tiny_config.width)
    assert head(hidden).shape == (2, 7, 5)
    torch.testing.assert_close(head(hidden[:, 0]), head(hidden)[:, 0])


def test_masked_lm_head_shares_the_word_embeddings_and_leaves_them_as_they_were(tiny_config):
    encoder = Encoder(tiny_config)
    before = encoder.embeddings.word.weight.clone()
    head = MaskedLmHead(tiny_config, encoder.embeddings.word)
    assert torch.equal(encoder.embeddings.word.weight, before)
    assert head.decoder.weight is encoder.embeddings.word.weight
    scores = head(torch.randn(3, tiny_config.width))
    assert scores.shape == (3, tiny_config.vocabulary_size)
    scores.sum().backward()
    assert encoder.embeddings.word.weight.grad is not None


def test_heads_start_as_the_encoder_does(tiny_config):
    word = Encoder(tiny_config).embeddings.word
    for head in (Pooler(tiny_config), LinearHead(tiny_config, labels=50), MaskedLmHead(tiny_config, word)):
        for name, parameter in head.named_parameters():
            if name.endswith("bias"):
                assert not parameter.any()
            elif "norm" not in name:
                assert 0.15 < parameter.std().item() < 0.25
