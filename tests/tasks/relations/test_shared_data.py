"""The real data sets are read whole, and their kind is seen."""

from pathlib import Path

import pytest

from spanbert.tasks.relations.task import Relations

DATA = Path(__file__).parents[4] / "shared" / "data" / "relation"

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the shared data is not here")


def test_semeval_2010_has_one_relation_a_pair_with_direction():
    examples = list(Relations().read(DATA / "semeval2010" / "dev.jsonl"))
    settings = Relations().learn(examples).settings
    assert (len(examples), settings.kind, settings.negative, len(settings.labels)) == (
        803,
        "one",
        "Other",
        18,
    )


def test_crossre_has_several_relations_a_pair():
    examples = list(Relations().read(DATA / "crossre" / "train.jsonl"))
    settings = Relations().learn(examples).settings
    assert (len(examples), settings.kind, settings.negative, len(settings.labels)) == (
        2163,
        "several",
        "",
        17,
    )
