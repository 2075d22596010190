from spanbert.workflows.provenance import model_sha256


def test_a_models_files_count_and_of_its_parts_only_the_one_that_is_named(tmp_path):
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    alone = model_sha256(tmp_path)
    assert list(alone) == ["config.json"]
    for task in ("entities", "relations"):
        (tmp_path / "tasks" / task).mkdir(parents=True)
        (tmp_path / "tasks" / task / "task.json").write_text(task, encoding="utf-8")
    assert model_sha256(tmp_path) == alone
    named = model_sha256(tmp_path, part="relations")
    assert sorted(named) == ["config.json", "tasks/relations/task.json"]
    (tmp_path / "tasks" / "relations" / "task.json").write_text("changed", encoding="utf-8")
    assert model_sha256(tmp_path, part="relations") != named
