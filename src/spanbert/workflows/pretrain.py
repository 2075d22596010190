"""Span pretraining on unlabelled text: a corpus and settings in, a model folder and a report out."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from spanbert.checkpoint.folder import Checkpoint
from spanbert.checkpoint.heads import boundary_shape
from spanbert.checkpoint.names import (
    BOUNDARY_NAMES,
    ENCODER_NAMES,
    MASKED_LM_NAMES,
    NEXT_SENTENCE_NAMES,
    NameTable,
)
from spanbert.checkpoint.new_vocabulary import NewVocabulary
from spanbert.checkpoint.source import read_checkpoint
from spanbert.checkpoint.vocabulary import read_tokenizer
from spanbert.checkpoint.weights import fill, random_tensors
from spanbert.errors import CheckpointError, SettingsError
from spanbert.nn.config import EncoderConfig
from spanbert.nn.encoder import Encoder
from spanbert.nn.heads import PLACE_WIDTH, PLACES
from spanbert.pretraining.corpus.manifest import tokenizer_sha256
from spanbert.pretraining.corpus.prepare import Listener as PreparationListener
from spanbert.pretraining.corpus.shards import Corpus
from spanbert.pretraining.data import BlockData
from spanbert.pretraining.model import PretrainingModel
from spanbert.pretraining.validation import validate
from spanbert.scoring.report import Report
from spanbert.text.tokenizer import Tokenizer
from spanbert.training.events import Listener
from spanbert.training.loop import Trainer
from spanbert.training.processes import Processes, told_of_death
from spanbert.training.run_folder import RunFolder
from spanbert.workflows.model_card import pretraining_card
from spanbert.workflows.pretraining_data import objective_of, prepare_corpus, split
from spanbert.workflows.provenance import model_sha256
from spanbert.workflows.run_folder import finished_before, run_folder
from spanbert.workflows.run_options import check_options, compiled_where_asked, recorders
from spanbert.workflows.settings import PretrainSettings, checked
from spanbert.workflows.write_model import write_model

NAMES = {
    "encoder": ENCODER_NAMES,
    "masked_lm": MASKED_LM_NAMES,
    "boundary": BOUNDARY_NAMES,
    "next_sentence": NEXT_SENTENCE_NAMES,
}
MOST_PADDING = 127
"""Vectors that a model may have beyond its vocabulary, whose size is often rounded up."""
HEADS = {"masked-LM": "masked_lm", "boundary": "boundary", "next-sentence": "next_sentence"}


@told_of_death()
def pretrain(
    corpus: str | Path | Sequence[str | Path],
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
        corpus: text files, folders, JSONL, Parquet, or ids of hub data sets; one or several.
        output: folder of the model; `output/corpus` holds the prepared corpus, `output/run` the run.
        model: what to continue: a shipped name, a folder, a released archive (with its heads) or a hub id.
        preset: size of a new encoder with random weights, in place of `model`; needs `tokenizer`.
        tokenizer: folder of the tokenizer. Beside `model` it may be another than the model's own: pieces that
            both have keep their vectors, the others get new ones.
        resume: go on with the unfinished run in `output`; of a finished one its report is returned.
        offline: take hub ids from the cache only.
        listeners: hear of the run.
        preparation: hears of the preparation of the corpus.
        settings: fields of `PretrainSettings`.

    Returns:
        The validation report of the checkpoint that was kept.

    Raises:
        SpanbertError: corpus, model or settings are not as they must be, or training cannot go on.
    """
    target = Path(output)
    processes = Processes()

    def opened() -> tuple[PretrainSettings, Start, RunFolder, PretrainingModel]:
        chosen = checked(PretrainSettings, settings, "settings")
        check_options(chosen, processes.accelerator.device)
        start = Start.of(model, preset, tokenizer, offline=offline)
        run = run_folder(target, start.described, chosen, processes, resume=resume)
        torch.manual_seed(chosen.seed)  # new weights are the same whatever was drawn before
        return chosen, start, run, start.network(chosen)

    chosen, start, run, network = processes.main_first(opened)
    if (report := finished_before(run, processes)) is not None:
        return report
    prepared = Corpus(
        processes.main_alone(
            lambda: (
                prepare_corpus(
                    corpus,
                    target,
                    start.tokenizer,
                    positions=start.config.max_positions,
                    settings=chosen,
                    progress=preparation,
                    offline=offline,
                ).folder
            )
        )
    )

    def divided() -> tuple[BlockData, BlockData]:
        run.record("corpus_sha256", prepared.fingerprint)
        return split(prepared, start.tokenizer, chosen, places=network.places)

    data, held_out = processes.main_first(divided)
    compiled_where_asked(network, chosen)

    def evaluate() -> Report:
        device = processes.accelerator.device
        return validate(network, held_out, batch_pieces=chosen.batch_pieces, device=device)

    def keep(report: Report) -> None:
        write_model(
            target,
            network,
            NameTable.joined(NAMES),
            start.config,
            start.tokenizer,
            architecture="BertForPreTraining" if network.next_sentence else "BertForMaskedLM",
            card=pretraining_card(report, chosen, start.name, prepared.pieces, target.name),
        )

    trainer = Trainer(
        network,
        data,
        chosen,
        run,
        evaluate=evaluate,
        keep=keep,
        listeners=[*recorders(run, chosen), *listeners],
        processes=processes,
    )
    with closing(run):
        processes.main_alone(run.begin)
        best = trainer.train()
        processes.main_alone(lambda: run.finish(best))
    return best


@dataclass(frozen=True)
class Start:
    """Where a pretraining run begins.

    Args:
        name: of the model or preset.
        config: shape of the encoder.
        tokenizer: of the corpus and the encoder.
        checkpoint: stored weights; None for a random start.
        new_vocabulary: where the tokenizer is another than the model's own.
        described: what decides the run's outcome, for its record.
    """

    name: str
    config: EncoderConfig
    tokenizer: Tokenizer
    checkpoint: Checkpoint | None
    described: dict[str, Any]
    new_vocabulary: NewVocabulary | None = None

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
            both = "" if model is None else ", not both"
            raise SettingsError(f"say where to start: --model M, or --preset SIZE with --tokenizer DIR{both}")
        if preset is not None:
            if tokenizer is None:
                raise SettingsError(
                    "--preset needs --tokenizer DIR (spanbert tokenizer CORPUS... --output DIR makes one)"
                )
            cut, _ = read_tokenizer(Path(tokenizer))
            config = EncoderConfig.preset(preset, cut.vocabulary_size)
            begun = {"preset": preset, "tokenizer_sha256": tokenizer_sha256(cut)}
            return cls(f"{preset} (random)", config, cut, None, begun)
        assert model is not None
        checkpoint = read_checkpoint(model, offline=offline)
        config, own, new = checkpoint.config, checkpoint.found_tokenizer, None
        if tokenizer is not None:
            given, _ = read_tokenizer(Path(tokenizer))
            # A tokenizer with more pieces than the model has vectors was never its own.
            if isinstance(own, CheckpointError) or own.vocabulary_size > config.vocabulary_size:
                _check_size(given, config, checkpoint.path)
            elif own.vocabulary != given.vocabulary:
                config = replace(config, vocabulary_size=given.vocabulary_size)
                new = NewVocabulary(own.vocabulary, given.vocabulary)
            checkpoint = replace(checkpoint, config=config, found_tokenizer=given)
        used = checkpoint.tokenizer()
        described = {
            "model": str(model),
            "model_sha256": model_sha256(checkpoint.path),
            "tokenizer_sha256": tokenizer_sha256(used),
        }
        return cls(str(model), config, used, checkpoint, described, new)

    def network(self, settings: PretrainSettings) -> PretrainingModel:
        """Encoder and heads, with the stored weights of both where there are any.

        Raises:
            CheckpointError: a tensor of the encoder is missing or has another shape.
            SettingsError: pairs are wanted of an encoder that cannot tell two texts apart.
        """
        config = self.config.with_dropout(settings.dropout)
        stored = None if self.checkpoint is None else self.checkpoint.stored
        if stored is not None and self.new_vocabulary is not None:
            stored = self.new_vocabulary.apply(stored)
        shape = None if stored is None else boundary_shape(stored)
        places, place_width = shape or (PLACES, PLACE_WIDTH)
        wanted = objective_of(settings)
        if wanted.next_sentence and config.segment_types < 2:
            raise SettingsError(f"{self.name}: has one segment type, pairs take two; use --sequences single")
        network = PretrainingModel(
            Encoder(config),
            boundary=wanted.boundary,
            next_sentence=wanted.next_sentence,
            places=places,
            place_width=place_width,
        )
        network.encoder.recompute = settings.gradient_checkpointing
        if stored is not None:
            absent = set(random_tensors(fill(network, stored, NameTable.joined(NAMES))))
            lost = sorted(
                name for name in absent if name.startswith("bert.") and not name.startswith("bert.pooler.")
            )
            if lost:
                raise CheckpointError(
                    f"{stored.path}: {len(lost)} tensors of the encoder are missing: {', '.join(lost[:3])}"
                )
            self._tell_of_heads(absent)
        return network

    def _tell_of_heads(self, absent: set[str]) -> None:
        """Say which heads the stored model lacks, and which of its own is not trained on."""
        assert self.checkpoint is not None
        new = [title for title, part in HEADS.items() if absent & {*NAMES[part].values()}]
        told = []
        if new:
            told.append(f"it has no {' and no '.join(new)} head: started at random")
        if self.checkpoint.task is not None:
            told.append(f"its {self.checkpoint.task.name} head is left out")
        if (vocabulary := self.new_vocabulary) is not None:
            of = f"{len(vocabulary.kept):,} of {len(vocabulary.new):,} pieces"
            told.append(f"another vocabulary: {of} keep their vectors, others begin anew")
        if told:
            logging.getLogger(__name__).warning("%s: %s", self.name, "; ".join(told))


def _check_size(given: Tokenizer, config: EncoderConfig, path: Path) -> None:
    """Refuse a tokenizer that cannot be that of a model without one, as the released archives are."""
    pieces, vectors = given.vocabulary_size, config.vocabulary_size
    if not vectors - MOST_PADDING <= pieces <= vectors:
        raise CheckpointError(
            f"{path}: the tokenizer has {pieces} pieces, the model {vectors} vectors; give the vocabulary "
            "that the model was trained with"
        )
    logging.getLogger(__name__).warning(
        "%s: it came without a vocabulary; the given one, of %d pieces, is taken for its own", path, pieces
    )
