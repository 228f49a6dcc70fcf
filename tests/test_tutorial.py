"""The pages of the documentation: what they show runs as it stands, and every page has its place."""

import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
BLOCK = re.compile(r"^```(python|sh)(?: title=\"([^\"]+)\")?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
EXECUTED = ("tutorial", "bring-your-own-task", "read-a-record")

pytestmark = pytest.mark.skipif(not DOCS.is_dir(), reason="the documentation is not here")


def live(page, run):
    """Run a page's blocks in order, here; a Python block with a title is a file. Returns the names defined."""
    names = {"__name__": page}
    for language, title, code in BLOCK.findall((DOCS / f"{page}.md").read_text(encoding="utf-8")):
        if title:
            Path(title).write_text(code, encoding="utf-8")
        elif language == "python":
            exec(compile(code, f"{page}.md", "exec"), names)
        else:
            for line in code.strip().splitlines():
                program, *arguments = shlex.split(line)
                code, out, err = run(*arguments)
                assert program == "lifespan" and code == 0, (line, out, err)
    return names


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_tutorial_is_lived(here, run, monkeypatch):
    import sys

    names = live("tutorial", run)
    assert list(names["table"].columns) == ["healthy", "unstable"] and len(names["table"]) == 3
    found = names["found"]
    assert found.n == 3 and "0.25" in found.warning
    assert found.difference.estimate == pytest.approx(float((names["table"]["unstable"] - names["table"]["healthy"]).mean()))
    assert (here / "runs/unstable/report.html").stat().st_size > 10_000
    for name in [name for name in sys.modules if name == "scenario"]:
        monkeypatch.delitem(sys.modules, name)


def test_the_pages_tasks_and_records_are_lived(here, run, monkeypatch):
    import sys
    import types

    for page in EXECUTED[1:]:
        # A dataclass looks for the module that it is written in.
        monkeypatch.setitem(sys.modules, page, types.ModuleType(page))
        names = live(page, run)
    assert names["task"].title == "micro-sentiment" and len(names["behind"]) > 0
    assert (here / "runs/parity/measurements.jsonl").is_file()


def test_the_table_of_files_is_what_a_run_writes(here):
    from conftest import tiny_study

    from lifespan import simulate

    simulate(tiny_study(), here / "run", threads=1)
    told = re.findall(r"^\| `([^`]+)` \|", (DOCS / "read-a-record.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    optional = {"contrasts.jsonl", "examples/*.parquet"}
    assert {name.rstrip("/") for name in told} - optional == {path.name for path in (here / "run").iterdir()}


def test_every_page_is_in_the_navigation():
    listed = set(re.findall(r"[\w-]+\.md", (ROOT / "mkdocs.yml").read_text(encoding="utf-8")))
    assert listed == {path.name for path in DOCS.glob("*.md")}


def test_the_design_names_tests_that_exist():
    for path, name in re.findall(r"`(tests/\w+\.py)::(\w+)`", (DOCS / "design.md").read_text(encoding="utf-8")):
        assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8"), (path, name)
