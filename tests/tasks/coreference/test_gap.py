"""GAP: its table, what counts as an answer, and its scores."""

from pathlib import Path

import pytest

from spanbert.errors import DataError
from spanbert.tasks.coreference.examples import read_examples
from spanbert.tasks.coreference.gap import GapQuestion, gap_scores, says
from spanbert.text.spans import Span

SHARED = Path(__file__).parents[4] / "shared" / "data" / "coref" / "gap" / "dev.tsv"
HEADER = "ID\tText\tPronoun\tPronoun-offset\tA\tA-offset\tA-coref\tB\tB-offset\tB-coref\tURL\n"
ROW = "t-1\tAda met Eve before she left.\tshe\t19\tAda\t0\tTRUE\tEve\t8\tFALSE\thttp://x\n"


def question(feminine, gold, pronoun=(50, 53), a=(0, 3), b=(10, 13)):
    return GapQuestion(feminine, Span(*pronoun), (Span(*a), Span(*b)), gold)


def test_a_row_is_a_text_with_a_question(tmp_path):
    path = tmp_path / "gap.tsv"
    path.write_text(HEADER + ROW)
    (example,) = read_examples(path)
    assert example.text == "Ada met Eve before she left."
    assert example.gap == GapQuestion(True, Span(19, 22), (Span(0, 3), Span(8, 11)), (True, False))
    assert example.clusters is None


@pytest.mark.parametrize(
    ("header", "row", "message"),
    [
        (HEADER.replace("A-offset", "offset"), ROW, ":1: .*no column 'A-offset'"),
        (HEADER, ROW.replace("\t19\t", "\t18\t"), ":2: Pronoun 'she' does not stand at character 18"),
        (HEADER, ROW.replace("\t8\t", "\teight\t"), ":2: B-offset must be a number"),
        (HEADER, ROW.replace("\tTRUE", "\tyes"), ":2: TRUE or FALSE"),
        (HEADER, ROW.replace("\thttp://x", ""), ":2: 10 cells in a table of 11"),
        (HEADER, ROW.replace("she", "one"), ":2: 'one' is none of GAP's pronouns"),
    ],
)
def test_what_breaks_the_table_is_said_with_file_and_line(tmp_path, header, row, message):
    path = tmp_path / "gap.tsv"
    path.write_text(header + row)
    with pytest.raises(DataError, match=message):
        list(read_examples(path))


@pytest.mark.parametrize(
    ("clusters", "expected"),
    [
        ([[(0, 3), (50, 53)]], (True, False)),
        ([[(0, 3), (50, 53), (10, 13)]], (True, True)),
        ([[(0, 3)], [(50, 53)]], (False, False)),
        ([[(0, 3), (49, 53)]], (False, False)),  # the pronoun is no mention of its own
        ([[(0, 9), (50, 53)]], (True, False)),  # "Ada Brook" for "Ada"
        ([[(0, 9), (50, 53)], [(0, 3)]], (False, False)),  # a smaller mention is nearer to the name
        ([[(9, 20), (50, 53)]], (False, False)),  # the name is neither its beginning nor its end
        ([[(11, 13), (50, 53)]], (False, True)),  # a part of the name stands for it
    ],
)
def test_a_name_is_stood_for_by_the_nearest_mention(clusters, expected):
    spans = [[Span(*chars) for chars in cluster] for cluster in clusters]
    assert says(question(True, None), spans) == expected


def test_scores_are_of_names_and_of_genders():
    questions = [question(True, (True, False)), question(True, (False, True)), question(False, (True, False))]
    found = gap_scores(questions, [(True, False), (True, False), (True, True)])
    # feminine: 1 of 2 said, 1 of 2 true; masculine: 1 of 2 said, 1 of 1 true
    assert found["gap_feminine_f1"] == 50.0
    assert found["gap_masculine_f1"] == pytest.approx(66.6667)
    assert found["gap_bias"] == 0.75
    assert found["gap_f1"] == pytest.approx(100 * 2 * 2 / (4 + 3), abs=1e-4)


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data are not here")
def test_the_real_table_is_read_and_gold_answers_score_full():
    questions = [example.gap for example in read_examples(SHARED)]
    assert len(questions) == 454
    found = gap_scores(questions, [one.gold for one in questions])
    assert found["gap_f1"] == 100.0
    assert found["gap_bias"] == 1.0
