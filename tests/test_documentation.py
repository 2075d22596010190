"""What the documentation tells users to type runs as it stands there, on the model in the package."""

import gzip
import json
import re
import shlex
import shutil
from pathlib import Path

import pytest

from spanbert.checkpoint.source import shipped_models
from spanbert.cli.main import run

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FILES = re.compile(r"\b(SOURCE|DIR|M|FILE|DATA|CORPUS)\b|spanbert_hf_base|--resume")
"""Lines with a placeholder, a file that nobody has here, or a run that would have to be killed first."""
PASSAGE = "The lease ends in May. Ada signed it in Paris."

pytestmark = pytest.mark.skipif("mini" not in shipped_models(), reason="this build carries no model")


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A folder with the files that the examples name."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "contracts").mkdir()
    (folder / "letters").mkdir()
    (folder / "contracts" / "lease.txt").write_text(PASSAGE + "\nThe landlord is Grace.\n", encoding="utf-8")
    (folder / "letters" / "2024.pdf").write_bytes(pdf("The rent rises in June."))
    questions = [
        {"id": "a", "question": "When does the lease end?", "answers": [{"text": "May", "answer_start": 18}]},
        {"id": "b", "question": "Who signed it?", "answers": [{"text": "Ada", "answer_start": 23}]},
        {"id": "c", "question": "Who painted it?", "answers": [], "is_impossible": True},
    ]
    squad = {
        "version": "2.0",
        "data": [{"title": "x", "paragraphs": [{"context": PASSAGE, "qas": questions}]}],
    }
    for name in ("train.json", "dev.json"):
        (folder / name).write_text(json.dumps(squad), encoding="utf-8")
    lines = [json.dumps({"id": q["id"], "question": q["question"], "passage": PASSAGE}) for q in questions]
    (folder / "questions.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with gzip.open(folder / "questions.jsonl.gz", "wt", encoding="utf-8") as stream:
        stream.write("\n".join(lines) + "\n")
    if (ROOT / "tests" / "desk").exists():
        shutil.copytree(ROOT / "tests" / "desk", folder, dirs_exist_ok=True)
    return folder


def pdf(text):
    """A page of text as the smallest PDF."""
    content = f"BT /F1 12 Tf 20 100 Td ({text}) Tj ET"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 200] /Contents 4 0 R "
        "/Resources << /Font << /F1 5 0 R >> >> >>",
        f"<< /Length {len(content)} >>\nstream\n{content}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    body, places = "%PDF-1.4\n", []
    for number, item in enumerate(objects, start=1):
        places.append(len(body))
        body += f"{number} 0 obj\n{item}\nendobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    size = len(objects) + 1
    return (
        f"{body}xref\n0 {size}\n0000000000 65535 f \n{table}"
        f"trailer << /Size {size} /Root 1 0 R >>\nstartxref\n{len(body)}\n%%EOF\n"
    ).encode()


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def commands(page):
    """The command lines of a page that can be run here, each once."""
    lines = [line for block in blocks(page, "console") for line in block.splitlines()]
    chosen = [line for line in lines if line.startswith("spanbert ") and not FILES.search(line)]
    return list(dict.fromkeys(chosen))


def makers():
    """Name of a model folder -> the command that makes it, wherever that stands."""
    made = re.compile(r"--output (my-[\w-]+)")
    lines = [line for page in PAGES for line in commands(page)]
    return {found[1]: line for line in reversed(lines) if (found := made.search(line))}


class Typist:
    """Types commands at the desk, and before each those that make the models it reads."""

    def __init__(self, desk, capsys):
        self.desk = desk
        self.capsys = capsys

    def run(self, line):
        self.make_models(line)
        words = shlex.split(line)
        code = run(words[1:])
        told = self.capsys.readouterr()
        again = "holds a finished run" in told.err  # made for another line already
        assert code == 0 or again, f"{line}\n{told.err}"
        if "--json" in words:
            assert json.loads(told.out)

    def make_models(self, text):
        for name, maker in makers().items():
            if maker != text and re.search(rf"\b{name}\b(?!-)", text) and not (self.desk / name).exists():
                self.run(maker)


@pytest.fixture
def typist(desk, monkeypatch, capsys):
    monkeypatch.chdir(desk)
    return Typist(desk, capsys)


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=lambda page: page.name)
def test_the_documented_commands_run(page, typist):
    for line in commands(page):
        typist.run(line)


def test_predictions_of_the_documentation_keep_their_ids(desk, typist):
    (line,) = {line for page in PAGES for line in commands(page) if line.endswith("--output answers.jsonl")}
    typist.run(line)
    answers = [json.loads(line) for line in (desk / "answers.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [answer["id"] for answer in answers] == ["a", "b", "c"]


@pytest.mark.parametrize(
    "page", [page for page in PAGES if blocks(page, "python")], ids=lambda page: page.name
)
def test_the_documented_python_runs(page, typist):
    for block in blocks(page, "python"):
        typist.make_models(block)
        exec(compile(block, page.name, "exec"), {"__name__": "__main__"})


def test_links_between_pages_lead_somewhere():
    for page in [*PAGES, *ROOT.glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
