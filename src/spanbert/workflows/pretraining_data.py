"""The data of a pretraining run: its corpus prepared, and divided into training and held-out blocks."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spanbert.errors import DataError, SettingsError
from spanbert.nn.heads import PLACES
from spanbert.pretraining.batch import Masker
from spanbert.pretraining.corpus.prepare import Listener as PreparationListener
from spanbert.pretraining.corpus.prepare import prepare
from spanbert.pretraining.corpus.settings import CorpusSettings
from spanbert.pretraining.corpus.shards import Corpus
from spanbert.pretraining.corruption import Corruption, UnigramLaw
from spanbert.pretraining.data import BlockData, held_out_blocks
from spanbert.pretraining.masking import GivenSpans
from spanbert.pretraining.objectives import Objective, objective
from spanbert.pretraining.validation import losses_without_target
from spanbert.text.tokenizer import Tokenizer
from spanbert.workflows.settings import PretrainSettings, checked

PAIR_BLOCK_PIECES = 509
"""Most pieces in a block of pairs unless told: with three special pieces they fill BERT's 512 positions."""
LEAST_BLOCKS = 2
"""One to train on, one to validate on."""
MUCH_UNKNOWN = 0.1
"""Share of unknown pieces in a corpus from which on it is told of."""


def prepare_corpus(
    corpus: str | Path | Sequence[str | Path],
    output: Path,
    tokenizer: Tokenizer,
    *,
    positions: int,
    settings: PretrainSettings,
    progress: PreparationListener | None = None,
    offline: bool = False,
) -> Corpus:
    """The corpus of a run in `output/corpus`, or where the settings say.

    Args:
        corpus: as of `pretrain`.
        output: folder of the model.
        tokenizer: of the model.
        positions: that the encoder has, special pieces included.
        settings: of the run.
        progress: hears of the preparation.
        offline: take hub ids from the cache only.

    Raises:
        SettingsError: its blocks are too long for the encoder, or the corpus itself is where to
            write.
        SpanbertError: as `prepare`.
    """
    sources = [corpus] if isinstance(corpus, str | Path) else corpus
    read = {Path(name).resolve() for name in sources if Path(name).is_dir()}
    for place, option in ((output, "--output"), (settings.corpus_folder, "--corpus-folder")):
        if place is not None and place.resolve() in read:
            raise SettingsError(
                f"{place}: is the corpus; choose another {option}, which may be a folder in it"
            )
    pairs = settings.sequences == "pairs"
    special = 3 if pairs else 2
    most = positions - special
    usual = PAIR_BLOCK_PIECES if pairs else CorpusSettings().block_pieces
    packing = {"block_pieces": min(usual, most)}
    chosen = checked(CorpusSettings, packing | settings.corpus_settings, "settings of the corpus")
    if "block_pieces" in settings.corpus_settings and chosen.block_pieces > most:
        raise SettingsError(
            f"blocks of {chosen.block_pieces} pieces and {special} special ones do not fit the encoder, "
            f"which has {positions} positions; take --corpus-settings.block-pieces {most}"
        )
    prepared = prepare(
        sources,
        tokenizer,
        settings.corpus_folder or output / "corpus",
        chosen,
        leave_out=(output,),
        progress=progress,
        offline=offline,
    )
    longest = int(prepared.lengths.max())
    if longest > most:
        raise SettingsError(
            f"{prepared.folder}: blocks of {longest} pieces and {special} special ones do not fit the "
            f"encoder, which has {positions} positions; choose another folder and add "
            f"--corpus-settings.block-pieces {most}"
        )
    return prepared


def objective_of(settings: PretrainSettings) -> Objective:
    """What a run predicts. Raises SettingsError where there is no such objective."""
    return objective(
        settings.objective,
        budget=settings.budget,
        final_budget=settings.final_budget,
        pairs=settings.sequences == "pairs",
        p=settings.span_p,
        longest=settings.longest_span,
    )


def split(
    corpus: Corpus, tokenizer: Tokenizer, settings: PretrainSettings, places: int = PLACES
) -> tuple[BlockData, BlockData]:
    """Training blocks and held-out ones.

    Args:
        corpus: prepared.
        tokenizer: of the corpus.
        settings: of the run.
        places: pieces of a span that the boundary head can predict.

    Raises:
        DataError: the corpus is a single block, or a single document where pairs of two are wanted; there is
            nothing to validate on; or the tokenizer knows nothing of the text.
    """
    if corpus.blocks < LEAST_BLOCKS:
        raise DataError(
            f"the corpus is a single block of {int(corpus.lengths.sum())} pieces, too little to train and to "
            "validate on; give more text, or --corpus-settings.block-pieces so small that it makes two",
            corpus.folder,
        )
    special = np.asarray([tokenizer.pad_id, tokenizer.unknown_id, tokenizer.start_id, tokenizer.end_id])
    special = np.append(special, tokenizer.mask_id)
    _check_known(corpus, tokenizer)
    corruption = Corruption(tokenizer.mask_id, UnigramLaw.of(corpus.piece_counts, special))
    wanted = objective_of(settings)
    masker = Masker(wanted, corruption, settings.seed, places)
    if not corpus.manifest.counts.given and any(isinstance(s, GivenSpans) for s in wanted.schemes.values()):
        raise DataError(
            f"no spans were given with the text, which {settings.objective} masks (a field of JSONL or "
            "column of Parquet: --corpus-settings.spans-field)",
            corpus.folder,
        )
    whole = BlockData(corpus, np.arange(corpus.blocks), masker, tokenizer)
    if wanted.next_sentence:
        _check_documents(corpus, whole.blocks)
    held_out = _held_out(whole, settings)
    rest = np.setdiff1d(whole.blocks, held_out, assume_unique=True)
    if wanted.next_sentence:
        _check_documents(corpus, rest)
    return replace(whole, blocks=rest), replace(whole, blocks=held_out)


def _held_out(whole: BlockData, settings: PretrainSettings) -> NDArray[np.int64]:
    """Blocks to validate on: the share that is asked for, or more where that has nothing to predict."""
    blocks, share = len(whole.blocks), settings.held_out
    while True:
        held_out = held_out_blocks(blocks, share, settings.most_held_out)
        missing = losses_without_target(replace(whole, blocks=held_out))
        if not missing:
            break
        if share >= 0.5:
            raise DataError(
                f"{len(held_out)} of its {blocks} blocks were held out, and have nothing to predict for the "
                f"{missing[0]} loss: give more text, or hide more of it (--budget)",
                whole.corpus.folder,
            )
        share = min(2 * share, 0.5)
    if share > settings.held_out:
        logging.getLogger(__name__).warning(
            "%s: --held-out %g has nothing to predict; %d of %d blocks are held out",
            whole.corpus.folder,
            settings.held_out,
            len(held_out),
            blocks,
        )
    return held_out


def _check_known(corpus: Corpus, tokenizer: Tokenizer) -> None:
    """A tokenizer of another language turns words into [UNK]."""
    unknown = corpus.piece_counts[tokenizer.unknown_id] / corpus.piece_counts.sum()
    remedy = "spanbert tokenizer CORPUS... --output DIR learns one that fits"
    if unknown == 1:
        raise DataError(f"the tokenizer knows nothing of this text; {remedy}", corpus.folder)
    if unknown > MUCH_UNKNOWN:
        logging.getLogger(__name__).warning(
            "%s: %.0f %% of the pieces are [UNK], unknown to the tokenizer; %s",
            corpus.folder,
            100 * unknown,
            remedy,
        )


def _check_documents(corpus: Corpus, blocks: NDArray[np.int64]) -> None:
    """Pairs exchange parts between documents, so they need two with a block to cut."""
    cut = blocks[corpus.lengths[blocks] > 1]
    if len(np.unique(corpus.documents[cut])) < 2:
        raise DataError(
            "the corpus is a single document, but half of the pairs take a text of another one; say where "
            "documents end (--corpus-settings.document-end), or train with --sequences single",
            corpus.folder,
        )
