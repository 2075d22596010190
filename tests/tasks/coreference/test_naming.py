"""Names of clusters, and texts with pronouns resolved."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbert.tasks.coreference.naming import cluster_name, naming_rank, resolved
from spanbert.text.spans import Span


@pytest.mark.parametrize(
    ("text", "rank"),
    [
        ("she", 0),
        ("Herself", 0),
        ("他们", 0),
        ("Ada", 2),
        ("the Duke of York", 2),
        ("Bank of England", 2),
        ("The old man", 1),
        ("the mill", 1),
        ("小明", 1),
        ("her", 0),
        ("her brother", 1),
        ("...", 1),
    ],
)
def test_mentions_name_more_or_less(text, rank):
    assert naming_rank(text) == rank


@pytest.mark.parametrize(
    ("mentions", "name"),
    [
        (["she", "Ada", "the engineer", "Ada Brook"], "Ada Brook"),
        (["Mary", "Poor Martha", "she", "Mary", "Mary Lennox"], "Mary Lennox"),
        (["Mr. Guppy", "Mr. William Guppy", "Mr. Guppy", "Mrs. Rachael"], "Mr. William Guppy"),
        (["De Boer", "Eva de Boer", "she"], "Eva de Boer"),
        (["it", "the old mill", "the mill that stood there"], "the old mill"),
        (["he", "him"], "he"),
        (["他", "小明"], "小明"),
    ],
)
def test_a_cluster_is_called_by_what_says_most(mentions, name):
    assert cluster_name(mentions) == name


def resolve(text, *clusters):
    """Clusters as (name, mentions), each mention a string that is taken at its next place in the text."""
    made = []
    for name, mentions in clusters:
        place, spans = 0, []
        for mention in mentions:
            start = text.index(mention, place)
            spans.append(Span(start, start + len(mention)))
            place = start + len(mention)
        made.append((name, spans))
    return resolved(text, made)


@pytest.mark.parametrize(
    ("text", "clusters", "expected"),
    [
        ("Ada left. She ran.", [("Ada", ["Ada", "She"])], "Ada left. Ada ran."),
        ("Ada sold her mill.", [("Ada", ["Ada", "her"])], "Ada sold Ada's mill."),
        ("Ada came and I saw her.", [("Ada", ["Ada", "her"])], "Ada came and I saw Ada."),
        ("Ada came. I met her in Rome.", [("Ada", ["Ada", "her"])], "Ada came. I met Ada in Rome."),
        ("The boys lost their dog.", [("The boys", ["The boys", "their"])], "The boys lost the boys' dog."),
        ("the mill stood. It fell.", [("the mill", ["the mill", "It"])], "the mill stood. The mill fell."),
        ("James hurt himself.", [("James", ["James", "himself"])], "James hurt himself."),
        ("He saw him.", [("He", ["He", "him"])], "He saw him."),
        (
            "小明有猫。他很高兴,他的猫也是。",
            [("小明", ["小明", "他", "他"])],
            "小明有猫。小明很高兴,小明的猫也是。",
        ),
        ("Ada said I know.", [("Ada", ["Ada", "I"])], "Ada said I know."),
    ],
)
def test_pronouns_of_the_third_person_give_way_to_names(text, clusters, expected):
    assert resolve(text, *clusters) == expected


@given(st.text("he she it.Ada\n你他", max_size=40), st.data())
def test_nothing_but_pronouns_is_changed(text, data):
    ends = data.draw(st.lists(st.tuples(st.integers(0, len(text)), st.integers(0, len(text))), max_size=5))
    spans = [Span(min(pair), max(pair)) for pair in ends if pair[0] != pair[1]]
    out = resolved(text, [("Zoë", spans)])
    pronouns = {"he", "she", "it", "他"}
    if not any(text[span.start : span.end].lower() in pronouns for span in spans):
        assert out == text
    assert out.count("\n") == text.count("\n")
