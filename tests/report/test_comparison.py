"""Several runs on one page: every setting that differs is named with its values, and no run's scores are another's."""

from __future__ import annotations

import json
import re

import html5lib
import pytest
from synthetic import GROUPS, write_record

from lifespan.analysis.analysis import Analysis
from lifespan.report.comparison import comparison, score_matrix
from lifespan.report.html import write_report


def changed(directory, file, change):
    """A record's file after a change of its data."""
    data = json.loads((directory / file).read_text())
    change(data)
    (directory / file).write_text(json.dumps(data))


@pytest.fixture
def runs(tmp_path):
    """Two runs of one study by name, in folders a and b, that differ in eight planted settings."""
    one, other = (write_record(tmp_path / name, individuals=count) for name, count in (("a", 4), ("b", 3)))

    def study(data):
        data["precision"] = "bf16"
        data["command"] += ["--set", "RATE=<b>1e-3</b>"]
        for group in data["groups"].values():
            group["scenario"]["subject"]["revision"] = 3
            group["scenario"] = json.loads(json.dumps(group["scenario"]))
            group["scenario"]["subject"]["width"] = 256
        events = data["groups"][GROUPS[1]]["scenario"]["events"]
        next(event for event in events if event["class"] == "lifespan:Learn")["by"]["sparsity"] = 0.5
        events.insert(
            0, {"class": "lifespan:Suffer", "revision": 1, "disorder": {"class": "lifespan:HighRate", "severity": 0.75}}
        )
        data["groups"]["only here"] = data["groups"][GROUPS[0]]

    changed(other, "study.json", study)
    changed(other, "environment.json", lambda data: data.update(torch="2.13.0", gpu="A <GPU>"))
    return one, other


def rows_of(analysis):
    return {(row.part, row.setting): tuple(row)[3:] for row in analysis.run_settings.itertuples()}


def test_every_planted_difference_is_named_and_nothing_else(runs):
    found = rows_of(Analysis(runs))
    assert list(Analysis(runs).run_settings.columns) == ["part", "setting", "a", "b"]
    assert found == {
        ("study", "individuals"): ("4", "3"),
        ("study", "precision"): ("fp32", "bf16"),
        ("--set", "RATE"): ("", "<b>1e-3</b>"),
        ("environment", "torch"): ("2.12.0", "2.13.0"),
        ("environment", "gpu"): ("", "A <GPU>"),
        ("groups", "only here"): ("", "yes"),
        ("every group", "subject.revision"): ("2", "3"),
        ("every group", "subject.width"): ("", "256"),
        (f"group {GROUPS[1]}", "Learn 1: by.sparsity"): ("0.05", "0.5"),
        (f"group {GROUPS[1]}", "Suffer 1"): ("", "yes"),
        (f"group {GROUPS[1]}", "Suffer 1: disorder"): ("", "HighRate"),
        (f"group {GROUPS[1]}", "Suffer 1: disorder.severity"): ("", "0.75"),
    }


def test_runs_of_one_study_differ_in_nothing(tmp_path):
    analysis = Analysis([write_record(tmp_path / name) for name in ("a", "b")])
    assert analysis.run_settings.empty
    assert "No recorded setting differs" in comparison(analysis).html


def test_one_run_is_compared_with_none(tmp_path):
    analysis = Analysis(write_record(tmp_path / "a"))
    assert comparison(analysis) is None and "run_settings" not in analysis.tables()


def test_scores_stand_under_the_run_that_they_come_from(runs):
    def better(row):
        return {**row, "value": row["value"] + 0.1} if row["probe"] == "Score" else row

    lines = (runs[1] / "measurements.jsonl").read_text().splitlines()
    (runs[1] / "measurements.jsonl").write_text("".join(json.dumps(better(json.loads(line))) + "\n" for line in lines))
    analysis = Analysis(runs)
    alone = [Analysis(run).final_means.set_index(["task", "group"])["mean"] for run in runs]
    together = analysis.run_scores.set_index(["task", "group", "run"])["mean"]
    for task in ("mrpc", "rte"):
        for run, means in zip(("a", "b"), alone, strict=True):
            assert together[task, GROUPS[0], run] == pytest.approx(means[task, GROUPS[0]])
        assert together[task, GROUPS[0], "b"] > together[task, GROUPS[0], "a"] + 0.05
    matrix = score_matrix(analysis)
    assert [name for name, _ in matrix.columns] == ["a", "b"]
    (row,) = [cells for name, cells in matrix.rows if name.startswith(f"{GROUPS[0]} on mrpc, F1")]
    assert [float(cell.mean) for cell in row] == pytest.approx([means["mrpc", GROUPS[0]] for means in alone], abs=6e-4)


def test_names_that_could_be_taken_for_another_runs_are_numbered(tmp_path):
    """A group "x: y" of a run and a group "y" of a run named "x" would be one name."""
    one = write_record(tmp_path / "a", name="s")
    other = write_record(tmp_path / "b", name="s: healthy")
    changed(other, "study.json", lambda data: data.update(name="s-2"))
    analysis = Analysis([one, one, other])
    assert len(set(analysis.run_settings.columns)) == 5
    scores = analysis.run_scores
    assert scores.groupby(["task", "group", "run"]).size().max() == 1 and scores["run"].nunique() == 3


def test_the_page_has_the_section_and_its_files(runs, tmp_path):
    page = write_report(runs, tmp_path / "both").read_text()
    section = re.search(r'<section aria-labelledby="runs">.*?</section>', page, flags=re.DOTALL)[0]
    html5lib.HTMLParser(strict=True).parse(page)
    assert "Runs compared" in section and "Learn 1: by.sparsity" in section
    assert "&lt;b&gt;1e-3&lt;/b&gt;" in section and "<b>1e-3" not in section and "A &lt;GPU&gt;" in section
    assert 'href="#csv-run_settings"' in section and 'id="csv-run_settings"' in page and 'id="csv-run_scores"' in page
    assert (tmp_path / "both/tables/run_settings.csv").is_file() and (tmp_path / "both/tables/run_scores.csv").is_file()
