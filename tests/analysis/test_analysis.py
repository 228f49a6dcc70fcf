"""One `Analysis` for one report: what it is made from, and that each table is computed once and by nobody changed."""

from __future__ import annotations

import ast
import inspect
from collections import Counter
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import pandas as pd
import pytest
from synthetic import GROUPS, write_record
from synthetic_looks import write_looks

import lifespan.analysis
import lifespan.report
from lifespan import read
from lifespan.analysis import analysis as module
from lifespan.analysis.analysis import Analysis
from lifespan.analysis.cohort import gather
from lifespan.errors import RecordError
from lifespan.report import citations, figures, findings, sentences
from lifespan.report.html import write_report

TABLES = [name for name, value in vars(Analysis).items() if isinstance(value, cached_property)]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_record(tmp_path_factory.mktemp("run") / "lived")


def test_a_directory_a_record_several_and_a_cohort_make_the_same_tables(run):
    expected = Analysis(run).comparisons
    assert len(expected) == 4
    for source in (str(run), [run], read(run), [read(run)], gather([read(run)])):
        pd.testing.assert_frame_equal(Analysis(source).comparisons, expected)


def test_groups_and_control_are_chosen(run):
    chosen = Analysis(run, groups=[GROUPS[2]], control="unstable")
    assert set(chosen.comparisons["group"]) == {GROUPS[2]} and set(chosen.comparisons["control"]) == {"unstable"}
    assert set(chosen.primary_scores["group"]) == {GROUPS[2], "unstable"}


def test_what_cannot_be_analysed_is_said(run, tmp_path):
    with pytest.raises(RecordError, match="there is no such run directory"):
        Analysis(tmp_path / "nowhere")
    with pytest.raises(RecordError, match="no run directory was given"):
        Analysis([])
    with pytest.raises(RecordError, match="Did you mean 'unstable'"):
        Analysis(run, groups=["unstabel"])


def counted(monkeypatch, calls):
    """Count the calls of every function that `Analysis` makes a table with."""
    for part in vars(module).values():
        if not inspect.ismodule(part) or not part.__name__.startswith("lifespan.analysis."):
            continue
        for name, function in list(vars(part).items()):
            if inspect.isfunction(function) and function.__module__ == part.__name__ and not name.startswith("_"):
                monkeypatch.setattr(part, name, counting(calls, f"{part.__name__}.{name}", function))


def counting(calls, name, function):
    def call(*arguments, **options):
        calls[name] += 1
        return function(*arguments, **options)

    return call


@pytest.mark.slow
def test_a_report_computes_each_table_once(tmp_path, monkeypatch):
    calls = Counter()
    counted(monkeypatch, calls)
    # What is drawn is drawn; turning it into files takes no tables, and most of the time.
    monkeypatch.setattr(figures, "svg", lambda figure: "<svg></svg>")
    write_report([write_looks(tmp_path / "looks")])
    parts = ("scores.primary_scores", "scores.comparisons", "retention.declines", "dose_effects.severity_fits")
    tables = (*parts, "summaries.over_examples", "endpoints.outcome_comparisons", "continual.memory_metrics")
    assert {name: calls[f"lifespan.analysis.{name}"] for name in tables} == dict.fromkeys(tables, 1)


def test_citations_sentences_and_figures_add_nothing_to_the_tables_of_a_report(tmp_path, monkeypatch):
    analysis = Analysis(write_looks(tmp_path / "looks"))
    for name in TABLES:
        getattr(analysis, name)
    calls = Counter()
    counted(monkeypatch, calls)
    assert citations.publications(analysis) and sentences.results(analysis) and findings.further_results(analysis)
    assert figures.FIGURES["outcomes"].draw(analysis) is not None
    assert not {name for name in calls if name.rpartition(".")[2] in TABLES}


def test_nobody_changes_a_table(tmp_path):
    analysis = Analysis(write_looks(tmp_path / "looks"))
    before = {name: table.copy() for name, table in analysis.tables().items()}
    for drawing in figures.FIGURES.values():
        drawing.draw(analysis)
    sentences.results(analysis), findings.further_results(analysis), citations.publications(analysis)
    for name, table in analysis.tables().items():
        pd.testing.assert_frame_equal(table, before[name], obj=name)


def test_every_table_of_an_unlived_study_can_be_computed(tmp_path):
    analysis = Analysis(write_record(tmp_path / "unlived", lived=0))
    for name in TABLES:
        getattr(analysis, name)
    assert analysis.final_scores.empty and not analysis.comparisons["n"].any()


def test_two_analyses_share_nothing(run):
    cohort = gather([read(run)])
    rows = cohort.measurements
    first = Analysis(cohort).final_means
    shifted = Analysis(replace(cohort, measurements=rows.assign(value=rows["value"] + 1))).final_means
    assert (shifted["mean"] - first["mean"]).round(9).eq(1).all()


@pytest.mark.parametrize("package", [lifespan.analysis, lifespan.report], ids=["analysis", "report"])
def test_no_module_keeps_a_cache(package):
    """A table that is kept by the identity of an object outlives its report; `Analysis` keeps its own.

    Which fonts this machine has is no table, and stays as it is.
    """
    kept = [
        f"{path.name}: {name}"
        for path in Path(package.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
        for name in map(ast.unparse, node.decorator_list)
        if "cache" in name and name != "cached_property"
    ]
    assert [name for name in kept if name != "fonts.py: cache"] == []
