"""`lifespan.report(...)`, the counterpart of the command, whatever of the package was imported before."""

import os
import subprocess
import sys

import pytest
from synthetic import write_record

import lifespan
import lifespan.report.labels
from lifespan.errors import RecordError, ScenarioError
from lifespan.report import entry
from lifespan.simulation import Outcome


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_record(tmp_path_factory.mktemp("run") / "lived")


def test_the_package_is_called_as_the_function(run, tmp_path):
    assert lifespan.report.labels.outcome_label, "the package keeps its modules"
    found = lifespan.report(run, tmp_path / "out")
    assert found.path == tmp_path / "out" / "report.html" and os.fspath(found) == str(found.path)
    assert (tmp_path / "out" / "tables" / "final_scores.csv").is_file()


def test_a_notebook_shows_the_page_and_links_it(run, tmp_path, monkeypatch):
    found = lifespan.report(lifespan.read(run), tmp_path / "page.html")
    shown = found._repr_html_()
    assert shown.count("<iframe srcdoc=") == 1 and "&lt;!DOCTYPE html&gt;" in shown.replace("&lt;!doctype", "&lt;!DOCTYPE")
    assert "allow-same-origin" not in shown and "page.html</a>" in shown
    monkeypatch.setattr(entry, "INLINE_UP_TO", 10)
    assert "<iframe" not in found._repr_html_() and "page.html" in found._repr_html_()


def test_records_outcomes_and_several_paths_are_taken(run, monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr("lifespan.report.html.write_report", lambda places, *_, **options: asked.append((places, options)))
    entry.report(Outcome(run, 1, 0, 0, 0), groups="unstable")
    entry.report([str(run), lifespan.read(run)], control="unstable")
    options = {"pdf": False, "animate": False, "force": False}
    assert asked == [
        ([run], {"groups": ("unstable",), "control": None, **options}),
        ([run, run], {"groups": (), "control": "unstable", **options}),
    ]


def test_what_is_no_run_is_said(tmp_path):
    with pytest.raises(ScenarioError, match=r"report\(int\): is neither a path, nor a record, nor an outcome"):
        lifespan.report(3)
    with pytest.raises(RecordError, match="there is no such run directory"):
        lifespan.report(tmp_path / "none")
    with pytest.raises(RecordError, match="no run directory was given"):
        lifespan.report([])


def test_it_is_the_function_when_nothing_was_imported_yet():
    code = "import lifespan; print(callable(lifespan.report)); import lifespan.report.html; "
    code += "print(callable(lifespan.report), lifespan.report.html.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["True", "True lifespan.report.html"]
