from spanbert.training.curves import draw_curves

UPDATES = [{"kind": "update", "step": step, "loss": 9.0 / step} for step in range(1, 30)]
EVALUATIONS = [
    {"kind": "evaluation", "step": step, "best": step < 20, "primary": "f1", "f1": 50.0 - step}
    for step in (10, 20, 29)
]


def is_png(path):
    return path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_the_picture_shows_updates_and_evaluations(tmp_path):
    draw_curves([*UPDATES, {"kind": "end", "step": 29}], tmp_path / "loss.png")
    draw_curves([*UPDATES, *EVALUATIONS], tmp_path / "both.png")
    assert is_png(tmp_path / "loss.png")
    assert is_png(tmp_path / "both.png")
    assert (tmp_path / "loss.png").read_bytes() != (tmp_path / "both.png").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["both.png", "loss.png"]


def test_a_run_that_has_just_begun_can_be_drawn(tmp_path):
    draw_curves([], tmp_path / "curves.png")
    assert is_png(tmp_path / "curves.png")
