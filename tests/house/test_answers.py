"""The page that answers the essay and the gallery of reports: what they say of a record, and that they are up to date."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

REPORTS = Path(__file__).parents[2] / "reports"


def script(name):
    """A script of `reports/` as a module."""
    known = importlib.util.spec_from_file_location(name, REPORTS / f"{name}.py")
    found = importlib.util.module_from_spec(known)
    sys.modules[name] = found
    known.loader.exec_module(found)
    return found


build = script("build")
remake = script("remake")


def test_an_interval_is_written_with_what_it_lacks():
    assert build.interval(0.0, 0.0, 0.0) == "+.000 (all equal)"
    assert build.interval(0.2, float("nan"), float("nan")) == "+.200 (no interval)"
    assert build.interval(-0.1, -0.2, 0.05) == "-.100 (-.200 to +.050)"


@pytest.mark.slow
def test_every_hypothesis_about_a_kept_record_finds_its_twins():
    missing = [
        f"{folder}: {result.hypothesis.description}"
        for claim in build.CLAIMS
        for _, folder, results in build.evaluated(claim)
        for result in results
        if not result.n
    ]
    assert not missing


@pytest.mark.slow
def test_the_page_of_answers_is_up_to_date():
    page = build.answers()
    assert page == (REPORTS / "answers.md").read_text(encoding="utf-8"), "run: python reports/build.py"
    assert build.gallery(page) == (REPORTS / "index.html").read_text(encoding="utf-8"), "run: python reports/build.py"


def test_the_gallery_links_only_what_is_there():
    page = (REPORTS / "index.html").read_text(encoding="utf-8")
    links = re.findall(r'(?:href|src)="([^"#]+)"', page)
    own = [link for link in links if not link.startswith("https://")]
    assert own and all((REPORTS / link).is_file() for link in own)
    kept = {path.parent.relative_to(REPORTS).as_posix() for path in REPORTS.rglob("report.html")}
    assert kept == {link.removesuffix("/report.html") for link in links if link.endswith("report.html")}


def test_a_kept_study_is_its_record_its_report_and_its_summary(tmp_path, monkeypatch):
    from synthetic import write_record

    from lifespan.report import figures

    monkeypatch.setattr(figures, "FIGURES", {"timeline": figures.FIGURES["timeline"]})
    study = write_record(tmp_path / "study")
    record = {path.name for path in study.iterdir()}
    (study / "report.html").write_text("old")
    remake.remake(study)
    assert {path.name for path in study.iterdir()} - record == {"report.html", "summary.md"}
    assert (study / "report.html").read_text().startswith("<!DOCTYPE html>")
    for name in ("figures", "tables"):
        (study / name).mkdir()
        (study / name / "x.csv").write_text("x")
    (study / "methods.md").write_text("x")
    remake.remove_by_products(study)
    assert {path.name for path in study.iterdir()} - record == {"report.html", "summary.md"}
