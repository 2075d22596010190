"""What is learned of training data before the network is built."""

import pytest

from spanbert.errors import DataError, SettingsError
from spanbert.tasks.relations.labels import learned, merged, positives
from spanbert.tasks.relations.settings import RelationSettings


@pytest.fixture
def data(pair):
    """A maker of examples, one a gold: each of another text, or all of the same."""

    def made(*golds, same=False):
        return [
            pair(f"ada likes rome {0 if same else number}", "ada", "rome", gold, name=number)
            for number, gold in enumerate(golds)
        ]

    return made


@pytest.mark.parametrize("negative", ["no_relation", "Other", "NA", "No Relation"])
def test_the_negative_class_is_known_by_its_name(data, negative):
    settings = learned(data(("b",), (negative,), ("a",)), RelationSettings())
    assert settings.negative == negative
    assert settings.labels == tuple(sorted(["a", "b", negative]))
    assert settings.kind == "one"
    assert positives((negative,), settings) == frozenset()


def test_pairs_without_any_relation_bring_a_negative_class(data):
    settings = learned(data(("a",), ()), RelationSettings())
    assert (settings.labels, settings.negative) == (("a", "no_relation"), "no_relation")


def test_without_negatives_there_is_no_negative_class(data):
    settings = learned(data(("a",), ("b",)), RelationSettings())
    assert (settings.labels, settings.negative) == (("a", "b"), "")


def test_several_relations_of_one_line_make_several(data):
    settings = learned(data(("a", "b"), ("a",), (), ("Other",)), RelationSettings())
    assert (settings.kind, settings.labels, settings.negative) == ("several", ("a", "b"), "Other")


def test_repeated_pairs_make_several_but_noise_does_not(data):
    assert learned(data(("a",), ("b",), same=True), RelationSettings()).kind == "several"
    assert (
        learned(data(("a",), ("Other",), ("a",), same=True), RelationSettings(negative="Other")).kind == "one"
    )
    noisy = data(("a",), ("b",), same=True) + data(*[("a",)] * 199)[1:]
    assert learned(noisy, RelationSettings()).kind == "one"


def test_the_same_pair_is_merged_wherever_it_stands_but_not_its_reverse(data, pair):
    first, second = data(("a",), ("b",), same=True)
    reverse = pair(first.text, "rome", "ada", ("c",))
    (one, other) = merged([first, reverse, second]).values()
    assert one.relations == ("a", "b")
    assert (one.id, other.relations) == (0, ("c",))


@pytest.mark.parametrize(
    ("golds", "changes", "error", "message"),
    [
        ([None, None], {}, DataError, "has none"),
        ([("a",), ("a",)], {}, DataError, "same relation"),
        ([("Other",), ()], {}, DataError, "same relation"),
        ([("a", "b"), ("a",)], {"kind": "one"}, DataError, "pair 0 has several"),
        ([("a",), ("b",)], {"labels": ("a", "c")}, SettingsError, "'b'"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(data, golds, changes, error, message):
    with pytest.raises(error, match=message):
        learned(data(*golds), RelationSettings(**changes))


def test_marks_are_named_by_role_and_type_and_keep_the_pieces_they_have(pair):
    examples = [
        pair("ada likes rome", "ada", "rome", ("a",), ("PER", "LOC")),
        pair("ada likes oslo", "ada", "oslo", ("b",), ("PER", None)),
    ]
    markers = learned(examples, RelationSettings()).markers
    stems = ["SUBJ", "OBJ", "SUBJ-PER", "OBJ-LOC"]
    assert list(markers) == [f"[{slash}{stem}]" for stem in stems for slash in ("", "/")]
    assert list(markers.values()) == [f"[unused{number}]" for number in range(1, 9)]
    types = learned(examples, RelationSettings(marking="types")).markers
    assert list(types) == ["[SUBJ]", "[OBJ]", "[SUBJ-PER]", "[OBJ-LOC]"]
    kept = learned(examples, RelationSettings(marking="types", markers={"[SUBJ-PER]": "[unused1]"})).markers
    assert kept["[SUBJ-PER]"] == "[unused1]"
    assert len(set(kept.values())) == 4
    assert learned(examples[::-1], RelationSettings()).markers == markers
