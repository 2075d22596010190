from spanbert.scoring.analysis import Case, counted_kinds, most_confident_first, suspects


def case(number, kind, confidence):
    return Case(number, kind, confidence, "text", (), "gold", "predicted")


CASES = [case(1, "wrong", 0.4), case(2, "boundary", 0.95), case(3, "wrong", 0.9), case(4, "missed", 0.9)]


def test_the_surest_error_comes_first_and_equals_stay_in_order():
    assert [one.id for one in most_confident_first(CASES)] == [2, 3, 4, 1]


def test_kinds_are_counted_and_those_that_do_not_occur_are_named():
    kinds = counted_kinds({"never": "a", "missed": "b", "wrong": "c", "boundary": "d"}, CASES)
    assert [(kind.name, kind.count) for kind in kinds] == [
        ("wrong", 2),
        ("missed", 1),
        ("boundary", 1),
        ("never", 0),
    ]


def test_suspected_are_errors_as_sure_as_the_median_right_decision_of_their_sort():
    usual = {"wrong": [0.1, 0.8, 0.9], "missed": [0.95]}
    found = suspects(most_confident_first(CASES), usual)
    assert [one.id for one in found.cases] == [3]
    assert "wrong: 80.0 %, missed: 95.0 %" in found.chosen
    assert [one.id for one in suspects(CASES, {**usual, "missed": [0.9]}).cases] == [3, 4]


def test_without_a_right_decision_none_is_suspected():
    found = suspects(CASES, {"wrong": []})
    assert found.cases == ()
    assert "nothing right" in found.chosen
