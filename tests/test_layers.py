"""Imports point down: the levels of the package, read from its source."""

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

import pytest

import spanbert
from spanbert.cli.main import COMMANDS

PACKAGE = Path(spanbert.__file__).parent
LEVELS = {
    "errors": 0,
    "text": 0,
    "scoring": 0,
    "nn": 1,
    "training": 1,
    "inference": 1,
    "checkpoint": 2,
    "pretraining": 3,
    "tasks": 3,
    "workflows": 4,
    "cli": 5,
    "features": 5,
    "serving": 5,
}
TENSOR_LIBRARIES = {"torch", "safetensors", "accelerate", "transformers"}
FILES = sorted(PACKAGE.rglob("*.py"))
HEAVY = (
    "torch",
    "transformers",
    "numpy",
    "tokenizers",
    "accelerate",
    "pydantic",
    "matplotlib",
    "huggingface_hub",
)
SETTINGS = "pydantic"
"""The help of a command with settings is made of them."""


def imports(tree: ast.AST) -> set[str]:
    """Dotted names that a module imports, inside functions too."""
    found: set[str] = set()
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are written in full"
            found |= {f"{node.module}.{name.name}" for name in node.names}
        else:
            found |= imports(node)
    return found


def part(dotted: str) -> str | None:
    """`spanbert.nn.mask` -> `nn`; None for the package itself and for other packages."""
    names = dotted.split(".")
    return names[1] if names[0] == "spanbert" and len(names) > 1 and names[1] in LEVELS else None


def own_part(path: Path) -> str | None:
    name = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return name if name in LEVELS else None


def source(path: Path) -> ast.AST:
    return ast.parse(path.read_text(encoding="utf-8"))


def relative(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def module_name(path: Path) -> str:
    """`nn/mask.py` -> `spanbert.nn.mask`."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def upward(own: str, imported: set[str]) -> list[str]:
    return sorted(name for name in imported if part(name) and LEVELS[part(name)] > LEVELS[own])


def test_every_part_has_a_level():
    parts = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in FILES}
    assert parts - {"__init__", "__main__", "api"} <= set(LEVELS)


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_no_import_points_up(path):
    own = own_part(path)
    if own is not None:  # the package's own front door may name any part
        assert upward(own, imports(source(path))) == []


@pytest.mark.parametrize("path", [path for path in FILES if LEVELS.get(own_part(path)) == 0], ids=relative)
def test_level_0_knows_no_tensors(path):
    assert not {name.split(".")[0] for name in imports(source(path))} & TENSOR_LIBRARIES


@pytest.mark.parametrize("path", sorted((PACKAGE / "tasks").glob("*/*.py")), ids=relative)
def test_a_task_imports_no_other_task(path):
    tasks = {folder.name for folder in (PACKAGE / "tasks").iterdir() if folder.is_dir()}
    others = tasks - {path.parent.name}
    used = {name.split(".")[2] for name in imports(source(path)) if name.startswith("spanbert.tasks.")}
    assert not used & others


def test_no_modules_import_one_another_in_a_circle():
    names = {module_name(path) for path in FILES} - {"spanbert"}  # the front door may name any part
    imported = {
        module_name(path): {
            name if name in names else name.rpartition(".")[0] for name in imports(source(path))
        }
        & names
        for path in FILES
    }
    del imported["spanbert"]
    assert set(graphlib.TopologicalSorter(imported).static_order()) == names


def test_the_reader_of_imports_sees_every_form():
    tree = ast.parse(
        "import spanbert.cli.main\n"
        "def late():\n    from spanbert.workflows import finetune\n"
        "if TYPE_CHECKING:\n    from spanbert.tasks.contract import Task\n"
    )
    assert upward("nn", imports(tree)) == [
        "spanbert.cli.main",
        "spanbert.tasks.contract.Task",
        "spanbert.workflows.finetune",
    ]


@pytest.mark.parametrize("module", ["spanbert", "spanbert.cli.main"])
def test_importing_it_loads_nothing_heavy(module):
    code = f"import sys, {module}; print(*sorted(set(sys.modules) & set({HEAVY!r})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, [], "")


def test_the_help_of_every_command_loads_nothing_heavy():
    code = (
        "import contextlib, io, sys\n"
        "from spanbert.cli.main import COMMANDS, run\n"
        "for command in COMMANDS:\n"
        "    with contextlib.redirect_stdout(io.StringIO()) as shown:\n"
        "        assert run([command, '--help']) == 0\n"
        "    assert f'spanbert {command}' in shown.getvalue(), command\n"
        f"    print(command, *sorted(set(sys.modules) & set({HEAVY!r}) - {{{SETTINGS!r}}}))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == list(COMMANDS)
