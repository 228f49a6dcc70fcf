"""The pages of the documentation: what they show runs as it stands, and every page has its place."""

import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
BLOCK = re.compile(r"^```(python|sh)(?: title=\"([^\"]+)\")?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
EXECUTED = ("tutorial", "bring-your-own-task", "read-a-record", "write-a-pruner", "write-a-learner", "write-a-probe")

pytestmark = pytest.mark.skipif(not DOCS.is_dir(), reason="the documentation is not here")


def live(page, run):
    """Run a page's blocks in order, here; a Python block with a title is a file. Returns its names, and what was said."""
    names, said = {"__name__": page}, []
    for language, title, code in BLOCK.findall((DOCS / f"{page}.md").read_text(encoding="utf-8")):
        if title:
            Path(title).write_text(code, encoding="utf-8")
        elif language == "python":
            exec(compile(code, f"{page}.md", "exec"), names)
        else:
            for line in code.replace("\\\n", "").strip().splitlines():
                program, *arguments = shlex.split(line, comments=True)
                code, out, err = run(*arguments)
                assert program == "lifespan" and code == 0, (line, out, err)
                said.append(out + err)
    return names, said


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
@pytest.mark.long
def test_the_tutorial_is_lived(here, run, monkeypatch):
    import sys

    names, (planned, simulated, printed, reported) = live("tutorial", run)
    separate, shared, _ = map(int, re.search(r"^events +(\d+) +(\d+) +(\d+)", planned, flags=re.MULTILINE).groups())
    assert shared < separate and "time, about" in planned
    assert all("report.html" in said for said in (simulated, reported)) and "## What came out" in printed
    steps = names["record"].steps()
    developed = steps[steps["kind"] == "Develop"]
    assert len(developed) == 6 and set(developed.groupby("seed")["digest"].nunique()) == {1}
    assert set(steps[steps["kind"] == "Learn"].groupby("seed")["digest"].nunique()) == {2}
    assert list(names["table"].columns) == ["healthy", "unstable"] and len(names["table"]) == 3
    found = names["found"]
    assert found.n == 3 and "0.25" in found.warning
    assert found.difference.estimate == pytest.approx(float((names["table"]["unstable"] - names["table"]["healthy"]).mean()))
    for name in ("report.html", "methods.md", "references.bib"):
        assert (here / "runs/a-look" / name).stat().st_size > 100
    for name in [name for name in sys.modules if name == "scenario"]:
        monkeypatch.delitem(sys.modules, name)


@pytest.mark.slow
def test_the_pages_tasks_and_records_are_lived(here, run, monkeypatch):
    import sys
    import types

    for page in EXECUTED[1:]:
        # A dataclass looks for the module that it is written in.
        monkeypatch.setitem(sys.modules, page, types.ModuleType(page))
        live(page, run)
    told = re.findall(r"^\| `([\w./*]+)` \|", (DOCS / "read-a-record.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    optional = {"contrasts.jsonl", "examples/*.parquet", "hypotheses.jsonl", "looks.jsonl"}
    assert {name.rstrip("/") for name in told} - optional == {path.name for path in (here / "runs/two-ways").iterdir()}


def test_the_results_link_what_is_there():
    linked = re.findall(r"(?:href|src)=\"\.\./(reports/[^\"]+)\"", (DOCS / "results.md").read_text(encoding="utf-8"))
    assert linked and all((ROOT / path).is_file() for path in linked)


def test_every_page_is_in_the_navigation():
    listed = set(re.findall(r"[\w/-]+\.md", (ROOT / "mkdocs.yml").read_text(encoding="utf-8")))
    assert listed == {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}


def test_the_design_names_tests_that_exist():
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (DOCS / "design.md").read_text(encoding="utf-8"))
    assert named
    for path, name in named:
        assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8"), (path, name)


PICTURE = re.compile(
    r"!\[(?P<said>[^]]*)\]\((?P<path>[^)]+)\)|<img[^>]*alt=\"(?P<alt>[^\"]*)\"[^>]*src=\"(?P<source>[^\"]+)\""
)


def test_every_picture_says_in_words_what_it_shows_is_there_and_is_small():
    pages = [ROOT / "README.md", *DOCS.rglob("*.md")]
    found = [(page, shown) for page in pages for shown in PICTURE.finditer(page.read_text(encoding="utf-8"))]
    assert len(found) > 30
    for page, shown in found:
        assert len(shown["said"] or shown["alt"]) > 15, (page, shown[0])
        # The site has a folder for each page, so that what stands in HTML is seen from there.
        path = page.parent / shown["path"] if shown["path"] else page.parent / shown["source"].removeprefix("../")
        if "reports/" not in path.as_posix():
            assert path.is_file() and path.stat().st_size < 150_000, path


def test_what_the_tutorial_prints_stands_below_its_commands():
    text = (DOCS / "tutorial.md").read_text(encoding="utf-8")
    commands = re.findall(r"^```(?:sh|python)\n(?:.*?)^```\n\n```text\n", text, flags=re.DOTALL | re.MULTILINE)
    assert len(commands) >= 4
