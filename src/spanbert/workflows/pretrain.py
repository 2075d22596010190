"""Span pretraining on unlabelled text: a corpus and settings in, a model folder and a report out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator

from spanbert.checkpoint.folder import Checkpoint
from spanbert.checkpoint.names import BOUNDARY_NAMES, ENCODER_NAMES, MASKED_LM_NAMES, NameTable
from spanbert.checkpoint.source import read_checkpoint
from spanbert.checkpoint.vocabulary import read_tokenizer
from spanbert.checkpoint.weights import fill, random_tensors
from spanbert.errors import CheckpointError, DataError, SettingsError
from spanbert.nn.config import EncoderConfig
from spanbert.nn.encoder import Encoder
from spanbert.pretraining.batch import Masker
from spanbert.pretraining.corpus.prepare import Listener as PreparationListener
from spanbert.pretraining.corpus.prepare import prepare
from spanbert.pretraining.corpus.settings import CorpusSettings
from spanbert.pretraining.corpus.shards import Corpus
from spanbert.pretraining.corruption import Corruption, UnigramLaw
from spanbert.pretraining.data import BlockData, held_out_blocks
from spanbert.pretraining.heads import PLACE_WIDTH, PLACES
from spanbert.pretraining.model import PretrainingModel
from spanbert.pretraining.objectives import objective
from spanbert.pretraining.validation import validate
from spanbert.scoring.report import Report
from spanbert.text.tokenizer import Tokenizer
from spanbert.training.curves import CurveDrawer
from spanbert.training.events import Listener
from spanbert.training.loop import Trainer
from spanbert.training.run_folder import RunFolder
from spanbert.workflows.model_card import pretraining_card
from spanbert.workflows.provenance import model_sha256
from spanbert.workflows.settings import PretrainSettings, checked
from spanbert.workflows.write_model import write_model

NAMES = {"encoder": ENCODER_NAMES, "masked_lm": MASKED_LM_NAMES, "boundary": BOUNDARY_NAMES}
ARCHITECTURE = "BertForMaskedLM"
PLACES_TENSOR = BOUNDARY_NAMES["place.weight"]


def pretrain(
    corpus: Sequence[str | Path],
    output: str | Path,
    *,
    model: str | Path | None = None,
    preset: str | None = None,
    tokenizer: str | Path | None = None,
    resume: bool = False,
    offline: bool = False,
    listeners: Sequence[Listener] = (),
    preparation: PreparationListener | None = None,
    **settings: Any,
) -> Report:
    """Pretrain an encoder by an objective on masked spans.

    Args:
        corpus: text files, folders, JSONL, Parquet, or ids of hub data sets.
        output: folder of the model; `output/corpus` holds the prepared corpus, `output/run` the run.
        model: what to continue: a shipped name, a folder, a released archive (with its heads) or a hub id.
        preset: size of a new encoder with random weights, in place of `model`; needs `tokenizer`.
        tokenizer: folder of the tokenizer.
        resume: go on with the unfinished run in `output`.
        offline: take hub ids from the cache only.
        listeners: hear of the run.
        preparation: hears of the preparation of the corpus.
        settings: fields of `PretrainSettings`.

    Returns:
        The validation report of the checkpoint that was kept.

    Raises:
        SpanbertError: corpus, model or settings are not as they must be, or training cannot go on.
    """
    chosen = checked(PretrainSettings, settings, "settings")
    target = Path(output)
    start = Start.of(model, preset, tokenizer, offline=offline)
    run = RunFolder(target / "run", {**start.described, **chosen.model_dump()}, resume=resume)
    if not run.path.exists() and (target / "config.json").exists():
        raise SettingsError(f"{target}: holds a model already; choose another --output")
    prepared = prepare_corpus(corpus, target, start, chosen, preparation, offline=offline)
    torch.manual_seed(chosen.seed)  # new weights are the same whatever was drawn before
    network = start.network(chosen)
    data, held_out = split(prepared, start.tokenizer, chosen, places=network.places)
    run.begin()
    accelerator = Accelerator()

    def evaluate() -> Report:
        return validate(trainer.model, held_out, batch_pieces=chosen.batch_pieces, device=accelerator.device)

    def keep(report: Report) -> None:
        write_model(
            target,
            accelerator.unwrap_model(trainer.model),
            NameTable.joined(NAMES),
            start.config,
            start.tokenizer,
            architecture=ARCHITECTURE,
            card=pretraining_card(report, chosen, start.name, prepared.pieces, target.name),
        )

    trainer = Trainer(
        network,
        data,
        chosen,
        run,
        evaluate=evaluate,
        keep=keep,
        listeners=[run, CurveDrawer(run), *listeners],
        accelerator=accelerator,
    )
    best = trainer.train()
    run.finish(best)
    return best


@dataclass(frozen=True)
class Start:
    """Where a pretraining run begins.

    Args:
        name: of the model or preset.
        config: shape of the encoder.
        tokenizer: of the corpus and the encoder.
        checkpoint: stored weights; None for a random start.
        described: what decides the run's outcome, for its record.
    """

    name: str
    config: EncoderConfig
    tokenizer: Tokenizer
    checkpoint: Checkpoint | None
    described: dict[str, Any]

    @classmethod
    def of(
        cls,
        model: str | Path | None,
        preset: str | None,
        tokenizer: str | Path | None,
        *,
        offline: bool = False,
    ) -> Start:
        """A start from what a user names.

        Raises:
            SettingsError: neither or both of model and preset, or a preset without tokenizer.
            CheckpointError: the model or tokenizer cannot be read, or do not fit each other.
        """
        if (model is None) == (preset is None):
            raise SettingsError("say where to start: --model M, or --preset SIZE with --tokenizer DIR")
        if preset is not None:
            if tokenizer is None:
                raise SettingsError(
                    "--preset needs --tokenizer DIR (spanbert tokenizer CORPUS... --output DIR makes one)"
                )
            cut, _ = read_tokenizer(Path(tokenizer))
            config = EncoderConfig.preset(preset, cut.vocabulary_size)
            return cls(f"{preset} (random)", config, cut, None, {"preset": preset})
        assert model is not None
        checkpoint = read_checkpoint(model, offline=offline)
        if tokenizer is not None:
            given, _ = read_tokenizer(Path(tokenizer))
            checkpoint = replace(checkpoint, found_tokenizer=given)
        described = {"model": str(model), "model_sha256": model_sha256(checkpoint.path)}
        return cls(str(model), checkpoint.config, checkpoint.tokenizer(), checkpoint, described)

    def network(self, settings: PretrainSettings) -> PretrainingModel:
        """Encoder and heads, with the stored weights of both where there are any.

        Raises:
            CheckpointError: a tensor of the encoder is missing or has another shape.
        """
        config = replace(self.config, hidden_dropout=settings.dropout, attention_dropout=0.0)
        stored = None if self.checkpoint is None else self.checkpoint.stored
        places, place_width = PLACES, PLACE_WIDTH
        if stored is not None and PLACES_TENSOR in stored.tensors:
            places, place_width = stored.tensors[PLACES_TENSOR].shape
        wanted = objective(settings.objective, budget=settings.budget)
        network = PretrainingModel(
            Encoder(config), boundary=wanted.boundary, places=places, place_width=place_width
        )
        network.encoder.recompute = settings.gradient_checkpointing
        if stored is not None:
            lost = [
                name
                for name in random_tensors(fill(network, stored, NameTable.joined(NAMES)))
                if name.startswith("bert.")
            ]
            if lost:
                raise CheckpointError(
                    f"{stored.path}: {len(lost)} tensors of the encoder are missing: {', '.join(lost[:3])}"
                )
        return network


def prepare_corpus(
    corpus: Sequence[str | Path],
    output: Path,
    start: Start,
    settings: PretrainSettings,
    progress: PreparationListener | None,
    *,
    offline: bool,
) -> Corpus:
    """The corpus of a run in `output/corpus`, or where the settings say. Raises as `prepare`."""
    return prepare(
        corpus,
        start.tokenizer,
        settings.corpus_folder or output / "corpus",
        checked(CorpusSettings, settings.corpus_settings, "settings of the corpus"),
        progress=progress,
        offline=offline,
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
        DataError: the corpus is a single block.
    """
    held_out = held_out_blocks(corpus.blocks, settings.held_out, settings.most_held_out)
    if not len(held_out):
        raise DataError("the corpus is a single block, too little to train and to validate on", corpus.folder)
    special = np.asarray([tokenizer.pad_id, tokenizer.unknown_id, tokenizer.start_id, tokenizer.end_id])
    special = np.append(special, tokenizer.mask_id)
    corruption = Corruption(tokenizer.mask_id, UnigramLaw.of(corpus.piece_counts, special))
    wanted = objective(settings.objective, budget=settings.budget)
    masker = Masker(wanted, corruption, settings.seed, places)
    rest = np.setdiff1d(np.arange(corpus.blocks), held_out, assume_unique=True)
    return BlockData(corpus, rest, masker, tokenizer), BlockData(corpus, held_out, masker, tokenizer)
