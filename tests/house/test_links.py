"""Every link of a kept page leads somewhere, and `reports/` keeps nothing that `lifespan report` makes again."""

import base64
import gzip
import re
import subprocess
from pathlib import Path
from urllib.parse import unquote

import pytest
from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
REPORTS = ROOT / "reports"
LINK = re.compile(r'\s(?:href|src|xlink:href)="([^"]*)"')
IDENTIFIER = re.compile(r'\sid="([^"]*)"')
HEADING = re.compile(r"<h[1-6]>(.*?)</h[1-6]>")
PAGES = sorted(
    [*REPORTS.rglob("*.html"), *REPORTS.rglob("*.md"), *(ROOT / "docs").glob("*.md"), *ROOT.glob("*.md")],
    key=lambda page: page.relative_to(ROOT).as_posix(),
)

pytestmark = pytest.mark.skipif(not REPORTS.is_dir(), reason="the kept reports are not here")


def html(page):
    text = page.read_text(encoding="utf-8")
    return MarkdownIt("commonmark").enable("table").render(text) if page.suffix == ".md" else text


def dead(page):
    """The links of a page that lead nowhere."""
    source = html(page)
    known = {*IDENTIFIER.findall(source), *(slug(text) for text in HEADING.findall(source) if page.suffix == ".md")}
    return [link for link in dict.fromkeys(LINK.findall(source)) if not leads_somewhere(page, link, known)]


def slug(heading):
    """The identifier that GitHub and the built site give a heading."""
    return re.sub(r"[^\w\- ]", "", re.sub(r"<[^>]*>", "", heading).lower()).replace(" ", "-")


def leads_somewhere(page, link, identifiers):
    if link.startswith(("https://", "http://", "mailto:")):
        return True
    if link.startswith("data:"):
        return link == "data:," or len(carried(link)) > 0
    if link.startswith("#"):
        return link[1:] in identifiers
    return (page.parent / unquote(link.partition("#")[0])).exists()


def carried(link):
    """The file that a link holds; raises where it holds none."""
    kind, _, content = link.partition(";base64,")
    content = base64.b64decode("".join(content.split()), validate=True)
    return gzip.decompress(content) if kind == "data:application/gzip" else content


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_of_a_kept_page_leads_somewhere(page):
    assert not dead(page)


def test_a_dead_link_would_be_seen(tmp_path):
    (tmp_path / "there.csv").write_text("n\n")
    link = "data:text/csv;base64," + base64.b64encode(b"n\n").decode()
    (tmp_path / "page.html").write_text(
        f'<p id="a"></p><a href="#a"></a><a href="#b"></a><a href="there.csv"></a><a href="gone.csv"></a><a href="{link}"></a>'
    )
    (tmp_path / "page.md").write_text(
        "# A `b`, c\n\n[one](there.csv) ![two](gone.svg) [three](#a-b-c) [four](#d) <https://example.org>\n"
    )
    assert dead(tmp_path / "page.html") == ["#b", "gone.csv"]
    assert dead(tmp_path / "page.md") == ["gone.svg", "#d"]


def test_a_kept_report_needs_no_file_beside_it():
    for page in REPORTS.rglob("report.html"):
        links = {link for link in LINK.findall(html(page)) if not link.startswith(("#", "data:", "https://", "http://"))}
        assert not links, page


def test_what_a_report_makes_again_is_not_committed():
    listed = subprocess.run(["git", "ls-files", "reports"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("no git checkout")
    kept = [Path(line) for line in listed.stdout.splitlines()]
    assert Path("reports/answers.md") in kept
    made = {"figures", "tables", "methods.md", "references.bib"}
    assert not [path.as_posix() for path in kept if made & set(path.parts)]


def test_what_a_report_makes_again_is_ignored():
    if not (ROOT / ".git").exists():
        pytest.skip("no git checkout")
    made = ["reports/a/figures/x.svg", "reports/a/b/tables/x.csv", "reports/a/methods.md", "reports/a/references.bib"]
    kept = ["reports/a/report.html", "reports/a/summary.md", "reports/a/measurements.jsonl.gz", "reports/a/participants.tsv"]
    asked = ["git", "check-ignore", "--no-index", *made, *kept]
    assert subprocess.run(asked, cwd=ROOT, capture_output=True, text=True).stdout.split() == made
