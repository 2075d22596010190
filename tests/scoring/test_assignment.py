from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanbert.scoring.assignment import best_assignment


@given(st.data())
@settings(max_examples=100)
def test_no_other_assignment_gains_more(data):
    rows = data.draw(st.integers(1, 4))
    columns = data.draw(st.integers(rows, 6))
    # Few different values, so that ties are the rule.
    gain = np.asarray(
        data.draw(st.lists(st.integers(0, 4), min_size=rows * columns, max_size=rows * columns))
    )
    gain = gain.reshape(rows, columns).astype(float)
    found = best_assignment(gain)
    assert len(set(found.tolist())) == rows
    best = max(
        sum(gain[row, chosen[row]] for row in range(rows)) for chosen in permutations(range(columns), rows)
    )
    assert gain[np.arange(rows), found].sum() == pytest.approx(best)


def test_a_row_gives_up_its_best_column_where_that_gains_more_in_all():
    assert best_assignment(np.asarray([[5.0, 4.0], [5.0, 1.0]])).tolist() == [1, 0]


def test_more_rows_than_columns_are_refused():
    with pytest.raises(ValueError, match="transpose"):
        best_assignment(np.zeros((3, 2)))
