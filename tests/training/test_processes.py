"""The loop in several processes gives the updates of one that accumulates as many batches."""

import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from accelerate import Accelerator
from accelerate.utils import DistributedType

from launched import Launch
from spanbert.errors import SettingsError
from spanbert.training.processes import Processes, told_of_death
from toy_training import Data, trainer


def toy_run(arguments):
    """One process of a run; in a folder of its own, since `trainer` makes one in each."""
    folder, sequences, accumulate = arguments
    number = int(os.environ.get("RANK", "0"))
    made = trainer(
        Path(folder) / f"process{number}",
        data=Data(int(sequences)),
        accumulate=int(accumulate),
        dropout=0.3,
        epochs=2,
        evaluations=4,
        patience=2,
        scores=[2, 3, 1, 1] if number == 0 else [],
    )
    best = made.train()
    weights = made.accelerator.unwrap_model(made.model).layer.weight[0].tolist()
    print(json.dumps([made.step, made.stale, best.primary_value, weights]))
    return 0


def updates(folder):
    lines = [json.loads(line) for line in (folder / "process0/metrics.jsonl").read_text().splitlines()]
    return [line for line in lines if line["kind"] == "update"]


@pytest.mark.parametrize(
    ("processes", "accumulate", "sequences"),
    [
        (2, 1, 31),
        (2, 1, 9),  # the last update has one sequence, and one process none
        (2, 2, 17),  # the same, of four batches
        (3, 1, 2),  # never a sequence for the third process
    ],
)
def test_processes_make_the_updates_of_one(tmp_path, processes, accumulate, sequences):
    one, many = tmp_path / "one", tmp_path / "many"
    (alone,) = Launch(one, 1, [one, sequences, processes * accumulate], toy_run).ended()
    together = Launch(many, processes, [many, sequences, accumulate], toy_run).ended()
    assert [ended.code for ended in (alone, *together)] == [0] * (1 + processes), together
    pairs = list(zip(updates(one), updates(many), strict=True))
    assert len(pairs) > 1
    for single, shared in pairs:
        for name in ("step", "epoch", "pieces", "learning_rate"):
            assert shared[name] == single[name]
        assert shared["loss"] == pytest.approx(single["loss"], rel=1e-5, abs=1e-5)
        assert shared["gradient_norm"] == pytest.approx(single["gradient_norm"], rel=1e-4, abs=1e-5)
    # Weights are the same bits in all processes, and all go by the scores of the first one.
    assert len({ended.out for ended in together}) == 1
    step, stale, best, weights = json.loads(together[0].out)
    assert [step, stale, best] == json.loads(alone.out)[:3]
    assert weights == pytest.approx(json.loads(alone.out)[3], abs=1e-5)
    for number in range(1, processes):
        assert not (many / f"process{number}" / "metrics.jsonl").exists()


def test_processes_that_are_not_joined_are_refused(monkeypatch):
    alone = Accelerator(cpu=True)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(SettingsError, match="launched as 2 processes that this machine's device cannot join"):
        Processes(alone)


def test_sharded_models_are_refused():
    made = SimpleNamespace(  # accelerate shards on GPUs alone
        num_processes=1, process_index=0, is_main_process=True, distributed_type=DistributedType.FSDP
    )
    with pytest.raises(SettingsError, match="launched for FSDP, which is not supported"):
        Processes(made)


@pytest.mark.parametrize("way", ["FSDP", "DEEPSPEED"])
def test_sharding_is_refused_where_accelerate_would_pass_over_it(monkeypatch, way):
    monkeypatch.setenv(f"ACCELERATE_USE_{way}", "false")
    alone = Processes(Accelerator(cpu=True)).accelerator
    monkeypatch.setenv(f"ACCELERATE_USE_{way}", "true")
    with pytest.raises(SettingsError, match=f"launched for {way}, which is not supported"):
        Processes(alone)


def test_only_a_broken_exchange_is_taken_for_a_death():
    with pytest.raises(RuntimeError, match="shapes"), told_of_death():
        raise RuntimeError("shapes do not fit")
