"""`record.plot`: the report's figures as Axes, in pyplot or in axes of the caller's."""

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.axes import Axes
from synthetic import GROUPS, TASKS, write_record

import lifespan
from lifespan.analysis.analysis import Analysis
from lifespan.analysis.some_tasks import some_tasks
from lifespan.errors import RecordError, ScenarioError
from lifespan.report.figures import FIGURES
from lifespan.report.plots import Plots


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    return lifespan.read(write_record(tmp_path_factory.mktemp("run") / "lived"))


@pytest.fixture(autouse=True)
def closed():
    yield
    pyplot.close("all")


def points(axes):
    """Every number that lines of an axes are drawn at."""
    found = [np.column_stack([line.get_xdata(), line.get_ydata()]) for line in axes.get_lines() if len(line.get_xdata())]
    return np.vstack(found).astype(float)


def test_every_figure_has_a_documented_method():
    methods = {name: method for name, method in vars(Plots).items() if not name.startswith("_")}
    assert set(methods) == set(FIGURES)
    assert len({method.__doc__.strip().partition("\n")[0] for method in methods.values()}) == len(FIGURES)


@pytest.mark.parametrize("name", FIGURES)
def test_a_plot_draws_what_the_report_draws(record, name):
    expected = FIGURES[name].draw(record.analysis)
    if expected is None:
        with pytest.raises(RecordError, match="holds nothing to draw"):
            getattr(record.plot, name)()
        assert pyplot.get_fignums() == []
        return
    drawn = np.atleast_1d(getattr(record.plot, name)())
    assert len(pyplot.get_fignums()) == 1, "pyplot knows the figure, so that a notebook shows it"
    shown = [axes for axes in expected[0].axes if axes.get_visible() and axes.get_label() != "<colorbar>"]
    assert len(drawn) == len(shown)
    for axes, same in zip(drawn, shown, strict=True):
        assert axes.get_title(loc="left") == same.get_title(loc="left")
        assert [text.get_text() for text in axes.texts] == [text.get_text() for text in same.texts]
        if same.get_lines():
            assert np.array_equal(points(axes), points(same), equal_nan=True)


def test_a_task_is_drawn_into_given_axes_with_its_marks_and_legend(record):
    whole = record.plot.trajectories()
    figure, (left, right) = pyplot.subplots(1, 2)
    found = record.plot.trajectories(ax=right, tasks=TASKS[1])
    assert found is right and not left.has_data()
    assert np.array_equal(points(right), points(whole[1])) and right.get_title(loc="left").startswith(TASKS[1])
    entries = [text.get_text() for text in right.get_legend().get_texts()]
    assert set(GROUPS) < set(entries) and "learn" in entries
    assert tuple(figure.get_size_inches()) == tuple(pyplot.rcParams["figure.figsize"])


def test_as_many_axes_as_panels_may_be_given(record):
    _, panels = pyplot.subplots(2)
    assert list(record.plot.trajectories(ax=panels)) == list(panels)
    assert len(pyplot.get_fignums()) == 1


def test_axes_that_do_not_fit_are_named(record):
    _, one = pyplot.subplots()
    with pytest.raises(RecordError, match=r"has 2 panels, and one Axes was given\..*pyplot\.subplots\(2\)"):
        record.plot.trajectories(ax=one)
    with pytest.raises(ScenarioError, match="is no matplotlib Axes but Figure"):
        record.plot.sparsity(ax=pyplot.figure())


def test_groups_leave_out_others_but_the_control(record):
    table = Analysis(record, groups=[GROUPS[1]]).primary_scores
    axes = record.plot.trajectories(groups=GROUPS[1], tasks=TASKS[0])
    assert isinstance(axes, Axes) and set(table["group"]) == {GROUPS[0], GROUPS[1]}
    labels = [text.get_text() for text in axes.figure.legends[0].get_texts()]
    assert labels == [GROUPS[0], GROUPS[1]]


@pytest.mark.parametrize("given", [{"groups": "helthy"}, {"tasks": ["rtee"]}, {"control": "helthy"}])
def test_wrong_names_have_a_suggestion(record, given):
    with pytest.raises(RecordError, match=r"is in none of the records\. Did you mean"):
        record.plot.trajectories(**given)


def test_some_tasks_keep_the_numbers_of_all(record):
    whole, part = record.analysis, some_tasks(record.analysis, [TASKS[0]])
    rows = whole.comparisons[whole.comparisons["task"] == TASKS[0]].reset_index(drop=True)
    assert part.comparisons.equals(rows) and part.highlighted == whole.highlighted
    assert list(part.cohort.tasks) == [TASKS[0]] and set(part.task_controls) == {TASKS[0]}
    assert set(part.cohort.measurements["task"]) <= {TASKS[0], ""}
    assert some_tasks(whole, []) is whole
