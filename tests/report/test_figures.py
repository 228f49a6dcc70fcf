"""Every figure draws what its table says, from a synthetic record."""

from __future__ import annotations

import matplotlib.pyplot as pyplot
import numpy as np
import pytest
from synthetic import DIVERGED, GROUPS, STAGES, TASKS, write_record

from lifespan.analysis.analysis import Analysis
from lifespan.analysis.forgetting import END
from lifespan.report import figures
from lifespan.report.figures import canvas
from lifespan.report.figures.lines import moment
from lifespan.stats import inference as stats


@pytest.fixture(scope="module")
def analysis(tmp_path_factory):
    return Analysis(write_record(tmp_path_factory.mktemp("run") / "lived"))


@pytest.fixture(scope="module")
def drawn(analysis):
    made = {name: drawing.draw(analysis) for name, drawing in figures.FIGURES.items()}
    return {name: figure for name, figure in made.items() if figure is not None}


@pytest.fixture(scope="module")
def newborn(tmp_path_factory):
    return Analysis(write_record(tmp_path_factory.mktemp("run") / "newborn", lived=0))


def test_figures_have_tables_and_leave_pyplot_alone(drawn):
    for name, (figure, table) in drawn.items():
        assert len(table) > 0, name
        assert not any(axes.get_title(loc="center") for axes in figure.axes), name
    assert pyplot.get_fignums() == []


def test_the_same_rows_give_the_same_svg(analysis):
    first, second = (figures.svg(figures.FIGURES["sparsity"].draw(analysis)[0]) for _ in range(2))
    assert first == second and "<svg" in first


def test_nothing_measured_draws_nothing_but_the_timeline(newborn):
    assert {name for name, drawing in figures.FIGURES.items() if drawing.draw(newborn) is not None} == {"timeline"}


def test_timeline_shows_each_step_of_each_group_and_where_lives_part(drawn):
    _, table = drawn["timeline"]
    assert len(table) == len(GROUPS) * len(STAGES)
    first = table[table["parted"]].groupby("group")["step"].min()
    assert first.to_dict() == {GROUPS[1]: 3, GROUPS[2]: 3}


def test_trajectories_draw_every_primary_score_and_their_means(analysis, drawn):
    figure, table = drawn["trajectories"]
    rows = analysis.cohort.measurements
    rows = rows[(rows["probe"] == "Score") & (rows["metric"] == rows["task"].map({"mrpc": "f1", "rte": "accuracy"}))]
    assert sorted(table["value"]) == sorted(rows["value"])
    panel = figure.axes[0]
    bold = [line for line in panel.get_lines() if line.get_linewidth() == 1.8]
    for line, group in zip(bold, GROUPS, strict=True):
        part = table[(table["task"] == TASKS[0]) & (table["group"] == group)]
        assert np.allclose(line.get_ydata(), part.groupby("step")["value"].mean())


def test_a_diverged_life_ends_in_a_cross_and_is_counted(drawn):
    figure, table = drawn["trajectories"]
    lines = [line for axes in figure.axes for line in axes.get_lines()]
    crosses = [line for line in lines if line.get_marker() == "x" and len(line.get_xdata())]
    lost = table[(table["group"] == DIVERGED[0]) & (table["individual"] == DIVERGED[1])]
    assert len(crosses) == 1 and list(crosses[0].get_ydata()) == [lost["value"].iloc[-1]]
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["mrpc (n = 4, 3, 4)", "rte (n = 4 each)"]


def test_retention_is_the_mean_over_individuals(analysis, drawn):
    figure, table = drawn["retention"]
    scores = analysis.primary_scores
    for _, cell in table[table["learned"] != END].iterrows():
        step = {"rte": 2, "mrpc": 3}[cell["learned"]]
        met = scores[(scores["group"] == cell["group"]) & (scores["step"] == step) & (scores["task"] == cell["task"])]
        assert cell["mean"] == pytest.approx(met["value"].mean()) and cell["n"] == len(met)
    control = table[table["group"] == GROUPS[0]].sort_values(["row", "task"], ascending=[True, False])
    assert [text.get_text() for text in figure.axes[0].texts] == [f"{value:.2f}" for value in control["mean"]]


def test_sparsity_curve_rises_to_the_last_age(drawn):
    _, table = drawn["sparsity"]
    for _, life in table.groupby(["group", "individual"]):
        assert life["value"].is_monotonic_increasing
    assert table.loc[table["status"] == "done"].groupby("group")["value"].max().tolist() == [0.6] * 3


def test_sparsity_performance_tells_just_pruned_from_recovered(drawn):
    _, table = drawn["sparsity_performance"]
    assert set(table.loc[table["drawn"] == "just pruned", "stage"]) == {"age to 0.35", "age to 0.6"}
    assert not table[table["drawn"] == "last"].duplicated(["group", "individual", "task", "sparsity"]).any()


def test_training_bins_keep_the_mean(analysis, drawn):
    _, table = drawn["training"]
    rows = analysis.cohort.measurements
    loss = rows[(rows["probe"] == "Training") & (rows["metric"] == "loss")]["value"].dropna()
    drawn = table[table["metric"] == "loss"]
    assert drawn["rows"].sum() == len(loss)
    assert np.average(drawn["value"], weights=drawn["rows"]) == pytest.approx(loss.mean())


def test_bands_are_bootstrap_intervals(drawn):
    _, table = drawn["trajectories"]
    part = table[(table["task"] == "rte") & (table["group"] == GROUPS[0]) & (table["step"] == 2)]
    found = moment(part)
    expected = stats.mean_interval(part["value"], resamples=figures.RESAMPLES)
    assert (found["low"], found["high"]) == (expected.low, expected.high)


def test_panels_stand_at_rounded_places():
    """The layout's solver differs in its last digits between processes; a figure's bytes must not."""
    figure, panels = canvas.canvas(2.0, columns=2)
    panels[0].plot([0, 1], [0.1234567, 3.0])
    first = canvas.svg(figure)
    edges = np.array([axes.get_position(original=True).bounds for axes in figure.axes])
    assert np.allclose(edges * 1e4, np.round(edges * 1e4), atol=1e-8) and len(np.unique(edges)) > 4
    assert canvas.svg(figure) == first
